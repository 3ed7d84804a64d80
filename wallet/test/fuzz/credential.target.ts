/**
 * What an authenticator hands over: assertions, registrations, CBOR, DER, and credentials as policies have them. The input
 * is taken as each of these, signed and framed so that what lies behind a check is reached.
 */
import assert from "node:assert/strict";
import { checkAssertion } from "../../src/core/assertion.js";
import { base64url, concat, fromUtf8, hex, unbase32, unbase64url, unhex, utf8, type Bytes } from "../../src/core/bytes.js";
import { approval } from "../../src/core/answer.js";
import { canonicalBytes, canonicalText, fromJson, readCanonical } from "../../src/core/canonical.js";
import { isOneMap, readCbor, type Cbor } from "../../src/core/cbor.js";
import { managerYaml, principal, readCredential, type Credential } from "../../src/core/credential.js";
import { p1363 } from "../../src/core/der.js";
import { parseJson } from "../../src/core/json.js";
import { Refused } from "../../src/core/refused.js";
import { readRegistration } from "../../src/core/registration.js";
import { sha256 } from "../fixture.js";
import { CHALLENGE, CREDENTIAL, parts, signed, tried } from "../verdicts.js";
import { checkPrototypes, ORIGIN } from "./page.js";

/** Beside its own. */
export const seeds = ["assertion"];

const ANSWER = { bytes: 1 << 20, depth: 4, nodes: 128 };

export async function run(data: Bytes): Promise<void> {
  await asAssertion(data);
  await asRegistration(data);
  asCbor(data);
  asDer(data);
  await asCredential(data);
  asText(data);
  checkPrototypes();
}

/** What is accepted says what it must, to another reader; and nothing is accepted under another signature or challenge. */
async function asAssertion(data: Bytes): Promise<void> {
  const found = parts(data);
  if (found === null) return;
  const unsigned = { credentialId: CREDENTIAL.id, ...found, signature: new Uint8Array(64) };
  if ((await code(unsigned, CREDENTIAL, CHALLENGE)) !== "signature") return;
  const assertion = signed(found);
  assert.equal(await code(assertion, CREDENTIAL, CHALLENGE), null);
  const { clientData, authenticatorData } = found;
  const said = JSON.parse(fromUtf8(clientData) ?? "");
  assert.deepEqual([said.type, said.challenge, said.origin], ["webauthn.get", base64url(CHALLENGE), CREDENTIAL.origins[0]]);
  assert.ok((said.crossOrigin ?? false) === false && !Object.hasOwn(said, "topOrigin"));
  assert.equal(hex(authenticatorData.slice(0, 32)), hex(sha256(utf8("localhost"))));
  assert.equal((authenticatorData[32] ?? 0) & 0x45, 0x05);
  assert.equal(((authenticatorData[32] ?? 0) & 0x80) !== 0, authenticatorData.length > 37);
  const other = assertion.signature.slice();
  other[(data[1] ?? 0) % 64] = (other[(data[1] ?? 0) % 64] ?? 0) ^ (1 << ((data[0] ?? 0) % 8));
  assert.equal(await code({ ...assertion, signature: other }, CREDENTIAL, CHALLENGE), "signature");
  assert.equal(await code(assertion, CREDENTIAL, sha256(CHALLENGE)), "challenge");
  const written = utf8(approval(assertion, CHALLENGE));
  assert.deepEqual(canonicalBytes(fromJson(parseJson(written, ANSWER))), written);
}

