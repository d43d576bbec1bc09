// jsonapi-validator over an answer of every kind, and what its schema does not say: media type and status of errors.
import assert from 'node:assert/strict';
import jsonapi from 'jsonapi-validator';

const base = process.argv[2];
const validator = new jsonapi.Validator();
const type = 'application/vnd.api+json';
const key = { 'X-Client-Hash-Key': 'demo-hash-key' };
const portal = { 'X-Client-Hash-Key': 'demo-portal-key' };
// What RFC 3986 lets stand in an absolute URL with a path and a query; the validator looks less closely.
const uri = /^https?:\/\/[\w.:]+\/([\w\-.~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;
const resource = (kind, id, attributes = {}, meta = undefined) => ({ data: { type: kind, id, attributes }, meta });

async function send(method, path, { body, headers = key, content = type } = {}) {
  const answer = await fetch(base + path, {
    method,
    headers: { Accept: type, ...(body === undefined ? {} : { 'Content-Type': content }), ...headers },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
  });
  return { status: answer.status, media: answer.headers.get('content-type'), text: await answer.text() };
}

/** Sends, validates, and gives back the document. */
async function valid(status, method, path, how) {
  const what = `${method} ${path} ${JSON.stringify(how?.body ?? '')}`;
  const answer = await send(method, path, how);
  assert.deepEqual([answer.status, answer.media], [status, type], `${what}: ${answer.text}`);
  const document = JSON.parse(answer.text);
  try {
    validator.validate(document);
  } catch (error) {
    const found = error.errors?.map((e) => `${e.dataPath} ${e.message} (${e.schemaPath})`).join('\n  ');
    assert.fail(`${what}: ${error.message}\n  ${found}\n${answer.text}`);
  }
  assert.deepEqual('errors' in document, status >= 400, what);
  for (const error of document.errors ?? []) assert.equal(error.status, `${status}`, `${what}: ${answer.text}`);
  for (const link of Object.values(document.links ?? {})) assert.match(link, uri, what);
  return document;
}

const name = 'validated';
const email = `${name}@dbx.hu`;
const made = await valid(200, 'POST', '/users', {
  body: resource('users', name, { name: 'Válid', email, roles: ['a'], passwordResetGuidChannel: 'RESPONSE' }),
});
const [{ value: passwordResetGuid }] = made.meta.params;
const unnamed = await valid(200, 'POST', '/users', { body: { data: { type: 'users', attributes: { name, email: `x${email}` } } } });
await valid(200, 'GET', `/users/${name}`);
await valid(200, 'GET', '/users/mokamiki');
for (const method of ['PATCH', 'PUT']) {
  await valid(200, method, `/users/${name}`, { body: resource('users', name, { organizationalUnit: 'js' }) });
}
await valid(200, 'PUT', '/users', { body: resource('users', name, { roles: [] }) });

const links = async (query) => Object.keys((await valid(200, 'GET', `/users?${query}`)).links);
assert.deepEqual(await links('page[limit]=1&page[offset]=1'), ['self', 'first', 'prev', 'next', 'last']);
assert.deepEqual(await links('limit=2'), ['self', 'first', 'next', 'last']);
await valid(200, 'GET', '/users');
await valid(200, 'GET', '/users?filter%5Bname%5D=M%C3%B3ka+%22M%25&limit=1');
const none = await valid(200, 'GET', '/users?filter[userName]=nobody');
assert.deepEqual([none.data, none.meta.total], [[], 0]);

// The register family, the password family, and answers with nothing in them.
const authenticate = (id, password, params) => ({ body: resource('authenticateRequest', id, { password }, { params }) });
const signedIn = await valid(200, 'POST', '/password/authenticate', authenticate('mokamiki', 'MokaMiki-1234'));
const inMoby = [{ key: 'USER_ORG_UUID', value: 'moby' }];
const chosen = await valid(200, 'POST', '/password/authenticate', authenticate('hakapeszimaki', 'passWORD123', inMoby));
const bearing = (document, { 'X-Client-Hash-Key': client } = key) => ({
  headers: { 'X-Client-Hash-Key': client, Authorization: document.meta.params[0].value },
});
await valid(200, 'GET', '/users/mokamiki', bearing(signedIn, portal));
await valid(200, 'POST', '/password/change', { body: resource('changePasswordRequest', 'x', { passwordResetGuid, password: 'ValaKi1234' }) });
await valid(200, 'POST', '/password/reset', { body: resource('resetPasswordRequest', 'mokamiki') });
await valid(200, 'POST', '/password/reset', { body: resource('resetPasswordRequest', 'nobody') });
const flat = (body) => ({ body, content: 'application/json' });
await valid(200, 'POST', '/register', flat({ username: 'registered', name: 'R', email: 'r@dbx.hu', password: 'TeszT1234' }));
await valid(200, 'POST', '/register/resend', flat({ usernameOrEmail: 'registered' }));
await valid(200, 'POST', '/register/addToOrg', { ...flat({ orgUuid: 'hammy' }), ...bearing(chosen) });
await valid(200, 'POST', '/password/refreshAuthToken', { ...flat({}), ...bearing(signedIn) });

const user = (attributes) => ({ body: resource('users', 'refused', { name: 'x', email: 'x@dbx.hu', ...attributes }) });
await valid(400, 'POST', '/users', { body: '{"data":' });
await valid(400, 'POST', '/users', { body: '{"data":[]}' });
await valid(401, 'GET', '/users', { headers: portal });
await valid(401, 'GET', '/users', { headers: { ...portal, Authorization: 'JWT x' } });
await valid(401, 'POST', '/password/authenticate', authenticate('mokamiki', 'wrong-1234'));
await valid(403, 'GET', '/users', { headers: {} });
await valid(403, 'GET', '/users', { headers: { 'X-Client-Hash-Key': 'wrong' } });
await valid(403, 'POST', '/password/authenticate', authenticate('registered', 'TeszT1234'));
await valid(404, 'GET', '/users/nobody');
await valid(404, 'PATCH', '/users/nobody', { body: resource('users', 'nobody', { name: 'x' }) });
await valid(404, 'GET', '/nothing');
await valid(405, 'DELETE', '/users');
await valid(405, 'GET', '/password/reset');
await valid(406, 'GET', '/users', { headers: { ...key, Accept: 'text/html' } });
await valid(406, 'GET', '/users', { headers: { ...key, Accept: `${type}; ext="https://example.org/e"` } });
await valid(415, 'POST', '/users', { ...user({}), content: 'text/plain' });
await valid(415, 'POST', '/users', { ...user({}), content: `${type}; ext="https://example.org/e"` });
const missing = await valid(422, 'POST', '/users', { body: { data: { type: 'users', attributes: {} } } });
assert.deepEqual(missing.errors.map((e) => e.source.pointer), ['/data/attributes', '/data/attributes']);
await valid(422, 'POST', '/users', user({ email: 'admin@dbx.hu' }));
await valid(422, 'POST', '/users', user({ roles: 7 }));
await valid(409, 'PATCH', `/users/${name}`, user({}));
await valid(422, 'POST', '/register/confirm', flat({ token: 'x' }));
const query = await valid(422, 'GET', '/users?limit=abc');
assert.deepEqual(query.errors[0].source, { parameter: 'limit' });
const family = await valid(422, 'GET', '/users?page[limit]=abc');
assert.deepEqual(family.errors[0].source, { parameter: 'page[limit]' });

for (const id of [name, unnamed.data.id, 'registered']) {
  const deleted = await valid(200, 'DELETE', `/users/${id}`);
  assert.deepEqual([deleted.data.type, deleted.data.attributes, deleted.meta.responseStatus.code], ['emptyResponse', {}, 0]);
  await valid(404, 'DELETE', `/users/${id}`);
  await valid(404, 'GET', `/users/${id}`);
}

// The one answer that is as it was sampled and not as JSON:API has it.
const choice = await send('POST', '/password/authenticate', authenticate('hakapeszimaki', 'passWORD123'));
assert.deepEqual([choice.status, validator.isValid(JSON.parse(choice.text))], [422, false]);
console.log('jsonapi-validator: ok');
