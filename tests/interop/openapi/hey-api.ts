// The client that @hey-api/openapi-ts generates of /openapi.json.
import assert from 'node:assert/strict';
import { client } from './generated/client.gen';
import { authenticate, findUsers, showUser } from './generated';
import { column } from './results.mjs';

client.setConfig({
  baseUrl: `${process.argv[2]}/hammy/json/user/v1`, headers: { 'X-Client-Hash-Key': 'demo-hash-key' },
});

await column('hey-api', 'call', async () => {
  const { data: shown } = await showUser({ path: { userName: 'mokamiki' } });
  assert.ok(shown);
  const { name, clientName, organizationalUnit, status, email, roles } = shown.data.attributes;
  assert.deepEqual([shown.data.id, name, clientName, organizationalUnit, status, email, ...(roles ?? [])], [
    'mokamiki', 'Móka Miklós', 'Default', 'zsebtv', 'ACTIVE', 'moka.miklos@dbx.hu', 'majomidomar', 'csokidealer',
  ]);
  const { data: page } = await findUsers({ query: { userName: 'ki', limit: 1 } });
  assert.deepEqual([page?.meta.total, page?.data.map((user) => user.id)], [2, ['hakapeszimaki']]);
  const body = { userNameOrEmail: 'mokamiki', password: 'MokaMiki-1234' };
  const { data: signedIn } = await authenticate({ body });
  assert.deepEqual(signedIn?.meta.params.map((param) => param.key), ['P_AUTH_TOKEN']);
});
await column('hey-api', 'refusal', async () => {
  const { error, response } = await showUser({ path: { userName: 'nobody' } });
  assert.ok(error && 'errors' in error && Array.isArray(error.errors));
  assert.deepEqual([response?.status, error.errors[0].code], [404, 'USER_NOT_FOUND']);
});
