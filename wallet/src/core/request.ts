/** What a statement asks for, by operation: the members that must stand there, and no others. */
import type { Canonical, CanonicalMap } from "./canonical.js";
import { anyObject, hash, object, oneOf, text, whole } from "./shape.js";

export type Kind = "count" | "version" | "hash" | "format" | "input";

const PAYLOAD = { payload_length: "count", payload_sha256: "hash" } as const;
const AAD = { aad_length: "count", aad_sha256: "hash" } as const;
const VERSION = { key_version: "version" } as const;
const SIGN = { ...VERSION, ...PAYLOAD, signature_format: "format" } as const;

export const REQUESTS = {
  sign: SIGN,
  sign_digest: SIGN,
  verify: { ...SIGN, signature_sha256: "hash", input: "input" },
  wrap: { ...VERSION, ...AAD, ...PAYLOAD },
  unwrap: { ...VERSION, ...AAD, ...PAYLOAD },
  mac: { ...VERSION, ...PAYLOAD },
  mac_verify: { ...VERSION, ...PAYLOAD, tag_sha256: "hash" },
  get_public_key: VERSION,
  reconstruct: VERSION,
  delete_key: { window: "count" },
  cancel_deletion: {},
  update_policy: { expected_version: "count", new_policy_hash: "hash" },
  stage_profile: { policy_version: "count", profile_digest: "hash" },
  promote_profile: { policy_version: "count", profile_digest: "hash" },
  revoke_profile: { profile_digest: "hash" },
} as const satisfies Record<string, Record<string, Kind>>;

export type Operation = keyof typeof REQUESTS;

/** Every member was checked against the operation's table. */
export interface Request {
  operation: Operation;
  members: CanonicalMap;
}

export function readRequest(value: Canonical | undefined): Request {
  const operation = oneOf(anyObject(value, "request").get("operation"), Object.keys(REQUESTS) as Operation[], "request.operation");
  const kinds: Record<string, Kind> = REQUESTS[operation];
  const members = object(value, ["operation", ...Object.keys(kinds)], "request");
  for (const [name, kind] of Object.entries(kinds)) check(members.get(name), kind, `request.${name}`);
  return { operation, members };
}

function check(value: Canonical | undefined, kind: Kind, where: string): void {
  if (kind === "count") whole(value, 64, where);
  else if (kind === "version") whole(value, 32, where);
  else if (kind === "hash") hash(value, where);
  else if (kind === "format") oneOf(value, ["der", "p1363"], where);
  else oneOf(value, ["message", "digest"], where);
}

/** A member that the table of the operation has. */
export function member(request: Request, name: string): string {
  return text(request.members.get(name), `request.${name}`);
}
