// jayson against the consent API: a call, a batch, a notification and an error.
import assert from 'node:assert/strict';
import jayson from 'jayson/promise/index.js';

const [base, token] = process.argv.slice(2);
const url = new URL('/user-multi-services', base);
const client = jayson.Client.http({
  host: url.hostname, port: url.port, path: url.pathname, headers: { 'Content-Type': 'application/json-rpc' },
});
const params = (more) => ({ client_id: 'konto.onet.pl.front', token, portal_id: 1, ...more });
const service = params({ service_id: 1, user_id_in_service: 'jayson' });

assert.equal((await client.request('assign_user_to_service', service)).result, 'OK');
assert.deepEqual((await client.request('get_user_services', params())).result, [{ service_id: 1 }]);
// Without an id it is a notification.
await client.request('delete_user_from_service', service, null);
const batch = await client.request([
  client.request('check_if_service_is_assign_to_user', service, 'a', false),
  client.request('check_user_agreements', service, 'b', false),
  client.request('nothing', {}, 'c', false),
]);
assert.deepEqual(batch.map((answer) => answer.id), ['a', 'b', 'c']);
assert.equal(batch[0].result, false);
assert.deepEqual(batch[1].result, { missing: [1, 2, 3] });
assert.equal(batch[2].error.code, -32601);
const refused = await client.request('get_user_services', params({ token: 'a.b.c' }));
assert.equal(refused.error.code, -32001);
console.log('jayson: ok');
