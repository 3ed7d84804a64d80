/** SHA-256 and its domains; the tags are those of the vaults. */
import { concat, utf8, type Bytes } from "./bytes.js";

export const DOMAIN = {
  policy: "enclave-vaults/key-policy/v1",
  profile: "enclave-vaults/attestation-profile/v1",
  approval: "enclave-vaults/approval/v1",
  mailbox: "enclave-vaults/mailbox/v1",
} as const;

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** SHA-256 over tag, zero byte and the rest. */
export function domainHash(tag: string, bytes: Uint8Array): Promise<Bytes> {
  return sha256(concat(utf8(tag), Uint8Array.of(0), bytes));
}
