<?php
// PHP SoapClient with a client made from an older WSDL, which the gateway serves: check.php URL flat|wrapped
[, $url, $form] = $argv;
$client = $name = "php-$form";

// Runs one check and prints its result.
function column(string $name, callable $check) {
    global $client;
    try {
        $returned = $check();
        echo "PASS $client $name\n";
        return $returned;
    } catch (Throwable $error) {
        $reason = preg_replace('/\s+/', ' ', "{$error->getMessage()} (line {$error->getLine()})");
        echo "FAIL $client $name: ", substr($reason, 0, 300), "\n";
    }
}

function equal($found, $wanted) {
    if ($found !== $wanted) {
        throw new Exception(var_export($found, true) . ', not ' . var_export($wanted, true));
    }
}

$is_flat = $form === 'flat';
$entries = fn(string $item, ...$values) => $is_flat ? $values : [$item => $values];
$read = fn($value, string $item) => (array) ($is_flat ? $value : $value->$item);
$soap = column('generate', fn() => new SoapClient("$url?wsdl", [
    'cache_wsdl' => WSDL_CACHE_NONE, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
]));
if (!$soap) {
    exit;
}
$call = function (string $operation, array $fields, int $code = 0) use ($soap, $is_flat) {
    $request = ['requestMeta' => ['clientHashKey' => 'demo-hash-key']] + $fields;
    $answer = $soap->$operation([$is_flat ? 'order' : 'arg0' => $request]);
    $answer = $is_flat ? $answer->outcome : $answer->return;
    equal($answer->status->code, $code);
    return $answer;
};

column('findUsers', function () use ($call, $entries, $read) {
    $found = $call('findUsers', ['userName' => 'ki', 'statuses' => $entries('status', 'ACTIVE', 'INACTIVE')]);
    $users = array_map(fn($user) => [$user->userName, $read($user->roles, 'role')], $read($found->users, 'user'));
    equal([$found->total, $users], [2, [
        ['hakapeszimaki', ['csokifogyaszto']], ['mokamiki', ['majomidomar', 'csokidealer']],
    ]]);
});
column('showUser', fn() => equal($call('showUser', ['userName' => 'mokamiki'])->user->name, 'Móka Miklós'));
column('createUser', function () use ($call, $entries, $name) {
    $user = ['userName' => $name, 'name' => 'Píhápé', 'email' => "$name@dbx.hu", 'roles' => $entries('role', 'a', 'b')];
    equal($call('createUser', ['user' => $user])->user->name, 'Píhápé');
});
column('modifyUser', function () use ($call, $entries, $read, $name) {
    $user = ['userName' => $name, 'organizationalUnit' => 'php', 'roles' => $entries('role', 'c', 'd')];
    $changed = $call('modifyUser', ['user' => $user])->user;
    equal([$changed->organizationalUnit, $read($changed->roles, 'role')], ['php', ['c', 'd']]);
});
column('registerUser', fn() => $call('registerUser', [
    'username' => "$name-r", 'password' => 'ValaKi1234', 'name' => 'Píhápé', 'email' => "r-$name@dbx.hu",
]));
column('resetPassword', fn() => $call('resetPassword', ['userNameOrEmail' => $name]));
column('changePassword', fn() => $call('changePassword', [
    'userName' => 'hakapeszimaki', 'oldPassword' => 'passWORD123', 'password' => 'passWORD123',
]));
column('authenticate', function () use ($call, $entries, $read) {
    $pairs = [['key' => 'OTHER', 'value' => 'x'], ['key' => 'USER_ORG_UUID', 'value' => 'moby']];
    $answer = $call('authenticate', [
        'userNameOrEmail' => 'hakapeszimaki', 'password' => 'passWORD123', 'params' => $entries('entry', ...$pairs),
    ]);
    $token = $read($answer->params, 'entry')[0];
    equal([$token->key, substr($token->value, 0, 4)], ['P_AUTH_TOKEN', 'JWT ']);
});
column('refusal', function () use ($call, $read) {
    $message = $read($call('showUser', ['userName' => 'nobody'], 2)->status->messages, 'message')[0];
    equal([$message->severity, $message->code], ['ERROR', 'USER_NOT_FOUND']);
});
