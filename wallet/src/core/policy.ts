/** A key's policy, read completely: a member that is not known here is refused, never left out. */
import { type Bytes } from "./bytes.js";
import { readCanonical, type Canonical, type CanonicalMap } from "./canonical.js";
import { readCredential, type Credential } from "./credential.js";
import { DOMAIN, domainHash } from "./hash.js";
import { checkNames } from "./names.js";
import { must } from "./refused.js";
import { checkProfile, LIMITS } from "./profile.js";
import { anyObject, checkSets, choice, given, hash, identity, list, object, oneOf, text, whole } from "./shape.js";

/** Whoever may approve: a manager, or the owner by the second factor. */
export interface Approver {
  person: string;
  isOwner: boolean;
  fido2: Credential[];
  oidc: Subject[];
}

export interface Subject {
  issuer: string;
  subject: string;
}

export interface Policy {
  bytes: Bytes;
  members: CanonicalMap;
  hash: Bytes;
  owner: Subject;
  approvers: Approver[];
}

const FIELDS = [
  "lifecycle.deletion_window",
  "lifecycle.expires_at",
  "lifecycle.rotation_period",
  "lifecycle.sealed_forever",
  "lifecycle.usage_limit",
  "mutability",
  "operations",
  "principals.auditors",
  "principals.callers",
  "principals.managers",
  "principals.mtls",
  "principals.owner",
  "principals.tees",
  "recovery.mode",
  "recovery.targets",
  "usage.export",
  "usage.operations",
];
const PRINCIPALS = ["auditors", "callers", "managers", "mtls", "owner", "tees"];
const USES = ["sign", "sign_digest", "verify", "wrap", "unwrap", "mac", "mac_verify", "get_public_key", "reconstruct"];
const OPERATIONS = [...USES, "stage_profile"];
/** What the format has and no vault enforces. */
const RESERVED = ["expires_at", "rotation_period", "usage_limit"];

export async function readPolicy(bytes: Bytes): Promise<Policy> {
  const members = object(readCanonical(bytes, LIMITS), ["format", "lifecycle", "mutability", "operations", "principals", "recovery", "usage"], "policy");
  must(members.get("format") === "enclave-vaults/key-policy/v1", "unknown_version", "a policy of a format this wallet does not know");
  const principals = object(members.get("principals"), PRINCIPALS, "principals");
  for (const name of ["auditors", "callers"]) list(principals.get(name), name).forEach(checkCaller);
  list(principals.get("mtls"), "mtls").forEach(checkCertificate);
  list(principals.get("tees"), "tees").forEach(checkProfile);
  list(members.get("operations"), "operations").forEach(checkRule);
  checkUsage(object(members.get("usage"), ["export", "operations"], "usage"));
  checkLifecycle(object(members.get("lifecycle"), ["deletion_window", "sealed_forever", ...RESERVED], "lifecycle"));
  const recovery = object(members.get("recovery"), ["mode", "targets"], "recovery");
  none(recovery, ["mode"]);
  must(list(recovery.get("targets"), "targets").length === 0, "unknown_value", "recovery targets are not known to this wallet");
  checkSets(members);
  for (const level of object(members.get("mutability"), FIELDS, "mutability").values()) checkLevel(level);
  const { owner, approvers } = people(principals);
  checkNames(members, approvers);
  return { bytes, members, hash: await domainHash(DOMAIN.policy, bytes), owner, approvers };
}

function checkUsage(usage: CanonicalMap): void {
  none(usage, ["export"]);
  list(usage.get("operations"), "operations").forEach((operation) => oneOf(operation, USES, "usage"));
}

function checkLifecycle(lifecycle: CanonicalMap): void {
  none(lifecycle, RESERVED);
  whole(lifecycle.get("deletion_window"), 64, "deletion_window");
  oneOf(lifecycle.get("sealed_forever"), ["true", "false"], "sealed_forever");
}

function people(principals: CanonicalMap): Pick<Policy, "owner" | "approvers"> {
  const members = object(principals.get("owner"), ["issuer", "second_factor", "subject"], "owner");
  const owner = { issuer: identity(members.get("issuer"), "issuer"), subject: identity(members.get("subject"), "subject") };
  return { owner, approvers: approvers(principals, members) };
}

function approvers(principals: CanonicalMap, owner: CanonicalMap): Approver[] {
  const factor = owner.get("second_factor");
  const people = list(principals.get("managers"), "managers").map(manager);
  return factor === "none" ? people : [...people, { person: "owner", isOwner: true, ...credentials([object(factor, ["fido2"], "second_factor")]) }];
}

