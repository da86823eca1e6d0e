// An issuer of tokens with the library jose: a line of JSON in, a line of JSON out.
//   {"key": NAME, "alg": "RS256", "kid": "..."}           -> {"jwk": {...}, "pem": "..."}; HS256: {"secret": "..."}
//   {"sign": NAME, "header": {...}, "claims": {...}}      -> {"token": "..."}; alg and kid are the key's own
import crypto from 'node:crypto';
import readline from 'node:readline';
import * as jose from 'jose';

globalThis.crypto ??= crypto.webcrypto; // Node 18 has it under this name alone
const keys = new Map();

async function makeKey({ key, alg, kid }) {
  if (alg === 'HS256') {
    const secret = crypto.randomBytes(32).toString('hex');
    keys.set(key, { alg, kid, key: new TextEncoder().encode(secret) });
    return { secret };
  }
  const options = alg === 'EdDSA' ? { extractable: true, crv: 'Ed25519' } : { extractable: true };
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, options);
  keys.set(key, { alg, kid, key: privateKey });
  const jwk = { ...(await jose.exportJWK(publicKey)), ...(kid ? { kid } : {}) };
  return { jwk, pem: await jose.exportSPKI(publicKey) };
}

async function sign({ sign, header, claims }) {
  const { alg, kid, key } = keys.get(sign);
  const own = { alg, ...(kid ? { kid } : {}) };
  return { token: await new jose.SignJWT(claims).setProtectedHeader({ ...own, ...header }).sign(key) };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  console.log(JSON.stringify(request.key ? await makeKey(request) : await sign(request)));
}
