/** What goes back to whoever asked, and where requests are found. */
import { base64url, hex, type Bytes } from "./bytes.js";
import { canonicalText, map } from "./canonical.js";
import type { Assertion } from "./assertion.js";
import { DOMAIN, domainHash } from "./hash.js";

const FORMAT = "enclave-vaults/approval-answer/v1";

export function approval(assertion: Assertion, challenge: Bytes): string {
  return canonicalText(
    map({
      format: FORMAT,
      decision: "approve",
      challenge: hex(challenge),
      credential_id: base64url(assertion.credentialId),
      authenticator_data: base64url(assertion.authenticatorData),
      client_data_json: base64url(assertion.clientData),
      signature: base64url(assertion.signature),
    }),
  );
}

export function refusal(challenge: Bytes): string {
  return canonicalText(map({ format: FORMAT, decision: "refuse", challenge: hex(challenge) }));
}

/** The relay's mailbox of a credential. */
export async function mailbox(credentialId: Bytes): Promise<string> {
  return hex(await domainHash(DOMAIN.mailbox, credentialId));
}
