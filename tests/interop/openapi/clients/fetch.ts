// openapi-fetch with the types that openapi-typescript generates: a list, a change, a deletion, a sign-in and a refusal.
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { paths } from './types.js';

const baseUrl = process.argv[2];
const client = createClient<paths>({ baseUrl, headers: { 'X-Client-Hash-Key': 'demo-hash-key' } });

const page = await client.GET('/users', { params: { query: { userName: 'moka', limit: 5 } } });
assert.equal(page.data?.meta.total, 1);
assert.equal(page.data?.data[0].id, 'mokamiki');
assert.ok(page.data?.links.self.startsWith(baseUrl));

const made = await client.POST('/users', {
  body: { data: { type: 'users', id: 'openapi-fetch', attributes: { name: 'Open Api', email: 'openapi-fetch@example.org' } } },
  headers: { 'Content-Type': 'application/vnd.api+json' },
});
assert.equal(made.data?.data.attributes.status, 'UNACTIVATED');
const path = { userName: 'openapi-fetch' };
const changed = await client.PATCH('/users/{userName}', {
  params: { path },
  body: { data: { type: 'users', attributes: { organizationalUnit: null } } },
  headers: { 'Content-Type': 'application/vnd.api+json' },
});
assert.equal(changed.data?.data.attributes.organizationalUnit, undefined);
assert.equal((await client.DELETE('/users/{userName}', { params: { path } })).data?.data.type, 'emptyResponse');
const refused = await client.GET('/users/{userName}', { params: { path } });
assert.equal(refused.response.status, 404);
assert.equal(refused.error && 'errors' in refused.error && refused.error.errors[0].code, 'USER_NOT_FOUND');

const signedIn = await client.POST('/password/authenticate', {
  body: { data: { type: 'authenticateRequest', id: 'mokamiki', attributes: { password: 'MokaMiki-1234' } } },
});
assert.equal(signedIn.data?.meta.params[0].key, 'P_AUTH_TOKEN');
console.log('openapi-typescript: ok');
