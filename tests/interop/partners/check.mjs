// jose as a partner: both layouts of the documents sign a user in, once each.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { SignJWT, exportJWK, generateKeyPair, importPKCS8 } from 'jose';

const [base, keyFile] = process.argv.slice(2);
const key = await importPKCS8(readFileSync(keyFile, 'utf8'), 'RS256');

const signed = (claims, { header = {}, by = key, life = '1h' } = {}) => new SignJWT(claims)
  .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...header })
  .setJti(randomUUID()).setIssuer('apekx').setAudience(base).setIssuedAt().setExpirationTime(life)
  .sign(by);
const newLayout = {
  sub: 'jose/é +%', name: 'Józsi Kovács', state_id: 'apekx', school_id: 'pre_created_school_external_id',
  redirect_uri: `${base}/resources`, version: 'v1',
};
const oldLayout = {
  sub: 'jose+110332', name: 'Harish kumar Gangula', email: 'jose@test.com', email_verified: true,
  phone_number: '8884930864', phone_number_verified: true, redirect_url: `${base}/profile`,
};
const ask = (path, headers = {}) => fetch(base + path, { headers, redirect: 'manual' });
const arrive = (token, headers) => ask(`/v2/user/session/create?token=${token}`, headers);

// The gateway has its account page in the place of the documents' /resources and /profile.
const account = '/checkSSO/account.html';

async function signIn(token, to) {
  const answer = await arrive(token);
  assert.equal(answer.status, 303, await answer.text());
  assert.equal(answer.headers.get('location'), to);
  const cookie = answer.headers.getSetCookie().find((c) => c.includes('session=')).split(';')[0];
  const bar = await (await ask('/checkSSO/loginbar.json?body[params][fields]=userId,signature', { cookie })).json();
  const page = await (await ask(account, { cookie })).text();
  assert.ok(page.includes(bar.result.data.signature.name), page);
  return bar.result.data;
}

const first = await signIn(await signed(newLayout), account);
assert.equal(first.signature.name, 'Józsi Kovács');
assert.deepEqual(await signIn(await signed(newLayout, { header: { kid: 'apekx' } }), account), first);
const old = await signIn(await signed(oldLayout), account);
assert.notEqual(old.userId, first.userId);

// A form is taken as well as an address.
const form = new URLSearchParams({ token: await signed(newLayout) });
const posted = await fetch(`${base}/v1/user/session/create`, { method: 'POST', body: form, redirect: 'manual' });
assert.equal(posted.status, 303);

// And the directory knows who came.
const id = encodeURIComponent('jose/é +%');
const found = await ask(`/user/v1/get/externalId/${id}/externalIdProvider/APEKX/externalIdType/apekx`, {
  'x-client-hash-key': 'demo-hash-key',
});
assert.equal((await found.json()).result.response.firstName, 'Józsi Kovács');

const refused = async (token, code) => {
  const answer = await (await arrive(token, { accept: 'application/json' })).json();
  assert.equal(answer.params.err, code);
};
const stranger = await generateKeyPair('RS256');
await refused(await signed(newLayout, { by: stranger.privateKey }), 'INVALID_SIGNATURE');
const jwk = await exportJWK(stranger.publicKey);
await refused(await signed(newLayout, { by: stranger.privateKey, header: { jwk } }), 'HEADER_NOT_ALLOWED');
await refused(await signed(newLayout, { header: { jku: 'https://evil.example' } }), 'HEADER_NOT_ALLOWED');
await refused(await signed(newLayout, { header: { kid: 'other' } }), 'KEY_ID_MISMATCH');
await refused(await signed(newLayout, { life: '2h' }), 'TOKEN_LIFE_TOO_LONG');
const secret = await new SignJWT({ ...newLayout, iss: 'apekx' }).setProtectedHeader({ alg: 'HS256' })
  .sign(new TextEncoder().encode('a secret of thirty-two characters'));
await refused(secret, 'ALGORITHM_NOT_ALLOWED');
console.log('jose: ok');
