// The checks of SOAP clients in JavaScript, the same for each client.
import assert from 'node:assert/strict';
import { column } from './results.mjs';

const requestMeta = { clientHashKey: 'demo-hash-key' };

/** `call(operation, request)` returns the response; `faultOf(error)` returns the code and the text of a fault. */
export async function checkSoap(client, call, faultOf) {
  const name = client.replace('.', '-');
  const email = `${name}@dbx.hu`;
  const person = 'Nódé Ű';
  const successful = async (operation, request) => {
    const response = await call(operation, { requestMeta, ...request });
    assert.deepEqual([response.status.code, response.status.messages?.message ?? []], [0, []]);
    return response;
  };

  await column(client, 'findUsers', async () => {
    const found = await successful('findUsers', { userName: 'MAKI', limit: 5 });
    assert.deepEqual([found.total, found.users.map((u) => u.userName)], [1, ['hakapeszimaki']]);
  });
  await column(client, 'showUser', async () => {
    const { user } = await successful('showUser', { userName: 'mokamiki' });
    assert.deepEqual({ ...user, roles: user.roles.length }, {
      clientName: 'Default', email: 'moka.miklos@dbx.hu', name: 'Móka Miklós', organizationalUnit: 'zsebtv',
      roles: 2, status: 'ACTIVE', userName: 'mokamiki',
    });
  });
  await column(client, 'createUser', async () => {
    const user = { clientName: 'Default', email, name: person, roles: { role: ['a', 'b'] }, userName: name };
    const { user: made } = await successful('createUser', { user });
    assert.deepEqual([made.name, made.status, made.userName], [person, 'UNACTIVATED', name]);
  });
  await column(client, 'modifyUser', async () => {
    const user = { organizationalUnit: 'js', status: 'ACTIVE', userName: name };
    const { user: changed } = await successful('modifyUser', { user });
    assert.deepEqual([changed.organizationalUnit, changed.status, changed.name], ['js', 'ACTIVE', person]);
  });
  await column(client, 'registerUser', () => successful('registerUser', {
    username: `${name}-r`, password: 'ValaKi1234', name: person, email: `r-${email}`,
  }));
  await column(client, 'resetPassword', () => successful('resetPassword', { userNameOrEmail: name }));
  await column(client, 'changePassword', () => successful('changePassword', {
    oldPassword: 'passWORD123', password: 'passWORD123', userName: 'hakapeszimaki',
  }));
  await column(client, 'authenticate', async () => {
    const { user } = await successful('authenticate', { password: 'MokaMiki-1234', userNameOrEmail: 'mokamiki' });
    assert.equal(user.userName, 'mokamiki');
  });
  await column(client, 'lists', async () => {
    const { users } = await successful('findUsers', { userName: 'ki', statuses: { status: ['ACTIVE', 'INACTIVE'] } });
    assert.deepEqual(users.map((u) => [u.userName, u.roles]), [
      ['hakapeszimaki', ['csokifogyaszto']], ['mokamiki', ['majomidomar', 'csokidealer']],
    ]);
    const { user } = await successful('modifyUser', { user: { roles: { role: ['c', 'd'] }, userName: name } });
    assert.deepEqual(user.roles.role, ['c', 'd']);
  });
  await column(client, 'params', async () => {
    const request = { password: 'passWORD123', requestMeta, userNameOrEmail: 'hakapeszimaki' };
    const choice = await call('authenticate', request);
    assert.deepEqual([choice.status.code, choice.params.map((p) => p.key)], [2, ['GRANTED_ORGS']]);
    const param = [{ key: 'OTHER', value: 'x' }, { key: 'USER_ORG_UUID', value: 'moby' }];
    const signedIn = await call('authenticate', { params: { param }, ...request });
    assert.deepEqual([signedIn.status.code, signedIn.params.map((p) => p.key)], [0, ['P_AUTH_TOKEN']]);
    assert.match(signedIn.params[0].value, /^JWT /);
  });
  await column(client, 'refusal', async () => {
    const { status } = await call('showUser', { requestMeta, userName: 'nobody' });
    const [message] = status.messages.message;
    assert.deepEqual([status.code, message.severity, message.code], [2, 'ERROR', 'USER_NOT_FOUND']);
    assert.ok(message.description);
  });
  await column(client, 'fault', async () => {
    const error = await call('showUser', { requestMeta, userName: 'a'.repeat(70_000) }).then(() => undefined, (e) => e);
    assert.ok(error, 'no fault');
    const { code, text } = faultOf(error);
    assert.match(code, /Client|Sender/);
    assert.equal(typeof text, 'string', `the text is ${JSON.stringify(text)}`);
  });
}
