/** A key's policy, read completely: a member that is not known here is refused, never left out. */
import { type Bytes } from "./bytes.js";
import { isSet, readCanonical, type Canonical, type CanonicalMap } from "./canonical.js";
import { readCredential, type Credential } from "./credential.js";
import { DOMAIN, domainHash } from "./hash.js";
import { must } from "./refused.js";
import { checkProfile } from "./profile.js";
import { anyObject, choice, count, hash, list, object, oneOf, text } from "./shape.js";

export const LIMITS = { bytes: 64 * 1024, depth: 32, nodes: 8 * 1024 };

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
const LIFECYCLE = ["deletion_window", "expires_at", "rotation_period", "sealed_forever", "usage_limit"];

export async function readPolicy(bytes: Bytes): Promise<Policy> {
  const members = object(readCanonical(bytes, LIMITS), ["format", "lifecycle", "mutability", "operations", "principals", "recovery", "usage"], "policy");
  must(members.get("format") === "enclave-vaults/key-policy/v1", "unknown_version", "a policy of a format this wallet does not know");
  const principals = object(members.get("principals"), PRINCIPALS, "principals");
  for (const name of ["auditors", "callers"]) list(principals.get(name), name).forEach(checkCaller);
  list(principals.get("mtls"), "mtls").forEach(checkCertificate);
  list(principals.get("tees"), "tees").forEach(checkProfile);
  list(members.get("operations"), "operations").forEach(checkRule);
  texts(object(members.get("usage"), ["export", "operations"], "usage"), ["export"]);
  names(anyObject(members.get("usage"), "usage").get("operations"));
  texts(object(members.get("lifecycle"), LIFECYCLE, "lifecycle"), LIFECYCLE);
  texts(object(members.get("recovery"), ["mode", "targets"], "recovery"), ["mode"]);
  must(list(anyObject(members.get("recovery"), "recovery").get("targets"), "targets").length === 0, "unknown_value", "recovery targets are not known to this wallet");
  checkSets(members);
  for (const level of object(members.get("mutability"), FIELDS, "mutability").values()) checkLevel(level);
  return { bytes, members, hash: await domainHash(DOMAIN.policy, bytes), ...people(principals) };
}

function people(principals: CanonicalMap): Pick<Policy, "owner" | "approvers"> {
  const members = object(principals.get("owner"), ["issuer", "second_factor", "subject"], "owner");
  const owner = { issuer: text(members.get("issuer"), "issuer"), subject: text(members.get("subject"), "subject") };
  return { owner, approvers: approvers(principals, members) };
}

function approvers(principals: CanonicalMap, owner: CanonicalMap): Approver[] {
  const factor = owner.get("second_factor");
  const people = list(principals.get("managers"), "managers").map(manager);
  return factor === "none" ? people : [...people, { person: "owner", isOwner: true, ...credentials([factor ?? ""]) }];
}

function manager(value: Canonical): Approver {
  const members = object(value, ["credentials", "id"], "manager");
  return { person: text(members.get("id"), "manager.id"), isOwner: false, ...credentials(list(members.get("credentials"), "credentials")) };
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
  return { issuer: text(members.get("issuer"), "issuer"), subject: text(members.get("subject"), "subject") };
}

function checkCaller(value: Canonical): void {
  const role = anyObject(value, "caller").has("role");
  const members = object(value, ["id", role ? "role" : "oidc"], "caller");
  texts(members, ["id"]);
  if (role) texts(object(members.get("role"), ["issuer", "role"], "role"), ["issuer", "role"]);
  else subject("oidc", members.get("oidc") ?? "");
}

function checkCertificate(value: Canonical): void {
  const byCa = anyObject(value, "mtls").has("ca");
  const members = object(value, ["id", byCa ? "ca" : "spki"], "mtls");
  texts(members, ["id"]);
  const pinned = byCa ? object(members.get("ca"), ["san", "spki"], "ca") : members;
  hash(pinned.get("spki"), "spki");
  if (byCa) texts(pinned, ["san"]);
}

function checkRule(value: Canonical): void {
  const members = object(value, ["condition", "name", "operations", "principals"], "rule");
  texts(members, ["name"]);
  names(members.get("operations"));
  names(members.get("principals"));
  checkCondition(members.get("condition"));
}

function checkCondition(value: Canonical | undefined): void {
  const [kind, inner] = choice(value, "condition");
  const members = (expected: string[]) => texts(object(inner, expected, kind), expected);
  switch (kind) {
    case "all":
    case "any":
      return list(inner, kind).forEach(checkCondition);
    case "not":
      return checkCondition(inner);
    case "attestation_matches":
      return members(["profile"]);
    case "time_window":
      return members(["from", "until"]);
    case "caller_holds_role":
      return members(["issuer", "role"]);
    default:
      must(kind === "manager_approval", "unknown_value", `a condition this wallet does not know: ${kind}`);
      return checkApproval(inner);
  }
}

function checkApproval(value: Canonical): void {
  const members = object(value, ["fresh_for", "managers", "oidc", "threshold"], "manager_approval");
  count(members.get("fresh_for"), "fresh_for");
  count(members.get("threshold"), "threshold");
  oneOf(members.get("oidc"), ["allowed", "refused"], "oidc");
  names(members.get("managers"));
}

function checkLevel(value: Canonical): void {
  if (typeof value === "string") return void oneOf(value, ["owner", "immutable"], "mutability");
  const quorum = object(object(value, ["quorum"], "mutability").get("quorum"), ["oidc", "threshold"], "quorum");
  oneOf(quorum.get("oidc"), ["allowed", "refused"], "oidc");
  count(quorum.get("threshold"), "threshold");
}

/** Every list is a set but those of `all` and `any`, whose order refusals name. */
function checkSets(value: Canonical, name = ""): void {
  if (typeof value === "string") return;
  if (value instanceof Map) return value.forEach((inner, member) => checkSets(inner, member));
  must(["all", "any"].includes(name) || isSet(value), "not_canonical", `${name} is not a sorted set`);
  value.forEach((inner) => checkSets(inner));
}

function texts(members: CanonicalMap, expected: string[]): void {
  for (const name of expected) text(members.get(name), name);
}

function names(value: Canonical | undefined): void {
  for (const item of list(value, "names")) text(item, "name");
}
