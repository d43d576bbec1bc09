<?php
// PHP SoapClient, from ?wsdl alone: the named operations, each field, a refusal and a fault.
$url = $argv[1];
function check($what, $found, $wanted) {
    if ($found !== $wanted) {
        fwrite(STDERR, "$what: " . var_export($found, true) . ", not " . var_export($wanted, true) . "\n");
        exit(1);
    }
}
foreach ([SOAP_1_1, SOAP_1_2] as $version) {
    $client = new SoapClient("$url?wsdl", [
        'soap_version' => $version, 'cache_wsdl' => WSDL_CACHE_NONE,
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
        'compression' => SOAP_COMPRESSION_ACCEPT | SOAP_COMPRESSION_GZIP,
    ]);
    $meta = ['clientHashKey' => 'demo-hash-key'];
    $user = $client->showUser(['request' => ['requestMeta' => $meta, 'userName' => 'mokamiki']])->response->user;
    check('showUser', (array) $user, [
        'clientName' => 'Default', 'email' => 'moka.miklos@dbx.hu', 'name' => 'Móka Miklós',
        'organizationalUnit' => 'zsebtv', 'roles' => ['majomidomar', 'csokidealer'], 'status' => 'ACTIVE',
        'userName' => 'mokamiki',
    ]);
    $found = $client->findUsers(['request' => ['requestMeta' => $meta, 'name' => 'hakapeszi']])->response;
    check('findUsers', [$found->total, $found->users[0]->roles], [1, ['csokifogyaszto']]);
    $name = "php-$version";
    $made = $client->createUser(['request' => ['requestMeta' => $meta, 'user' => [
        'clientName' => 'Default', 'email' => "$name@dbx.hu", 'name' => 'Píhápé', 'roles' => ['role' => ['a', 'b']],
        'userName' => $name,
    ]]])->response;
    check('createUser', [$made->status->code, $made->user->status], [0, 'UNACTIVATED']);
    $changed = $client->modifyUser(['request' => ['requestMeta' => $meta, 'user' => [
        'roles' => ['role' => ['c', 'd']], 'userName' => $name,
    ]]])->response;
    check('modifyUser', [$changed->user->roles->role, $changed->user->name], [['c', 'd'], 'Píhápé']);
    $in = $client->authenticate(['request' => ['password' => 'MokaMiki-1234', 'userNameOrEmail' => 'moka.miklos@dbx.hu']]);
    check('authenticate', [$in->response->user->userName, $in->response->user->roles], ['mokamiki', ['majomidomar', 'csokidealer']]);
    $out = $client->authenticate(['request' => ['password' => 'wrong', 'userNameOrEmail' => 'mokamiki']])->response;
    check('refusal', [$out->status->code, $out->status->messages->message[0]->code], [3, 'BAD_CREDENTIALS']);
    try {
        $client->__doRequest('<nonsense', $url, '', $version);
        $client->__soapCall('showUser', [['request' => ['requestMeta' => $meta, 'userName' => 'x']]], null,
            [new SoapHeader('urn:unknown', 'Must', 'x', true)]);
        check('fault', 'none', 'one');
    } catch (SoapFault $fault) {
        check('fault', str_contains($fault->faultcode, 'MustUnderstand'), true);
    }
}
echo "PHP: ok\n";
