import assert from "node:assert/strict";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { mailbox, approval, refusal } from "../../src/core/answer.js";
import { checkAssertion, type Assertion } from "../../src/core/assertion.js";
import { base64url, concat, hex, utf8, type Bytes } from "../../src/core/bytes.js";
import { isOneMap, readCbor } from "../../src/core/cbor.js";
import { canonicalText } from "../../src/core/canonical.js";
import { managerYaml, principal, readCredential, type Credential } from "../../src/core/credential.js";
import { p1363 } from "../../src/core/der.js";
import { readRegistration } from "../../src/core/registration.js";
import { anyCredential, domain, random, sha256 } from "../fixture.js";

const ORIGIN = "http://localhost:1";
const CHALLENGE = sha256(utf8("challenge"));

function pair(algorithm: "es256" | "eddsa"): { credential: Credential; key: KeyObject } {
  if (algorithm === "eddsa") {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const x = new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"));
    return { credential: { ...anyCredential(ORIGIN), algorithm, publicKey: x }, key: privateKey };
  }
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = publicKey.export({ format: "jwk" });
  const point = concat(Uint8Array.of(4), Buffer.from(jwk.x ?? "", "base64url"), Buffer.from(jwk.y ?? "", "base64url"));
  return { credential: { ...anyCredential(ORIGIN), algorithm, publicKey: point }, key: privateKey };
}

interface Parts {
  client: Record<string, unknown>;
  rpId: string;
  flags: number;
  tail: Uint8Array;
}

function assertion(credential: Credential, key: KeyObject, change: (parts: Parts) => void = () => {}): Assertion {
  const parts: Parts = {
    client: { type: "webauthn.get", challenge: base64url(CHALLENGE), origin: ORIGIN, crossOrigin: false },
    rpId: "localhost",
    flags: 0x05,
    tail: new Uint8Array(),
  };
  change(parts);
  const clientData = utf8(JSON.stringify(parts.client));
  const authenticatorData = concat(sha256(utf8(parts.rpId)), Uint8Array.of(parts.flags, 0, 0, 0, 1), parts.tail);
  const message = concat(authenticatorData, sha256(clientData));
  const signature = new Uint8Array(sign(credential.algorithm === "es256" ? "sha256" : null, message, key));
  return { credentialId: credential.id, authenticatorData, clientData, signature };
}

test("an assertion over the challenge holds, of either algorithm", async () => {
  for (const algorithm of ["es256", "eddsa"] as const) {
    const { credential, key } = pair(algorithm);
    for (let round = 0; round < 20; round += 1) await checkAssertion(assertion(credential, key), credential, CHALLENGE);
    const extended = assertion(credential, key, (parts) => { parts.flags = 0x85; parts.tail = Uint8Array.of(0xa0); });
    await checkAssertion(extended, credential, CHALLENGE);
    const known = assertion(credential, key, (parts) => { parts.client["surprise"] = { deep: [1] }; delete parts.client["crossOrigin"]; });
    await checkAssertion(known, credential, CHALLENGE);
  }
});

