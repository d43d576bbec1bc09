// spraypaint: creates users, pages through them, shows, changes, clears and deletes them, and checks refusals.
import assert from 'node:assert/strict';
import spraypaint from 'spraypaint';

const { SpraypaintBase, MiddlewareStack, attr } = spraypaint;
const base = process.argv[2];
const keyed = (url, options) => {
  options.headers['X-Client-Hash-Key'] = 'demo-hash-key';
};
// spraypaint takes a document that has `meta` for an answer, also where `errors` stand beside it.
const thrown = (response, document) => {
  if (document?.errors) throw Object.assign(new Error('refused'), document);
};
const Base = SpraypaintBase.extend({
  static: { baseUrl: base, apiNamespace: '', keyCase: { server: 'camel', client: 'camel' } },
});
Base.middlewareStack = new MiddlewareStack([keyed], [thrown]);
const User = Base.extend({
  static: { jsonapiType: 'users' },
  attrs: { name: attr(), clientName: attr(), organizationalUnit: attr(), status: attr(), email: attr(), roles: attr() },
});
const refused = (call, status, code) => assert.rejects(call, ({ response, originalError }) => {
  assert.equal(response.status, status);
  assert.deepEqual(originalError.errors.map((e) => [e.status, e.code]), [[`${status}`, code]]);
  return true;
});

const { data: shown } = await User.find('mokamiki');
assert.equal(shown.id, 'mokamiki');
assert.deepEqual({ ...shown.attributes }, {
  name: 'Móka Miklós', clientName: 'Default', organizationalUnit: 'zsebtv', status: 'ACTIVE',
  email: 'moka.miklos@dbx.hu', roles: ['majomidomar', 'csokidealer'],
});

// No ids are sent: the gateway's are to be taken over.
const users = ['a', 'b', 'c'].map((letter) => new User({
  name: `Spräypaint ${letter}`, email: `spraypaint-${letter}@dbx.hu`, clientName: 'Default', roles: [letter],
}));
for (const user of users) {
  assert.equal(await user.save(), true);
  assert.equal(user.isPersisted, true);
  assert.deepEqual([user.status, user.roles], ['UNACTIVATED', [user.email[11]]]);
  const { data: again } = await User.find(user.id);
  assert.deepEqual([again.id, again.name], [user.id, user.name]);
}
const ids = users.map((user) => user.id).sort();
assert.equal(new Set(ids).size, 3);

const listed = User.where({ name: 'SPRÄYPAINT' }).order('userName').extraParams({ page: { limit: 2 } });
const first = await listed.all();
assert.deepEqual([first.meta.total, first.data.map((u) => u.id)], [3, ids.slice(0, 2)]);
const next = new URL(first.raw.links.next, base);
const second = await User.extraParams(Object.fromEntries(next.searchParams)).all();
assert.deepEqual([second.meta.total, second.data.map((u) => u.id), second.raw.links.next], [3, ids.slice(2), undefined]);

const [changed] = users;
changed.organizationalUnit = 'js';
changed.roles = ['d', 'e'];
assert.equal(await changed.save(), true);
assert.deepEqual([changed.roles, changed.organizationalUnit], [['d', 'e'], 'js']);
const { data: after } = await User.find(changed.id);
assert.deepEqual({ ...after.attributes }, {
  name: 'Spräypaint a', clientName: 'Default', organizationalUnit: 'js', status: 'UNACTIVATED',
  email: 'spraypaint-a@dbx.hu', roles: ['d', 'e'],
});

changed.organizationalUnit = null;
assert.equal(await changed.save(), true);
const { data: cleared } = await User.find(changed.id);
assert.deepEqual([cleared.organizationalUnit ?? null, cleared.roles], [null, ['d', 'e']]);

await refused(User.find('nobody'), 404, 'USER_NOT_FOUND');
await refused(new User({ name: 'x', email: 'admin@dbx.hu' }).save(), 422, 'EMAIL_ALREADY_EXISTS');

for (const user of users) {
  assert.equal(await user.destroy(), true);
  assert.equal(user.isPersisted, false);
  await refused(User.find(user.id), 404, 'USER_NOT_FOUND');
  await refused(user.destroy(), 404, 'USER_NOT_FOUND');
}
assert.deepEqual((await listed.all()).data, []);
console.log('spraypaint: ok');
