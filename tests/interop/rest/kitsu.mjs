// kitsu: creates users, pages through them, shows, changes, clears and deletes them, and checks refusals.
import assert from 'node:assert/strict';
import Kitsu from 'kitsu';

const base = process.argv[2];
const api = new Kitsu({
  baseURL: base,
  headers: { 'X-Client-Hash-Key': 'demo-hash-key', 'Accept-Language': 'en' },
  // Names here are the gateway's; by default kitsu would also dash the capitals of an id.
  camelCaseTypes: false, pluralize: false, resourceCase: 'none',
});
const user = ({ id, name, email, organizationalUnit, status, roles }) => ({ id, name, email, organizationalUnit, status, roles });
const refused = (call, status, code) => assert.rejects(call, (error) => {
  assert.equal(error.response.status, status);
  assert.deepEqual(error.errors.map((e) => [e.status, e.code]), [[`${status}`, code]]);
  return true;
});

const { data: shown } = await api.get('users/mokamiki');
assert.deepEqual(shown, {
  type: 'users', id: 'mokamiki', name: 'Móka Miklós', clientName: 'Default', organizationalUnit: 'zsebtv',
  status: 'ACTIVE', email: 'moka.miklos@dbx.hu', roles: ['majomidomar', 'csokidealer'],
});

const ids = ['kitsu-Aé', 'kitsu-B', 'kitsu-C'];
for (const id of ids) {
  const { data } = await api.create('users', { id, name: `Őz ${id}`, email: `${id}@dbx.hu`, roles: ['b', 'a'] });
  assert.deepEqual(user(data), {
    id, name: `Őz ${id}`, email: `${id}@dbx.hu`, organizationalUnit: undefined, status: 'UNACTIVATED', roles: ['b', 'a'],
  });
}
const { data: unnamed } = await api.create('users', { name: 'Nameless', email: 'kitsu-unnamed@dbx.hu' });
assert.equal((await api.get(`users/${unnamed.id}`)).data.email, 'kitsu-unnamed@dbx.hu');

const params = { filter: { userName: 'KITSU-' }, page: { limit: 2 }, sort: 'userName' };
const first = await api.get('users', { params });
assert.deepEqual([first.meta.total, first.data.map((u) => u.id), first.links.prev], [3, ids.slice(0, 2), undefined]);
const follow = (link) => api.request({ url: new URL(link, base).href });
const second = await follow(first.links.next);
assert.deepEqual([second.meta.total, second.data.map((u) => u.id), second.links.next], [3, ids.slice(2), undefined]);
assert.deepEqual((await follow(second.links.prev)).data, first.data);
assert.deepEqual((await follow(first.links.last)).data, second.data);

const { data: changed } = await api.update('users', { id: 'kitsu-B', organizationalUnit: 'js', roles: ['c'] });
const wanted = { id: 'kitsu-B', name: 'Őz kitsu-B', email: 'kitsu-B@dbx.hu', organizationalUnit: 'js', status: 'UNACTIVATED', roles: ['c'] };
assert.deepEqual(user(changed), wanted);
assert.deepEqual(user((await api.get('users/kitsu-B')).data), wanted);

await api.update('users', { id: 'kitsu-B', organizationalUnit: null });
const cleared = { ...wanted, organizationalUnit: undefined };
assert.deepEqual(user((await api.get('users/kitsu-B')).data), cleared);

await refused(api.get('users/nobody'), 404, 'USER_NOT_FOUND');
await refused(api.update('users', { id: 'nobody', name: 'x' }), 404, 'USER_NOT_FOUND');
await assert.rejects(api.create('users', { id: 'kitsu-D', name: 'x', email: 'admin@dbx.hu' }), ({ errors: [error] }) => {
  assert.deepEqual([error.code, error.source], ['EMAIL_ALREADY_EXISTS', { pointer: '/data/attributes/email' }]);
  return true;
});

for (const id of [...ids, unnamed.id]) {
  const { data, status } = await api.delete('users', id);
  assert.deepEqual([status, data.type], [200, 'emptyResponse']);
  await refused(api.get(`users/${id}`), 404, 'USER_NOT_FOUND');
}
await refused(api.delete('users', 'nobody'), 404, 'USER_NOT_FOUND');
assert.deepEqual((await api.get('users', { params })).data, []);
console.log('kitsu: ok');
