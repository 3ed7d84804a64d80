/** As whom a passkey of this device would approve, under the policy that judges the request. */
import { same } from "./bytes.js";
import type { Credential } from "./credential.js";
import type { Approver, Policy } from "./policy.js";
import type { Statement } from "./statement.js";

export interface Standing {
  /** As the policy names them; `null` where the policy is not at hand. */
  person: string | null;
  credential: Credential;
  /** The requester is this person: vaults do not count the approval. */
  isRequester: boolean;
}

/** The first of these passkeys that the policy names, with its key and for this origin. */
export function standing(policy: Policy, statement: Statement, passkeys: Credential[], origin: string): Standing | null {
  for (const approver of policy.approvers) {
    for (const named of approver.fido2) {
      const own = passkeys.find((passkey) => same(passkey.id, named.id) && isSameKey(passkey, named));
      if (own && named.origins.includes(origin)) {
        return { person: approver.person, credential: named, isRequester: asked(approver, statement) };
      }
    }
  }
  return null;
}

function isSameKey(own: Credential, named: Credential): boolean {
  return own.algorithm === named.algorithm && own.rpId === named.rpId && same(own.publicKey, named.publicKey);
}

function asked(approver: Approver, statement: Statement): boolean {
  return approver.oidc.some((subject) =>
    statement.principals.some(
      (principal) => principal.kind === "oidc" && principal.issuer === subject.issuer && principal.subject === subject.subject,
    ),
  );
}
