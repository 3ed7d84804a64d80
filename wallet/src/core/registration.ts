/**
 * What an authenticator says of a new credential (WebAuthn level 3, 6.1 and 6.5.1; COSE keys as in
 * RFC 9053). Its attestation is not looked at: a policy names the key, not its maker.
 */
import { concat, same, type Bytes } from "./bytes.js";
import { readCbor, type Cbor, type CborMap } from "./cbor.js";
import type { Algorithm, Credential } from "./credential.js";
import { sha256 } from "./hash.js";
import { must, Refused } from "./refused.js";
import { utf8 } from "./bytes.js";

const USER_VERIFIED = 0x04;
const ATTESTED = 0x40;
const EXTENSIONS = 0x80;

export async function readRegistration(attestationObject: Bytes, rpId: string, origin: string): Promise<Credential> {
  const { value, length } = readCbor(attestationObject);
  must(value instanceof Map && length === attestationObject.length, "registration", "the registration is not one CBOR map");
  const data = value.get("authData");
  must(data instanceof Uint8Array && data.length >= 55, "registration", "the registration carries no credential");
  must(same(data.slice(0, 32), await sha256(utf8(rpId))), "registration", "the registration is for another site");
  const flags = data[32] ?? 0;
  must((flags & ATTESTED) !== 0, "registration", "the registration carries no credential");
  must((flags & USER_VERIFIED) !== 0, "registration", "the authenticator did not verify who you are");
  return { ...credentialData(data.slice(37), (flags & EXTENSIONS) !== 0), rpId, origins: [origin] };
}

/** AAGUID, length, id and key; behind them only what the flag of extensions announces. */
function credentialData(data: Bytes, extensions: boolean): Pick<Credential, "id" | "algorithm" | "publicKey"> {
  const size = (data[16] ?? 0) * 256 + (data[17] ?? 0);
  const id = data.slice(18, 18 + size);
  must(id.length === size && size >= 1 && size <= 1023, "registration", "the credential id is cut off");
  const { value, length } = readCbor(data.slice(18 + size));
  must(extensions || 18 + size + length === data.length, "registration", "bytes stand behind the credential");
  must(value instanceof Map, "registration", "the credential has no key");
  return { id, ...coseKey(value) };
}

function coseKey(key: CborMap): { algorithm: Algorithm; publicKey: Bytes } {
  const [type, algorithm, curve, x, y] = [1, 3, -1, -2, -3].map((label) => key.get(label));
  if (type === 2 && algorithm === -7 && curve === 1 && isPart(x) && isPart(y)) {
    return { algorithm: "es256", publicKey: concat(Uint8Array.of(4), x, y) };
  }
  if (type === 1 && algorithm === -8 && curve === 6 && isPart(x)) return { algorithm: "eddsa", publicKey: x };
  throw new Refused("registration", "the passkey is neither ES256 nor EdDSA");
}

function isPart(value: Cbor | undefined): value is Bytes {
  return value instanceof Uint8Array && value.length === 32;
}
