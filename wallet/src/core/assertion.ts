/**
 * An assertion over a challenge, checked as a vault checks it (WebAuthn level 3, 7.2):
 *
 * 1. client data: strict JSON, type `webauthn.get`, this challenge, an origin of the credential,
 *    not cross-origin, no top origin;
 * 2. authenticator data: its form (no attested credential, not backed up unless eligible for it,
 *    one map of extensions behind their flag and nothing else), rpIdHash, user present and verified;
 * 3. the signature over authenticator data and SHA-256 of the client data.
 */
import { base64url, concat, same, utf8, type Bytes } from "./bytes.js";
import type { Credential } from "./credential.js";
import { p1363 } from "./der.js";
import { isOneMap } from "./cbor.js";
import { sha256 } from "./hash.js";
import { parseJson, type JsonMap } from "./json.js";
import { Refused, must } from "./refused.js";

export interface Assertion {
  credentialId: Bytes;
  authenticatorData: Bytes;
  clientData: Bytes;
  signature: Bytes;
}

const FLAGS = { present: 0x01, verified: 0x04, eligible: 0x08, backedUp: 0x10, attested: 0x40, extensions: 0x80 };
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };
const LIMITS = { bytes: 4096, depth: 8, nodes: 128 };

export async function checkAssertion(assertion: Assertion, credential: Credential, challenge: Bytes): Promise<void> {
  must(same(assertion.credentialId, credential.id), "other_credential", "another passkey answered");
  checkClientData(assertion.clientData, credential, challenge);
  await checkAuthenticatorData(assertion.authenticatorData, credential);
  const signed = concat(assertion.authenticatorData, await sha256(assertion.clientData));
  must(await isSigned(credential, assertion.signature, signed), "signature", "the passkey's signature does not verify");
}

function checkClientData(bytes: Bytes, credential: Credential, challenge: Bytes): void {
  const data = clientData(bytes);
  const text = (name: string) => {
    const value = data.get(name);
    must(typeof value === "string", "client_data", `the client data has no ${name}`);
    return value;
  };
  must(text("type") === "webauthn.get", "type", "the passkey signed something other than an approval");
  must(text("challenge") === base64url(challenge), "challenge", "the passkey signed another challenge");
  must(credential.origins.includes(text("origin")), "origin", "the passkey signed for another origin");
  const crossOrigin = data.get("crossOrigin");
  must(crossOrigin === undefined || typeof crossOrigin === "boolean", "client_data", "crossOrigin is not true or false");
  must(crossOrigin !== true && !data.has("topOrigin"), "cross_origin", "the passkey was used from a page inside another");
}

function clientData(bytes: Bytes): JsonMap {
  try {
    const data = parseJson(bytes, LIMITS);
    if (data instanceof Map) return data;
  } catch {
    // Refused below, like whatever else is no object.
  }
  throw new Refused("client_data", "the client data is not a strict JSON object");
}

async function checkAuthenticatorData(data: Bytes, credential: Credential): Promise<void> {
  const flags = data[32] ?? 0;
  const has = (flag: number) => (flags & flag) !== 0;
  const extended = has(FLAGS.extensions) ? isOneMap(data.slice(37)) : data.length === 37;
  const sound = data.length >= 37 && data.length <= 4096 && !has(FLAGS.attested) && (has(FLAGS.eligible) || !has(FLAGS.backedUp)) && extended;
  must(sound, "authenticator_data", "the authenticator data has a wrong form");
  must(same(data.slice(0, 32), await sha256(utf8(credential.rpId))), "rp_id", "the passkey signed for another site");
  must(has(FLAGS.present), "user_present", "nobody touched the authenticator");
  must(has(FLAGS.verified), "user_verified", "the authenticator did not verify who you are");
}

async function isSigned(credential: Credential, signature: Bytes, signed: Bytes): Promise<boolean> {
  const [key, how] = credential.algorithm === "eddsa" ? (["Ed25519", "Ed25519"] as const) : ([CURVE, ES256] as const);
  const raw = credential.algorithm === "eddsa" ? signature : p1363(signature);
  if (raw === null) return false;
  try {
    const known = await crypto.subtle.importKey("raw", credential.publicKey, key, false, ["verify"]);
    return await crypto.subtle.verify(how, known, raw, signed);
  } catch {
    // The key is no point of its curve: nothing verifies under it.
    return false;
  }
}
