// devour-client: creates users, pages through them, shows, changes, clears and deletes them, and checks refusals.
import assert from 'node:assert/strict';
import JsonApi from 'devour-client';

const base = process.argv[2];
const api = new JsonApi({ apiUrl: base, logger: false, errorBuilder: (error) => error });
api.headers = { 'X-Client-Hash-Key': 'demo-hash-key', 'Accept-Language': 'en' };
api.define('user', { name: '', clientName: '', organizationalUnit: '', status: '', email: '', roles: [] });
// A refusal is thrown as an object, by the last step of the pointer or by its number.
const refused = (call, at, status, code) => assert.rejects(call, (errors) => {
  assert.deepEqual([Object.keys(errors), errors[at].status, errors[at].code], [[at], `${status}`, code]);
  return true;
});

const { data: shown } = await api.find('user', 'mokamiki');
assert.deepEqual(shown, {
  type: 'users', id: 'mokamiki', name: 'Móka Miklós', clientName: 'Default', organizationalUnit: 'zsebtv',
  status: 'ACTIVE', email: 'moka.miklos@dbx.hu', roles: ['majomidomar', 'csokidealer'],
});

// Ids that only arrive if both sides encode and decode a segment of the path alike.
const ids = ['devour 1', 'devour+2%', 'devourő?3'];
for (const [at, id] of ids.entries()) {
  const { data } = await api.create('user', { id, name: 'Dévour', email: `devour${at}@dbx.hu`, roles: ['a', 'b'], organizationalUnit: 'js' });
  assert.deepEqual(data, {
    type: 'users', id, name: 'Dévour', clientName: 'Default', organizationalUnit: 'js', status: 'UNACTIVATED',
    email: `devour${at}@dbx.hu`, roles: ['a', 'b'],
  });
  assert.deepEqual((await api.find('user', id)).data, data);
}

const query = { filter: { userName: 'devour' }, page: { limit: 2, offset: 0 }, sort: 'userName' };
const first = await api.findAll('user', query);
assert.deepEqual([first.meta.total, first.data.map((u) => u.id)], [3, ids.slice(0, 2)]);
const second = await api.request(new URL(first.links.next, base).href);
assert.deepEqual([second.meta.total, second.document.data.map((u) => u.id), second.links.next], [3, ids.slice(2), undefined]);
const sorted = await api.findAll('user', { filter: { userName: 'devour' }, sort: 'name,-email' });
assert.deepEqual(sorted.data.map((u) => u.id), [...ids].reverse());

const { data: changed } = await api.update('user', { id: ids[1], name: 'Más', roles: [] });
assert.deepEqual(changed, {
  type: 'users', id: ids[1], name: 'Más', clientName: 'Default', organizationalUnit: 'js', status: 'UNACTIVATED',
  email: 'devour1@dbx.hu', roles: [],
});
assert.deepEqual((await api.find('user', ids[1])).data, changed);

await api.update('user', { id: ids[1], organizationalUnit: null });
const { organizationalUnit, ...kept } = changed;
assert.equal(organizationalUnit, 'js');
const { organizationalUnit: cleared, ...others } = (await api.find('user', ids[1])).data;
assert.deepEqual([cleared ?? null, others], [null, kept]);

await refused(api.find('user', 'nobody'), '0', 404, 'USER_NOT_FOUND');
await refused(api.create('user', { id: 'mokamiki', name: 'x', email: 'x@dbx.hu' }), 'id', 422, 'USER_ALREADY_EXISTS');
// The member that should hold the address, since the pointer names only what the document has.
await refused(api.create('user', { name: 'x' }), 'attributes', 422, 'MISSING_FIELD');

for (const id of ids) {
  const { document } = await api.destroy('user', id);
  assert.deepEqual([document.data.type, document.meta.responseStatus.code], ['emptyResponse', 0]);
  await refused(api.find('user', id), '0', 404, 'USER_NOT_FOUND');
}
await refused(api.destroy('user', 'nobody'), '0', 404, 'USER_NOT_FOUND');
assert.equal((await api.findAll('user', query)).meta.total, 0);
console.log('devour: ok');
