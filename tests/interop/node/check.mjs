// node `soap`, from ?wsdl alone: the named operations, each field, a refusal and a fault.
import assert from 'node:assert/strict';
import soap from 'soap';

const url = process.argv[2];
const meta = { clientHashKey: 'demo-hash-key' };
for (const forceSoap12Headers of [false, true]) {
  const client = await soap.createClientAsync(`${url}?wsdl`, { forceSoap12Headers });
  const call = async (name, request) => (await client[`${name}Async`]({ request }))[0].response;

  const { user } = await call('showUser', { requestMeta: meta, userName: 'mokamiki' });
  assert.deepEqual({ ...user }, {
    clientName: 'Default', email: 'moka.miklos@dbx.hu', name: 'Móka Miklós', organizationalUnit: 'zsebtv',
    roles: ['majomidomar', 'csokidealer'], status: 'ACTIVE', userName: 'mokamiki',
  });
  const found = await call('findUsers', { requestMeta: meta, userName: 'maki' });
  assert.equal(found.total, 1);
  assert.deepEqual(found.users[0].roles, ['csokifogyaszto']);

  const name = `node-${forceSoap12Headers}`;
  const made = await call('createUser', {
    requestMeta: meta,
    user: { userName: name, roles: { role: ['a'] }, email: `${name}@dbx.hu`, name: 'Nódé', clientName: 'Default' },
  });
  assert.equal(made.status.code, 0);
  assert.equal(made.user.status, 'UNACTIVATED');
  const changed = await call('modifyUser', {
    requestMeta: meta, user: { userName: name, roles: { role: ['c', 'd'] }, organizationalUnit: 'js' },
  });
  assert.deepEqual(changed.user.roles.role, ['c', 'd']);
  assert.equal(changed.user.name, 'Nódé');
  const signedIn = await call('authenticate', { password: 'MokaMiki-1234', userNameOrEmail: 'mokamiki' });
  assert.deepEqual(signedIn.user.roles, ['majomidomar', 'csokidealer']);
  assert.match(signedIn.params[0].value, /^JWT /);

  const refused = await call('showUser', { requestMeta: meta, userName: 'nobody' });
  assert.equal(refused.status.code, 2);
  assert.equal(refused.status.messages.message[0].code, 'USER_NOT_FOUND');
  await assert.rejects(
    client.showUserAsync({ _xml: '<request><!DOCTYPE x></request>' }, { postProcess: (xml) => `<!DOCTYPE x>${xml}` }),
    (error) => {
      assert.match(error.body, /<faultcode>S:Client|<S:Value>S:Sender/);
      return true;
    },
  );
}
console.log('node soap: ok');