async function code(...[assertion, credential, challenge]: Parameters<typeof checkAssertion>): Promise<string | null> {
  try {
    await checkAssertion(assertion, credential, challenge);
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

/** The input stands behind the hash of the relying party's id. */
async function asRegistration(data: Bytes): Promise<void> {
  const text = (name: string) => concat(Uint8Array.of(0x60 + name.length), utf8(name));
  const inner = concat(sha256(utf8("localhost")), data);
  const object = concat(Uint8Array.of(0xa3), text("fmt"), text("none"), text("attStmt"), Uint8Array.of(0xa0), text("authData"), Uint8Array.of(0x5a, inner.length >>> 24, (inner.length >> 16) & 255, (inner.length >> 8) & 255, inner.length & 255), inner);
  const found = await tried(() => readRegistration(object, "localhost", ORIGIN));
  if (found === null) return;
  assert.ok(((data[0] ?? 0) & 0x44) === 0x44, "not verified");
  assert.ok(found.id.length >= 1 && found.id.length <= 1023 && hex(data).includes(hex(found.id)));
  assert.equal(await tried(() => readRegistration(object, "other", ORIGIN)), null);
  assert.deepEqual(named(found), found);
  const yaml = managerYaml(fromUtf8(data.slice(0, 40)) ?? "alice", found);
  assert.equal(yaml.split("\n").length, 9, "a name makes lines");
  // A key is 32 or 65 bytes, whether or not it is one: whoever signs by it is refused, and not a fault of the wallet.
  const any = { credentialId: found.id, clientData: CLIENT, authenticatorData: DEVICE, signature: DER };
  const refused = await code(any, { ...found, rpId: "localhost", origins: CREDENTIAL.origins }, CHALLENGE);
  assert.equal(refused, "signature");
}

const CLIENT = utf8(JSON.stringify({ type: "webauthn.get", challenge: base64url(CHALLENGE), origin: CREDENTIAL.origins[0] }));
const DEVICE = concat(sha256(utf8("localhost")), Uint8Array.of(5, 0, 0, 0, 0));
const DER = Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1);

function named(credential: Credential): Credential {
  const written = principal(credential);
  assert.ok(written instanceof Map);
  return readCredential(written.get("fido2"), "fido2");
}

function asCbor(data: Bytes): void {
  const read = (bytes: Bytes) => {
    try {
      return readCbor(bytes);
    } catch (error) {
      if (error instanceof Refused) return null;
      throw error;
    }
  };
  const map = isOneMap(data);
  const found = read(data);
  if (found === null) return;
  assert.ok(found.length >= 1 && found.length <= data.length);
  assert.deepEqual(read(data.slice(0, found.length)), found);
  assert.equal(read(data.slice(0, found.length - 1)), null, "cut off, and read");
  assert.ok(size(found.value) <= data.length, "more values than bytes");
  const isMap = found.value instanceof Map && found.length === data.length;
  if (isMap && depth(found.value) <= 4) assert.ok(map, "a map to one reader alone");
  if (map) assert.equal(found.length, data.length);
}

function size(value: Cbor): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + size(one), 1);
  return value instanceof Map ? [...value.values()].reduce<number>((sum, one) => sum + 1 + size(one), 1) : 1;
}

function depth(value: Cbor): number {
  const inner = Array.isArray(value) ? value : value instanceof Map ? [...value.values()] : null;
  return inner === null ? 0 : 1 + Math.max(0, ...inner.map(depth));
}

/** Two numbers have one DER text. */
function asDer(data: Bytes): void {
  const raw = p1363(data);
  if (raw === null) return;
  assert.equal(raw.length, 64);
  const integer = (digits: Bytes) => {
    const first = digits.findIndex((byte) => byte !== 0);
    const short = digits.slice(first);
    const body = (short[0] ?? 0) > 0x7f ? concat(Uint8Array.of(0), short) : short;
    return concat(Uint8Array.of(2, body.length), body);
  };
  const body = concat(integer(raw.slice(0, 32)), integer(raw.slice(32)));
  assert.deepEqual(concat(Uint8Array.of(0x30, body.length), body), data);
}

async function asCredential(data: Bytes): Promise<void> {
  const value = await tried(() => readCanonical(data, { bytes: 1 << 16, depth: 3, nodes: 64 }));
  const fido2 = value instanceof Map && value.has("fido2") ? value.get("fido2") : value;
  const found = fido2 === null ? null : await tried(() => readCredential(fido2, "fido2"));
  if (found === null) return;
  assert.ok(found.publicKey.length === (found.algorithm === "es256" ? 65 : 32));
  assert.ok(found.origins.length >= 1 && found.origins.length <= 8);
  assert.equal(canonicalText(principal(named(found))), canonicalText(principal(found)));
}

/** Bytes have one text each. */
function asText(data: Bytes): void {
  const text = fromUtf8(data) ?? "";
  const url = unbase64url(text);
  if (url !== null) assert.equal(base64url(url), text);
  const digits = unhex(text);
  if (digits !== null) assert.equal(hex(digits), text);
  const base32 = unbase32(text);
  if (base32 !== null) assert.equal(base32.length, Math.floor((text.length * 5) / 8));
  assert.equal(hex(unbase64url(base64url(data)) ?? new Uint8Array()), hex(data));
}
