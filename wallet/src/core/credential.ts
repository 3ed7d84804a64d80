/** A passkey as a policy names it: the principal that a manager hands to the key's owner. */
import { base64url, type Bytes } from "./bytes.js";
import { map, type Canonical } from "./canonical.js";
import { must } from "./refused.js";
import { blob, identity, list, object, oneOf } from "./shape.js";

export type Algorithm = "es256" | "eddsa";

export interface Credential {
  algorithm: Algorithm;
  id: Bytes;
  origins: string[];
  /** 65 bytes (uncompressed SEC1 point) for ES256, 32 bytes for EdDSA. */
  publicKey: Bytes;
  rpId: string;
}

const MEMBERS = ["algorithm", "credential_id", "origins", "public_key", "rp_id"];

export function readCredential(value: Canonical | undefined, where: string): Credential {
  const members = object(value, MEMBERS, where);
  const algorithm = oneOf(members.get("algorithm"), ["es256", "eddsa"] as const, `${where}.algorithm`);
  const id = blob(members.get("credential_id"), `${where}.credential_id`);
  const publicKey = blob(members.get("public_key"), `${where}.public_key`);
  const origins = list(members.get("origins"), `${where}.origins`).map((origin) => identity(origin, `${where}.origins`));
  must(id.length >= 1 && id.length <= 1023, "wrong_credential", "a credential id has 1 to 1023 bytes");
  must(isKey(algorithm, publicKey), "wrong_key", "the public key does not fit its algorithm");
  must(origins.length >= 1 && origins.length <= 8, "wrong_credential", "a credential names 1 to 8 origins");
  return { algorithm, id, origins, publicKey, rpId: identity(members.get("rp_id"), `${where}.rp_id`) };
}

function isKey(algorithm: Algorithm, key: Uint8Array): boolean {
  return algorithm === "es256" ? key.length === 65 && key[0] === 4 : key.length === 32;
}

/** `{"fido2":{…}}`, to be put into `principals.managers[].credentials`. */
export function principal(credential: Credential): Canonical {
  return map({
    fido2: map({
      algorithm: credential.algorithm,
      credential_id: base64url(credential.id),
      origins: [...credential.origins].sort(),
      public_key: base64url(credential.publicKey),
      rp_id: credential.rpId,
    }),
  });
}

/** The same as a whole person, in the YAML that policies are written in. */
export function managerYaml(id: string, credential: Credential): string {
  const quoted = (value: string) => JSON.stringify(value);
  return [
    `- id: ${quoted(id)}`,
    "  credentials:",
    "    - fido2:",
    `        algorithm: ${credential.algorithm}`,
    `        credential_id: ${quoted(base64url(credential.id))}`,
    `        origins: [${credential.origins.map(quoted).join(", ")}]`,
    `        public_key: ${quoted(base64url(credential.publicKey))}`,
    `        rp_id: ${quoted(credential.rpId)}`,
    "",
  ].join("\n");
}
