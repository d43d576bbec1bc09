<?php
// PHP SoapClient with a client made from ?wsdl, over SOAP 1.1 and 1.2.
$url = $argv[1];

// Runs one check and prints its result.
function column(string $client, string $name, callable $check) {
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

foreach (['1.1' => SOAP_1_1, '1.2' => SOAP_1_2] as $version => $constant) {
    $client = "php-$version";
    $soap = column($client, 'generate', fn() => new SoapClient("$url?wsdl", [
        'soap_version' => $constant, 'cache_wsdl' => WSDL_CACHE_NONE, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
        'compression' => SOAP_COMPRESSION_ACCEPT | SOAP_COMPRESSION_GZIP,
    ]));
    if (!$soap) {
        continue;
    }
    $name = str_replace('.', '-', $client);
    $email = "$name@dbx.hu";
    $person = 'Píhápé';
    $meta = ['requestMeta' => ['clientHashKey' => 'demo-hash-key']];
    $call = fn($operation, $request) => $soap->$operation(['request' => $meta + $request])->response;
    $successful = function ($operation, $request) use ($call) {
        $response = $call($operation, $request);
        equal([$response->status->code, (array) $response->status->messages], [0, []]);
        return $response;
    };

    column($client, 'findUsers', function () use ($successful) {
        $found = $successful('findUsers', ['userName' => 'MAKI', 'limit' => 5]);
        equal([$found->total, $found->users[0]->userName], [1, 'hakapeszimaki']);
    });
    column($client, 'showUser', function () use ($successful) {
        $user = (array) $successful('showUser', ['userName' => 'mokamiki'])->user;
        equal(['roles' => count($user['roles'])] + $user, [
            'roles' => 2, 'clientName' => 'Default', 'email' => 'moka.miklos@dbx.hu', 'name' => 'Móka Miklós',
            'organizationalUnit' => 'zsebtv', 'status' => 'ACTIVE', 'userName' => 'mokamiki',
        ]);
    });
    column($client, 'createUser', function () use ($successful, $name, $email, $person) {
        $made = $successful('createUser', ['user' => [
            'clientName' => 'Default', 'email' => $email, 'name' => $person, 'roles' => ['role' => ['a', 'b']],
            'userName' => $name,
        ]])->user;
        equal([$made->name, $made->status, $made->userName], [$person, 'UNACTIVATED', $name]);
    });
    column($client, 'modifyUser', function () use ($successful, $name, $person) {
        $user = ['organizationalUnit' => 'php', 'status' => 'ACTIVE', 'userName' => $name];
        $changed = $successful('modifyUser', ['user' => $user])->user;
        equal([$changed->organizationalUnit, $changed->status, $changed->name], ['php', 'ACTIVE', $person]);
    });
    column($client, 'registerUser', fn() => $successful('registerUser', [
        'username' => "$name-r", 'password' => 'ValaKi1234', 'name' => $person, 'email' => "r-$email",
    ]));
    column($client, 'resetPassword', fn() => $successful('resetPassword', ['userNameOrEmail' => $name]));
    column($client, 'changePassword', fn() => $successful('changePassword', [
        'oldPassword' => 'passWORD123', 'password' => 'passWORD123', 'userName' => 'hakapeszimaki',
    ]));
    column($client, 'authenticate', function () use ($successful) {
        $in = $successful('authenticate', ['password' => 'MokaMiki-1234', 'userNameOrEmail' => 'mokamiki']);
        equal($in->user->userName, 'mokamiki');
    });
    column($client, 'lists', function () use ($successful, $name) {
        $statuses = ['status' => ['ACTIVE', 'INACTIVE']];
        $users = $successful('findUsers', ['userName' => 'ki', 'statuses' => $statuses])->users;
        equal(array_map(fn($u) => [$u->userName, $u->roles], $users), [
            ['hakapeszimaki', ['csokifogyaszto']], ['mokamiki', ['majomidomar', 'csokidealer']],
        ]);
        $user = ['roles' => ['role' => ['c', 'd']], 'userName' => $name];
        equal($successful('modifyUser', ['user' => $user])->user->roles->role, ['c', 'd']);
    });
    column($client, 'params', function () use ($call) {
        $request = ['password' => 'passWORD123', 'userNameOrEmail' => 'hakapeszimaki'];
        $choice = $call('authenticate', $request);
        equal([$choice->status->code, $choice->params[0]->key], [2, 'GRANTED_ORGS']);
        $param = [['key' => 'OTHER', 'value' => 'x'], ['key' => 'USER_ORG_UUID', 'value' => 'moby']];
        $in = $call('authenticate', $request + ['params' => ['param' => $param]]);
        equal([$in->status->code, $in->params[0]->key], [0, 'P_AUTH_TOKEN']);
        equal(substr($in->params[0]->value, 0, 4), 'JWT ');
    });
    column($client, 'refusal', function () use ($call) {
        $status = $call('showUser', ['userName' => 'nobody'])->status;
        $message = $status->messages->message[0];
        equal([$status->code, $message->severity, $message->code], [2, 'ERROR', 'USER_NOT_FOUND']);
        equal($message->description === '', false);
    });
    column($client, 'fault', function () use ($call) {
        try {
            $call('showUser', ['userName' => str_repeat('a', 70000)]);
        } catch (SoapFault $fault) {
            equal(preg_match('/Client|Sender/', $fault->faultcode), 1);
            equal(is_string($fault->faultstring) && $fault->faultstring !== '', true);
            return;
        }
        throw new Exception('no fault');
    });
}
