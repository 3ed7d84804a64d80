/**
 * A review in words and rows. Values are those of the decoded statement, unshortened; `field` says
 * which member a row shows.
 */
import { hex } from "./bytes.js";
import { canonicalText, type Canonical } from "./canonical.js";
import { diff, leaves, lines, type Difference, type Line } from "./diff.js";
import { effects, type Effect } from "./effect.js";
import type { Operation, Request } from "./request.js";
import type { Review } from "./review.js";
import type { Principal, Statement } from "./statement.js";
import { list } from "./shape.js";

export interface Row {
  label: string;
  value: string;
  /** The member of the statement, dotted; absent for what no statement says. */
  field?: string;
  /** Whether every character counts, as in hashes and ids. */
  exact?: boolean;
}

const TITLES: Record<Operation, string> = {
  sign: "Sign a message",
  sign_digest: "Sign a digest that was made elsewhere",
  verify: "Check a signature",
  wrap: "Encrypt data",
  unwrap: "Decrypt data",
  mac: "Compute a MAC",
  mac_verify: "Check a MAC",
  get_public_key: "Read the public key",
  reconstruct: "Hand out shares of a secret",
  delete_key: "Delete a key",
  cancel_deletion: "Keep a key that is to be deleted",
  update_policy: "Replace a key's policy",
  stage_profile: "Propose a new build of a caller",
  promote_profile: "Admit a new build of a caller",
  revoke_profile: "Withdraw a proposed build",
};

const LABELS: Record<string, string> = {
  key_version: "Key version",
  payload_length: "Length in bytes",
  payload_sha256: "SHA-256 of the data",
  signature_format: "Format of the signature",
  signature_sha256: "SHA-256 of the signature",
  input: "Input",
  aad_length: "Length of the associated data",
  aad_sha256: "SHA-256 of the associated data",
  tag_sha256: "SHA-256 of the tag",
  window: "Waiting time in seconds",
  expected_version: "Version that is replaced",
  new_policy_hash: "New policy hash",
  policy_version: "Version of the policy",
  profile_digest: "Profile digest",
};

/** Where what is sent is the digest of a message, and not the message. */
const OF_A_DIGEST: Record<string, string> = {
  payload_length: "Length of the digest in bytes",
  payload_sha256: "SHA-256 of the digest",
};

export function isOfADigest({ operation, members }: Request): boolean {
  return operation === "sign_digest" || members.get("input") === "digest";
}

export function title(operation: Operation): string {
  return TITLES[operation];
}

/** "This allows 3 executions, one on each of" the vaults that follow. */
export function allowance(review: Review): string {
  const count = review.statements.length;
  return count === 1 ? "This allows one execution, on this vault:" : `This allows ${count} executions, one on each of these vaults:`;
}

export function requestRows(request: Request): Row[] {
  const named = [...request.members].filter(([name]) => name !== "operation");
  return [["operation", request.operation] as const, ...named].map(([name, value]) => ({
    label: name === "operation" ? "Operation" : ((isOfADigest(request) ? OF_A_DIGEST[name] : undefined) ?? LABELS[name] ?? name),
    value: String(value),
    field: `request.${name}`,
    exact: name.endsWith("sha256") || name.endsWith("hash") || name.endsWith("digest"),
  }));
}

/** What all vaults share of the key; a handle of each vault's own stands with the vaults. */
export function keyRows({ statements }: Review): Row[] {
  const [first] = statements;
  const shared = (name: "handle" | "lineage") => statements.every((statement) => statement[name] === first[name]);
  return [
    ...(shared("handle") ? [{ label: "Key", value: first.handle, field: "handle", exact: true }] : []),
    ...(shared("lineage") ? [{ label: "Lineage", value: first.lineage, field: "lineage", exact: true }] : []),
    { label: "Constellation", value: first.constellation, field: "constellation", exact: true },
    { label: "Policy version", value: first.policyVersion, field: "policy_version" },
    { label: "Policy hash", value: first.policyHash, field: "policy_hash", exact: true },
  ];
}

/** What each vault's statement has for itself. */
export function vaultRows(statement: Statement, at: number): Row[] {
  const field = (name: string) => `vaults.${at}.${name}`;
  return [
    { label: "Vault", value: statement.vaultId, field: field("vault_id"), exact: true },
    { label: "Key", value: statement.handle, field: field("handle"), exact: true },
    { label: "Lineage", value: statement.lineage, field: field("lineage"), exact: true },
    { label: "Nonce", value: statement.nonce, field: field("nonce"), exact: true },
    { label: "Lapses", value: moment(statement.notAfter), field: field("not_after") },
  ];
}

/** When the first of the statements lapses. */
export function earliest(review: Review): number {
  return Math.min(...review.statements.map((statement) => statement.notAfter));
}

export function requesterRows(statement: Statement): Row[] {
  const proven = statement.principals.flatMap((principal, at) => principalRows(principal, `requester.principals.${at}`));
  return [...proven, { label: "Client key (TLS)", value: statement.tlsClientKey, field: "requester.tls_client_key", exact: true }];
}

