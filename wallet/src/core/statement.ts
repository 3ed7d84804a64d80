/** One vault's statement: the very bytes that are signed, and what they say. */
import { unbase32, type Bytes } from "./bytes.js";
import { isSet, readCanonical, type Canonical, type CanonicalMap } from "./canonical.js";
import { must } from "./refused.js";
import { readRequest, type Request } from "./request.js";
import { choice, count, hash, list, object, text, whole, wide } from "./shape.js";

const RTMRS = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"];

const LIMITS = { bytes: 8 * 1024, depth: 5, nodes: 128 };

const MEMBERS = [
  "constellation",
  "handle",
  "lineage",
  "nonce",
  "not_after",
  "policy_hash",
  "policy_version",
  "request",
  "requester",
  "type",
  "vault_id",
  "version",
] as const;

export type Principal =
  | { kind: "oidc"; issuer: string; subject: string }
  | { kind: "enclave"; measurement: string; platform: string }
  | { kind: "td"; mrtd: string; platform: string; rtmrs: string[] }
  | { kind: "certificate"; spki: string };

export interface Statement {
  /** What is hashed into the leaf. Everything else here was read from it. */
  bytes: Bytes;
  members: CanonicalMap;
  constellation: string;
  handle: string;
  lineage: string;
  nonce: string;
  notAfter: number;
  policyHash: string;
  policyVersion: string;
  request: Request;
  principals: Principal[];
  tlsClientKey: string;
  vaultId: string;
}

export function readStatement(bytes: Bytes): Statement {
  const members = object(readCanonical(bytes, LIMITS), MEMBERS, "statement");
  const type = text(members.get("type"), "type");
  must(type === "enclave-vaults/approval-statement", "wrong_type", "this is no approval statement");
  must(members.get("version") === "1", "unknown_version", "this wallet knows version 1 of statements only");
  const requester = object(members.get("requester"), ["principals", "tls_client_key"], "requester");
  return {
    bytes,
    members,
    constellation: hashOrNone(members.get("constellation"), "constellation"),
    handle: handle(members.get("handle")),
    lineage: hash(members.get("lineage"), "lineage"),
    nonce: hash(members.get("nonce"), "nonce"),
    notAfter: count(members.get("not_after"), "not_after"),
    policyHash: hash(members.get("policy_hash"), "policy_hash"),
    policyVersion: String(whole(members.get("policy_version"), 64, "policy_version")),
    request: readRequest(members.get("request")),
    principals: principals(requester.get("principals")),
    tlsClientKey: hashOrNone(requester.get("tls_client_key"), "requester.tls_client_key"),
    vaultId: hash(members.get("vault_id"), "vault_id"),
  };
}

function hashOrNone(value: Canonical | undefined, where: string): string {
  return value === "none" ? value : hash(value, where);
}

function handle(value: Canonical | undefined): string {
  const found = text(value, "handle");
  must(found.startsWith("k-") && unbase32(found.slice(2))?.length === 16, "wrong_handle", "handle is not a key handle");
  return found;
}

function principals(value: Canonical | undefined): Principal[] {
  const items = list(value, "requester.principals");
  must(items.length >= 1 && items.length <= 8, "wrong_requester", "a requester is 1 to 8 principals");
  must(isSet(items), "not_canonical", "requester.principals is not a sorted set");
  return items.map(principal);
}

function principal(value: Canonical): Principal {
  const where = "requester.principals";
  const [kind, inner] = choice(value, where);
  if (kind === "oidc") {
    const members = object(inner, ["issuer", "subject"], where);
    return { kind, issuer: text(members.get("issuer"), where), subject: text(members.get("subject"), where) };
  }
  if (kind === "enclave") {
    const members = object(inner, ["measurement", "platform"], where);
    return { kind, measurement: hash(members.get("measurement"), where), platform: hash(members.get("platform"), where) };
  }
  if (kind === "td") {
    const members = object(inner, ["mrtd", "platform", ...RTMRS], where);
    const rtmrs = RTMRS.map((name) => wide(members.get(name), where));
    return { kind, mrtd: wide(members.get("mrtd"), where), platform: hash(members.get("platform"), where), rtmrs };
  }
  must(kind === "certificate", "unknown_value", `a requester of a kind this wallet does not know: ${kind}`);
  return { kind, spki: hash(object(inner, ["spki"], where).get("spki"), where) };
}
