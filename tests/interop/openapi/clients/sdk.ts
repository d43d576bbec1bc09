// The client that @hey-api/openapi-ts generates: a list, a change, a deletion, a sign-in and a refusal.
import assert from 'node:assert/strict';
import { client } from './sdk/client.gen.js';
import { authenticate, createUser, deleteUser, findUsers, modifyUserPatchUserName, showUser } from './sdk/sdk.gen.js';

const baseUrl = process.argv[2];
client.setConfig({ baseUrl, headers: { 'X-Client-Hash-Key': 'demo-hash-key' } });

const page = await findUsers({ query: { userName: 'moka', limit: 5 } });
assert.equal(page.data?.meta.total, 1);
assert.equal(page.data?.data[0].id, 'mokamiki');

// The generator takes the flat form of a body.
const body = { userName: 'openapi-ts', name: 'Open Api', email: 'openapi-ts@example.org' };
const made = await createUser({ body });
assert.equal(made.data?.data.attributes.status, 'UNACTIVATED');
const path = { userName: 'openapi-ts' };
const changed = await modifyUserPatchUserName({ path, body: { organizationalUnit: null } });
assert.equal(changed.data?.data.attributes.organizationalUnit, undefined);
assert.equal((await deleteUser({ path })).data?.data.type, 'emptyResponse');
const refused = await showUser({ path });
assert.equal(refused.response?.status, 404);
assert.equal(refused.error && 'errors' in refused.error && refused.error.errors[0].code, 'USER_NOT_FOUND');

const signedIn = await authenticate({ body: { userNameOrEmail: 'mokamiki', password: 'MokaMiki-1234' } });
assert.equal(signedIn.data?.meta.params[0].key, 'P_AUTH_TOKEN');
console.log('@hey-api/openapi-ts: ok');
