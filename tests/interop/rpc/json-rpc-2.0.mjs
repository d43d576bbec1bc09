// json-rpc-2.0 against the consent API: a call, a batch, a notification and an error.
import assert from 'node:assert/strict';
import { JSONRPCClient, createJSONRPCRequest, createJSONRPCNotification } from 'json-rpc-2.0';

const [base, token] = process.argv.slice(2);
const client = new JSONRPCClient(async (request) => {
  const answer = await fetch(new URL('/user-multi-services', base), {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(request),
  });
  if (answer.status === 200) return client.receive(await answer.json());
  assert.equal(answer.status, 204);
  assert.equal(await answer.text(), '');
});
const params = (more) => ({ client_id: 'blic.rs.front', token: `JWT ${token}`, portal_id: '1', ...more });
const service = params({ service_id: '2', user_id_in_service: 'quiet' });

assert.equal(await client.request('assign_user_to_service', service), 'OK');
assert.equal(await client.request('check_if_service_is_assign_to_user', service), true);
client.notify('delete_user_from_service', service);
const answers = await client.requestAdvanced([
  createJSONRPCRequest(11, 'get_user_agreements', { client_id: 'blic.rs.front', token }),
  createJSONRPCNotification('nothing', {}),
  createJSONRPCRequest(12, 'check_user_agreements', service),
]);
assert.deepEqual(answers.map((answer) => answer.id).sort(), [11, 12]);
assert.deepEqual(answers.find((answer) => answer.id === 12).result, { missing: [] });
await assert.rejects(client.request('check_user_agreements', params({ service_id: 9 })), (error) => {
  assert.equal(error.code, -32011);
  assert.equal(error.data.messages[0].code, 'SERVICE_NOT_FOUND');
  return true;
});
console.log('json-rpc-2.0: ok');
