// openapi-fetch with the types that openapi-typescript generates of /openapi.json.
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import { column } from './results.mjs';
import type { paths } from './schema.js';

const client = createClient<paths>({
  baseUrl: `${process.argv[2]}/hammy/json/user/v1`, headers: { 'X-Client-Hash-Key': 'demo-hash-key' },
});
const show = (userName: string) => client.GET('/users/{userName}', { params: { path: { userName } } });

await column('openapi-typescript', 'call', async () => {
  const { data: shown } = await show('mokamiki');
  assert.ok(shown);
  const { name, clientName, organizationalUnit, status, email, roles } = shown.data.attributes;
  assert.deepEqual([shown.data.id, name, clientName, organizationalUnit, status, email, ...(roles ?? [])], [
    'mokamiki', 'Móka Miklós', 'Default', 'zsebtv', 'ACTIVE', 'moka.miklos@dbx.hu', 'majomidomar', 'csokidealer',
  ]);
  const { data: page } = await client.GET('/users', { params: { query: { userName: 'ki', limit: 1 } } });
  assert.deepEqual([page?.meta.total, page?.data.map((user) => user.id)], [2, ['hakapeszimaki']]);
  const body = { userNameOrEmail: 'mokamiki', password: 'MokaMiki-1234' };
  const { data: signedIn } = await client.POST('/password/authenticate', { body });
  assert.deepEqual(signedIn?.meta.params.map((param) => param.key), ['P_AUTH_TOKEN']);
});
await column('openapi-typescript', 'refusal', async () => {
  const { error, response } = await show('nobody');
  assert.ok(error && 'errors' in error && Array.isArray(error.errors));
  assert.deepEqual([response.status, error.errors[0].code], [404, 'USER_NOT_FOUND']);
});
