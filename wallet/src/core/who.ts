/**
 * As whom passkeys of this device would approve, and whether vaults can count it, under the policy
 * that judges the request.
 */
import { same } from "./bytes.js";
import type { Canonical } from "./canonical.js";
import type { Credential } from "./credential.js";
import type { Approver, Policy, Subject } from "./policy.js";
import type { Operation } from "./request.js";
import type { Statement } from "./statement.js";

/**
 * Why vaults do not count an approval: the person asks for it themselves; the policy takes nobody's,
 * or not this person's, of this operation; the owner's second factor, where the owner does not ask.
 */
export type Uncounted = "requester" | "not_asked" | "not_owners";

export interface Standing {
  person: string;
  /** By the second factor. */
  isOwner: boolean;
  /** Those of this device's passkeys that the policy names as theirs. */
  credentials: [Credential, ...Credential[]];
  /** `null` if vaults can count it. */
  uncounted: Uncounted | null;
}

/** What belongs to the owner, and takes the approval of no manager. */
const OWNERS: readonly Operation[] = ["cancel_deletion", "delete_key", "revoke_profile"];
/** What every manager's approval can be counted for, and not only of those whom a rule names. */
const QUORUM: readonly Operation[] = ["promote_profile", "update_policy"];

/** Everybody whom the policy names by one of these passkeys, its key and this origin; who counts comes first. */
export function standings(policy: Policy, statement: Statement, passkeys: Credential[], origin: string): Standing[] {
  const found = policy.approvers.flatMap((approver) => {
    const [first, ...more] = approver.fido2.filter((named) => named.origins.includes(origin) && passkeys.some((own) => isSameKey(own, named)));
    if (first === undefined) return [];
    const { person, isOwner } = approver;
    return [{ person, isOwner, credentials: [first, ...more] as Standing["credentials"], uncounted: uncounted(policy, approver, statement) }];
  });
  const rank = ({ isOwner, uncounted }: Standing) => (uncounted === null ? 0 : 2) + (isOwner ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b));
}

function isSameKey(own: Credential, named: Credential): boolean {
  return same(own.id, named.id) && own.algorithm === named.algorithm && own.rpId === named.rpId && same(own.publicKey, named.publicKey);
}

function uncounted(policy: Policy, approver: Approver, statement: Statement): Uncounted | null {
  const byOwner = asks(policy.owner, statement);
  if (approver.isOwner) return byOwner ? null : "not_owners";
  if (approver.oidc.some((subject) => asks(subject, statement)) || (byOwner && hasSecondFactor(policy, approver))) return "requester";
  return canBeAsked(policy, approver.person, statement.request.operation) ? null : "not_asked";
}

function asks({ issuer, subject }: Subject, statement: Statement): boolean {
  return statement.principals.some((one) => one.kind === "oidc" && one.issuer === issuer && one.subject === subject);
}

/** Whoever has the owner's second factor, by its id or its key, is the owner. */
function hasSecondFactor(policy: Policy, approver: Approver): boolean {
  const factors = policy.approvers.filter((one) => one.isOwner).flatMap((one) => one.fido2);
  return approver.fido2.some((own) => factors.some((factor) => same(own.id, factor.id) || same(own.publicKey, factor.publicKey)));
}

function canBeAsked(policy: Policy, person: string, operation: Operation): boolean {
  if (OWNERS.includes(operation)) return false;
  if (QUORUM.includes(operation)) return true;
  const rules = policy.members.get("operations");
  return Array.isArray(rules) && rules.some((rule) => rule instanceof Map && holds(rule.get("operations"), operation) && names(rule.get("condition"), person));
}

/** Whether an approval by this person stands anywhere in the condition. */
function names(condition: Canonical | undefined, person: string): boolean {
  if (Array.isArray(condition)) return condition.some((inner) => names(inner, person));
  if (!(condition instanceof Map)) return false;
  const approval = condition.get("manager_approval");
  if (approval instanceof Map && holds(approval.get("managers"), person)) return true;
  return ["all", "any", "not"].some((name) => names(condition.get(name), person));
}

function holds(list: Canonical | undefined, item: string): boolean {
  return Array.isArray(list) && list.includes(item);
}