test("an assertion with anything else is refused, and why", async () => {
  const { credential, key } = pair("es256");
  const wrong: [string, (parts: Parts) => void][] = [
    ["type", (parts) => { parts.client["type"] = "webauthn.create"; }],
    ["challenge", (parts) => { parts.client["challenge"] = base64url(random()); }],
    ["challenge", (parts) => { parts.client["challenge"] = `${base64url(CHALLENGE)}=`; }],
    ["origin", (parts) => { parts.client["origin"] = "http://localhost:2"; }],
    ["cross_origin", (parts) => { parts.client["crossOrigin"] = true; }],
    ["cross_origin", (parts) => { parts.client["topOrigin"] = ORIGIN; }],
    ["rp_id", (parts) => { parts.rpId = "example.com"; }],
    ["user_present", (parts) => { parts.flags = 0x04; }],
    ["user_verified", (parts) => { parts.flags = 0x01; }],
    ["authenticator_data", (parts) => { parts.flags = 0x45; }],
    ["authenticator_data", (parts) => { parts.tail = Uint8Array.of(0); }],
    ["authenticator_data", (parts) => { parts.flags = 0x85; }],
    ["authenticator_data", (parts) => { parts.flags = 0x15; }],
  ];
  for (const [code, change] of wrong) {
    await assert.rejects(checkAssertion(assertion(credential, key, change), credential, CHALLENGE), { code }, code);
  }
  const good = assertion(credential, key);
  await assert.rejects(checkAssertion({ ...good, credentialId: random(16) }, credential, CHALLENGE), { code: "other_credential" });
  await assert.rejects(checkAssertion(good, { ...credential, publicKey: pair("es256").credential.publicKey }, CHALLENGE), { code: "signature" });
  for (const signature of [new Uint8Array(), good.signature.slice(1), concat(good.signature, Uint8Array.of(0)), new Uint8Array(64)]) {
    await assert.rejects(checkAssertion({ ...good, signature }, credential, CHALLENGE), { code: "signature" });
  }
  const nowhere = new Uint8Array(65).fill(4);
  await assert.rejects(checkAssertion(good, { ...credential, publicKey: nowhere }, CHALLENGE), { code: "signature" });
});

test("DER signatures have one text", () => {
  const { key } = pair("es256");
  for (let round = 0; round < 200; round += 1) {
    const message = random();
    const der = new Uint8Array(sign("sha256", message, key));
    assert.equal(p1363(der)?.length, 64);
    assert.equal(p1363(concat(der, Uint8Array.of(0))), null);
  }
  assert.deepEqual(p1363(Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 2))?.filter((byte) => byte !== 0), Uint8Array.of(1, 2));
  for (const wrong of [[0x30, 6, 2, 1, 0x80, 2, 1, 2], [0x30, 7, 2, 2, 0, 1, 2, 1, 2], [0x30, 5, 2, 0, 2, 1, 2], [0x31, 6, 2, 1, 1, 2, 1, 2], [0x30, 7, 2, 1, 1, 2, 1, 2], []]) {
    assert.equal(p1363(Uint8Array.from(wrong)), null);
  }
});

/** An attestation object as an authenticator writes it. */
function registration(credential: Credential, flags = 0x45, tail = new Uint8Array(), key = coseKey(credential)): Bytes {
  const data = concat(
    sha256(utf8("localhost")), Uint8Array.of(flags, 0, 0, 0, 0), new Uint8Array(16),
    Uint8Array.of(credential.id.length >> 8, credential.id.length & 255), credential.id, key, tail,
  );
  return concat(Uint8Array.of(0xa3, 0x63), utf8("fmt"), Uint8Array.of(0x64), utf8("none"), Uint8Array.of(0x67), utf8("attStmt"), Uint8Array.of(0xa0, 0x68), utf8("authData"), Uint8Array.of(0x59, data.length >> 8, data.length & 255), data);
}

function coseKey({ algorithm, publicKey }: Credential): Bytes {
  if (algorithm === "eddsa") return concat(Uint8Array.of(0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32), publicKey);
  return concat(Uint8Array.of(0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32), publicKey.slice(1, 33), Uint8Array.of(0x22, 0x58, 32), publicKey.slice(33));
}

test("a registration gives the credential that the policy names", async () => {
  for (const algorithm of ["es256", "eddsa"] as const) {
    const { credential } = pair(algorithm);
    const found = await readRegistration(registration(credential), "localhost", ORIGIN);
    assert.deepEqual(found, credential);
    const named = principal(found);
    assert.ok(named instanceof Map);
    assert.deepEqual(readCredential(named.get("fido2"), "fido2"), credential);
    assert.ok(canonicalText(named).startsWith('{"fido2":{"algorithm":"'));
    assert.ok(managerYaml("alice", found).includes(`public_key: "${base64url(credential.publicKey)}"`));
  }
});

