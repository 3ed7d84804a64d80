/** Names, references and bounds of a policy whose members have been read. */
import { same } from "./bytes.js";
import type { Canonical, CanonicalMap } from "./canonical.js";
import type { Approver } from "./policy.js";
import { RESERVED } from "./profile.js";
import { must } from "./refused.js";
import { anyObject, list, text } from "./shape.js";

const MOST = { managers: 32, credentials: 8, rules: 64, conditions: 256, levels: 8 };

/** What a condition or a quorum may name, and how much of it is left. */
interface Known {
  managers: Set<string>;
  profiles: Set<string>;
  conditions: number;
  /** Of all approvals that were asked for. */
  threshold: bigint;
}

export function checkNames(policy: CanonicalMap, approvers: Approver[]): void {
  const principals = anyObject(policy.get("principals"), "principals");
  const names = (kind: string, member = "id") => list(principals.get(kind), kind).map((one) => text(anyObject(one, kind).get(member), member));
  const [callers, managers, mtls, profiles] = [names("callers"), names("managers"), names("mtls"), names("tees", "name")];
  const taken = [...RESERVED, ...callers, ...names("auditors"), ...managers, ...mtls];
  // Several profiles may have one name, which nothing else has.
  must(areDistinct(taken) && !profiles.some((name) => taken.includes(name)), "wrong_name", "the policy gives a name twice");
  checkManagers(approvers.filter((one) => !one.isOwner));
  const known: Known = { managers: new Set(managers), profiles: new Set(profiles), conditions: MOST.conditions, threshold: 0n };
  checkRules(list(policy.get("operations"), "operations"), new Set([...RESERVED, ...callers, ...mtls, ...profiles]), known);
  checkMutability(anyObject(policy.get("mutability"), "mutability"), known);
}

function checkRules(rules: Canonical[], named: Set<string>, known: Known): void {
  must(rules.length <= MOST.rules, "too_many", `a policy has at most ${MOST.rules} rules`);
  const members = rules.map((rule) => anyObject(rule, "rule"));
  must(areDistinct(members.map((rule) => text(rule.get("name"), "name"))), "wrong_name", "two rules have one name");
  for (const rule of members) {
    const principals = list(rule.get("principals"), "principals");
    must(principals.every((name) => named.has(text(name, "name"))), "wrong_name", "a rule names nobody of the policy");
    checkCondition(rule.get("condition"), known, MOST.levels, false);
  }
}

function areDistinct(names: string[]): boolean {
  return new Set(names).size === names.length;
}

/** No two persons have one credential: by its key, its id or its subject. */
function checkManagers(managers: Approver[]): void {
  must(managers.length <= MOST.managers, "too_many", `a policy has at most ${MOST.managers} managers`);
  managers.forEach((one, at) => {
    const count = one.fido2.length + one.oidc.length;
    must(count >= 1 && count <= MOST.credentials, "too_many", `a manager has 1 to ${MOST.credentials} credentials`);
    must(!managers.slice(0, at).some((other) => isShared(one, other)), "wrong_name", "two managers have one credential");
  });
}

function isShared(one: Approver, other: Approver): boolean {
  return one.fido2.some((own) => other.fido2.some((its) => same(own.id, its.id) || same(own.publicKey, its.publicKey)))
    || one.oidc.some((own) => other.oidc.some((its) => own.issuer === its.issuer && own.subject === its.subject));
}

function checkCondition(condition: Canonical | undefined, known: Known, levels: number, negated: boolean): void {
  must(levels > 0, "too_many", `conditions are nested deeper than ${MOST.levels}`);
  known.conditions -= 1;
  must(known.conditions >= 0, "too_many", `a policy has at most ${MOST.conditions} conditions`);
  for (const [kind, inner] of anyObject(condition, "condition")) {
    if (kind === "not") return checkCondition(inner, known, levels - 1, true);
    if (kind === "all" || kind === "any") return list(inner, kind).forEach((one) => checkCondition(one, known, levels - 1, negated));
    must(kind === "time_window" || !negated, "unknown_value", "`not` stands over something else than time windows");
    checkReferences(kind, anyObject(inner, kind), known);
  }
}

function checkReferences(kind: string, inner: CanonicalMap, known: Known): void {
  if (kind === "attestation_matches") must(known.profiles.has(text(inner.get("profile"), "profile")), "wrong_name", "a condition names no profile of the policy");
  if (kind !== "manager_approval") return;
  const managers = list(inner.get("managers"), "managers");
  must(managers.length > 0 && managers.every((id) => known.managers.has(text(id, "managers"))), "wrong_name", "a condition names no manager of the policy");
  const threshold = BigInt(text(inner.get("threshold"), "threshold"));
  must(threshold > 0n, "wrong_number", "an approval by nobody");
  if (threshold > known.threshold) known.threshold = threshold;
}

/** The owner never changes, and no quorum is below an approval that the rules ask for. */
function checkMutability(levels: CanonicalMap, known: Known): void {
  must(levels.get("principals.owner") === "immutable", "unknown_value", "an owner who can be changed is not known to this wallet");
  for (const level of levels.values()) {
    if (!(level instanceof Map)) continue;
    const threshold = BigInt(text(anyObject(level.get("quorum"), "quorum").get("threshold"), "threshold"));
    must(known.managers.size > 0 && threshold > 0n && threshold >= known.threshold, "wrong_number", "a quorum that cannot be, or is below what a rule asks for");
  }
}