function manager(value: Canonical): Approver {
  const members = object(value, ["credentials", "id"], "manager");
  return { person: identity(members.get("id"), "manager.id"), isOwner: false, ...credentials(list(members.get("credentials"), "credentials")) };
}

function credentials(items: Canonical[]): Pick<Approver, "fido2" | "oidc"> {
  const found: Pick<Approver, "fido2" | "oidc"> = { fido2: [], oidc: [] };
  for (const item of items) {
    const [kind, inner] = choice(item, "credential");
    if (kind === "fido2") found.fido2.push(readCredential(inner, "fido2"));
    else found.oidc.push(subject(kind, inner));
  }
  return found;
}

function subject(kind: string, value: Canonical): Subject {
  must(kind === "oidc", "unknown_value", `a credential of a kind this wallet does not know: ${kind}`);
  const members = object(value, ["issuer", "subject"], "oidc");
  return { issuer: identity(members.get("issuer"), "issuer"), subject: identity(members.get("subject"), "subject") };
}

function checkCaller(value: Canonical): void {
  const role = anyObject(value, "caller").has("role");
  const members = object(value, ["id", role ? "role" : "oidc"], "caller");
  identities(members, ["id"]);
  if (role) checkRole(members.get("role"));
  else subject("oidc", members.get("oidc") ?? "");
}

function checkCertificate(value: Canonical): void {
  const byCa = anyObject(value, "mtls").has("ca");
  const members = object(value, ["id", byCa ? "ca" : "spki"], "mtls");
  identities(members, ["id"]);
  const pinned = byCa ? object(members.get("ca"), ["san", "spki"], "ca") : members;
  hash(pinned.get("spki"), "spki");
  if (byCa) must(/^(?:dns|uri|email|ip):[^]/u.test(identity(pinned.get("san"), "san")), "unknown_value", "a certificate's name is of a kind this wallet does not know");
}

function checkRole(value: Canonical | undefined): void {
  identities(object(value, ["issuer", "role"], "role"), ["issuer", "role"]);
}

function checkRule(value: Canonical): void {
  const members = object(value, ["condition", "name", "operations", "principals"], "rule");
  identities(members, ["name"]);
  some(members.get("operations"), "operations").forEach((operation) => oneOf(operation, OPERATIONS, "operation"));
  some(members.get("principals"), "principals").forEach((name) => text(name, "principal"));
  checkCondition(members.get("condition"));
}

function checkCondition(value: Canonical | undefined): void {
  const [kind, inner] = choice(value, "condition");
  switch (kind) {
    case "all":
    case "any":
      return list(inner, kind).forEach(checkCondition);
    case "not":
      return checkCondition(inner);
    case "attestation_matches":
      return identities(object(inner, ["profile"], kind), ["profile"]);
    case "time_window":
      return checkWindow(object(inner, ["from", "until"], kind));
    case "caller_holds_role":
      return checkRole(inner);
    default:
      must(kind === "manager_approval", "unknown_value", `a condition this wallet does not know: ${kind}`);
      return checkApproval(inner);
  }
}

/** It holds a second. */
function checkWindow(members: CanonicalMap): void {
  const [from, until] = ["from", "until"].map((name) => given(members.get(name), (value) => whole(value, 64, name))) as [bigint | null, bigint | null];
  must((from !== null || until !== null) && (until === null || until > (from ?? 0n)), "wrong_number", "a time window that holds no second");
}

function checkApproval(value: Canonical): void {
  const members = object(value, ["fresh_for", "managers", "oidc", "threshold"], "manager_approval");
  whole(members.get("fresh_for"), 64, "fresh_for");
  whole(members.get("threshold"), 32, "threshold");
  oneOf(members.get("oidc"), ["allowed", "refused"], "oidc");
  list(members.get("managers"), "managers").forEach((id) => identity(id, "managers"));
}

function checkLevel(value: Canonical): void {
  if (typeof value === "string") return void oneOf(value, ["owner", "immutable"], "mutability");
  const quorum = object(object(value, ["quorum"], "mutability").get("quorum"), ["oidc", "threshold"], "quorum");
  oneOf(quorum.get("oidc"), ["allowed", "refused"], "oidc");
  whole(quorum.get("threshold"), 32, "threshold");
}

function identities(members: CanonicalMap, expected: string[]): void {
  for (const name of expected) identity(members.get(name), name);
}

function none(members: CanonicalMap, expected: string[]): void {
  for (const name of expected) oneOf(members.get(name), ["none"], name);
}

/** A list of at least one. */
function some(value: Canonical | undefined, where: string): Canonical[] {
  const items = list(value, where);
  must(items.length > 0, "too_few", `${where} is empty`);
  return items;
}
