// The checks of JSON:API clients in JavaScript, the same for each client.
import assert from 'node:assert/strict';
import { column } from './results.mjs';

export const headers = { 'X-Client-Hash-Key': 'demo-hash-key', 'Accept-Language': 'en' };

/**
 * `api` has `create(attributes)`, `show(id)`, `change(id, attributes)`, `remove(id)` and `pages(name)`, which lists the
 * users of this name two by two along the links. Users have `id` and their attributes as members. `refusal(error)`
 * returns the codes of the errors.
 */
export async function checkJsonApi(client, api) {
  const person = (at) => `${client} ${at}`;
  let ids = [];
  await column(client, 'create', async () => {
    for (const at of ['á', 'b', 'c']) {
      const email = `${client}-${ids.length}@dbx.hu`;
      const user = await api.create({ name: person(at), email, organizationalUnit: 'js', roles: ['x', at] });
      assert.deepEqual([user.name, user.status, user.roles], [person(at), 'UNACTIVATED', ['x', at]]);
      ids.push(user.id);
    }
    assert.equal(new Set(ids).size, 3);
  });
  await column(client, 'show', async () => {
    const { id, name, clientName, organizationalUnit, status, email, roles } = await api.show('mokamiki');
    assert.deepEqual([id, name, clientName, organizationalUnit, status, email, roles], [
      'mokamiki', 'Móka Miklós', 'Default', 'zsebtv', 'ACTIVE', 'moka.miklos@dbx.hu', ['majomidomar', 'csokidealer'],
    ]);
  });
  await column(client, 'page', async () => {
    const pages = await api.pages(client);
    assert.deepEqual(pages.map((page) => page.length), [2, 1]);
    assert.deepEqual(pages.flat().map((user) => user.id).sort(), ids.sort());
  });
  await column(client, 'modify', async () => {
    await api.change(ids[0], { roles: ['y'] });
    const user = await api.show(ids[0]);
    assert.deepEqual([user.roles, user.organizationalUnit], [['y'], 'js']);
  });
  await column(client, 'clear', async () => {
    await api.change(ids[0], { organizationalUnit: null });
    assert.equal((await api.show(ids[0])).organizationalUnit ?? null, null);
  });
  const refused = async (call, code) => {
    const error = await call.then(() => undefined, (e) => e);
    assert.ok(error, 'not refused');
    assert.deepEqual(api.refusal(error), [code]);
  };
  await column(client, 'refusal', async () => {
    await refused(api.show('nobody'), 'USER_NOT_FOUND');
    await refused(api.create({ name: 'x', email: 'admin@dbx.hu' }), 'EMAIL_ALREADY_EXISTS');
  });
  await column(client, 'delete', async () => {
    for (const id of ids) {
      await api.remove(id);
      await refused(api.show(id), 'USER_NOT_FOUND');
    }
  });
}