function principalRows(principal: Principal, field: string): Row[] {
  switch (principal.kind) {
    case "oidc":
      return [
        { label: "Subject", value: principal.subject, field: `${field}.oidc.subject` },
        { label: "Issuer", value: principal.issuer, field: `${field}.oidc.issuer` },
      ];
    case "enclave":
      return [
        { label: "Enclave build", value: principal.measurement, field: `${field}.enclave.measurement`, exact: true },
        { label: "On machine", value: principal.platform, field: `${field}.enclave.platform`, exact: true },
      ];
    case "td":
      return [
        { label: "Trust domain (MRTD)", value: principal.mrtd, field: `${field}.td.mrtd`, exact: true },
        ...principal.rtmrs.map((value, at) => ({ label: `Loaded (RTMR${at})`, value, field: `${field}.td.rtmr${at}`, exact: true })),
        { label: "On machine", value: principal.platform, field: `${field}.td.platform`, exact: true },
      ];
    case "certificate":
      return [{ label: "Certificate key", value: principal.spki, field: `${field}.certificate.spki`, exact: true }];
  }
}

/** The end of the year 9999. */
const LAST = 253_402_300_799;

/** `2026-11-23 08:25:00 UTC`. */
export function moment(seconds: number): string {
  if (!(seconds >= 0 && seconds <= LAST)) return `second ${seconds}`;
  const date = new Date(seconds * 1000);
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function remaining(until: number, now: number): string {
  const left = until - now;
  if (left <= 0) return "expired";
  if (left < 120) return `${left} s left`;
  return left < 7200 ? `${Math.floor(left / 60)} minutes left` : `${Math.floor(left / 3600)} hours left`;
}

export type Judged = Difference & { effect: Effect };

/** Every difference between the policy in force and the new one; what allows more comes first. */
export function policyDifferences(review: Review): Judged[] {
  if (review.policy === null || review.newPolicy === null) return [];
  const order: Effect[] = ["widens", "changes", "narrows"];
  const [old, now] = [review.policy.members, review.newPolicy.members];
  const effect = effects(old, now);
  return diff(old, now)
    .map((difference) => ({ ...difference, effect: effect(difference) }))
    .sort((a, b) => order.indexOf(a.effect) - order.indexOf(b.effect));
}

export interface ProfileView {
  name: string;
  /** Every member of the proposed profile. */
  rows: Row[];
  /** Against each profile that has the name now; `null` where the policy is not at hand. */
  beside: Line[][] | null;
  /** The rules that the name stands in, and what they allow. */
  rules: string[] | null;
}

export function profileView(review: Review): ProfileView | null {
  const { profile, policy } = review;
  if (profile === null) return null;
  const rows = [...leaves(profile.members)].map(([label, value]) => ({ label, value, exact: /^[0-9a-f]{64}/.test(value) }));
  if (policy === null) return { name: profile.name, rows, beside: null, rules: null };
  const principals = policy.members.get("principals");
  const tees = principals instanceof Map ? list(principals.get("tees"), "tees") : [];
  const namesakes = tees.filter((tee) => tee instanceof Map && tee.get("name") === profile.name);
  return {
    name: profile.name,
    rows,
    beside: namesakes.map((tee) => lines(tee, profile.members)),
    rules: list(policy.members.get("operations"), "operations").flatMap((rule) => namedIn(rule, profile.name)),
  };
}

function namedIn(rule: Canonical, name: string): string[] {
  if (!(rule instanceof Map)) return [];
  const principals = rule.get("principals");
  const operations = rule.get("operations");
  const condition = canonicalText(rule.get("condition") ?? "");
  const named = (Array.isArray(principals) && principals.includes(name)) || condition.includes(canonicalText(new Map([["profile", name]])));
  return named && Array.isArray(operations) ? [`${String(rule.get("name"))} (${operations.join(", ")})`] : [];
}

/** Data in full: as text where it is text, else as hex. */
export function preview(payload: Uint8Array): { kind: "text" | "hex"; text: string } {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const found = text.decode(payload);
    if (!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(found)) return { kind: "text", text: found };
  } catch {
    // Not UTF-8: shown as hex.
  }
  return { kind: "hex", text: hexLines(payload) };
}

export function hexLines(payload: Uint8Array): string {
  return hex(payload).replace(/(.{64})(?=.)/g, "$1\n");
}

/** The first principal that the requester proved, in short. */
export function requesterName(statement: Statement): string {
  const [first] = statement.principals;
  if (first === undefined) return "nobody";
  if (first.kind === "oidc") return first.subject;
  if (first.kind === "td") return `a trust domain ${first.mrtd}`;
  return first.kind === "enclave" ? `an enclave ${first.measurement}` : `a certificate ${first.spki}`;
}

/** Every key that is named, once. */
export function handles(review: Review): string[] {
  return [...new Set(review.statements.map((statement) => statement.handle))];
}