test("a registration without user verification, for another site, or with bytes too many is refused", async () => {
  const { credential } = pair("es256");
  const read = (object: Bytes, rpId = "localhost") => readRegistration(object, rpId, ORIGIN);
  await assert.rejects(read(registration(credential, 0x41)), { code: "registration" });
  await assert.rejects(read(registration(credential, 0x05)), { code: "registration" });
  await assert.rejects(read(registration(credential), "example.com"), { code: "registration" });
  await assert.rejects(read(registration(credential, 0x45, Uint8Array.of(0))), { code: "registration" });
  await read(registration(credential, 0xc5, Uint8Array.of(0xa0)));
  const rsa = Uint8Array.of(0xa2, 1, 3, 3, 0x26);
  await assert.rejects(read(registration(credential, 0x45, new Uint8Array(), rsa)), { code: "registration" });
  const whole = registration(credential);
  for (let length = 0; length < whole.length; length += 1) {
    await assert.rejects(read(whole.slice(0, length)), { name: "Refused" });
  }
});

test("CBOR is read as far as registrations need it", () => {
  assert.equal(readCbor(Uint8Array.of(0x19, 1, 0)).value, 256);
  assert.equal(readCbor(Uint8Array.of(0x38, 6)).value, -7);
  assert.deepEqual(readCbor(Uint8Array.of(0x82, 1, 0x61, 0x61)).value, [1, "a"]);
  for (const wrong of [[], [0x18], [0x9f, 0xff], [0xa2, 1, 1, 1, 2], [0x61, 0xff], [0xc1, 0], [0x5a, 0xff, 0xff, 0xff, 0xff], new Array(20).fill(0x81)]) {
    assert.throws(() => readCbor(Uint8Array.from(wrong)), { code: "cbor" });
  }
});

test("extensions are one map of CTAP2, whatever stands in it", () => {
  const nested = (levels: number) => [...Array.from({ length: levels - 1 }, () => [0xa1, 0x00]).flat(), 0xa0];
  const fine = [[0xa0], [0xa1, 0x41, 0xff, 0x20], [0xa2, 0x01, 0x00, 0x01, 0x00], [0xa2, 0x14, 0x00, 0xf4, 0x00], [0xb8, 0x01, 0x00, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0], nested(4)];
  for (const one of fine) {
    assert.ok(isOneMap(Uint8Array.from(one)), `${one}`);
    assert.ok(!isOneMap(Uint8Array.from([...one, 0])), `${one}`);
    assert.ok(!isOneMap(Uint8Array.from(one.slice(0, -1))), `${one}`);
  }
  const huge = [0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  for (const wrong of [[], [0x80], [0xbf, 0xff], [0xa1, 0x00, 0xc0, 0x00], [0xa1, 0x00, 0x61, 0xff], nested(5), huge]) {
    assert.ok(!isOneMap(Uint8Array.from(wrong)), `${wrong}`);
  }
});

test("mailbox and answers are what the other side reads", async () => {
  const id = random(16);
  assert.equal(await mailbox(id), hex(domain("enclave-vaults/mailbox/v1", id)));
  const { credential, key } = pair("es256");
  const signed = assertion(credential, key);
  assert.deepEqual(JSON.parse(approval(signed, CHALLENGE)), {
    format: "enclave-vaults/approval-answer/v1", decision: "approve", challenge: hex(CHALLENGE),
    credential_id: base64url(credential.id), authenticator_data: base64url(signed.authenticatorData),
    client_data_json: base64url(signed.clientData), signature: base64url(signed.signature),
  });
  assert.deepEqual(JSON.parse(refusal(CHALLENGE)), { format: "enclave-vaults/approval-answer/v1", decision: "refuse", challenge: hex(CHALLENGE) });
});
