/** Bundles as a requester makes them, with every part open to change. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { base64url, hex, utf8, type Bytes } from "../src/core/bytes.js";
import { canonicalBytes, canonicalText, fromJson, type Canonical, type CanonicalMap } from "../src/core/canonical.js";
import { principal, type Credential } from "../src/core/credential.js";
import { DOMAIN } from "../src/core/hash.js";
import { parseJson } from "../src/core/json.js";

export const root = process.env["WALLET_ROOT"] ?? ".";

/** A vector file of the repository. */
export function vectors(name: string): any {
  return JSON.parse(readFileSync(path.join(root, "..", "vectors", name), "utf8"));
}

export function sha256(...parts: Uint8Array[]): Bytes {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return new Uint8Array(digest.digest());
}

export function domain(tag: string, bytes: Uint8Array): Bytes {
  return sha256(utf8(tag), Uint8Array.of(0), bytes);
}

export function random(length = 32): Bytes {
  return new Uint8Array(randomBytes(length));
}

/** A canonical value from its plain form. */
export function canonical(value: unknown): Canonical {
  const limits = { bytes: 1 << 20, depth: 32, nodes: 1 << 16 };
  return fromJson(parseJson(utf8(JSON.stringify(value)), limits));
}

export const ALICE = { issuer: "https://login.example", subject: "alice" };
export const BOT = { issuer: "https://ci.example", subject: "repo:acme/app" };

const MUTABILITY = [
  "lifecycle.deletion_window", "lifecycle.expires_at", "lifecycle.rotation_period", "lifecycle.sealed_forever",
  "lifecycle.usage_limit", "mutability", "operations", "principals.auditors", "principals.callers",
  "principals.managers", "principals.mtls", "principals.owner", "principals.tees", "recovery.mode",
  "recovery.targets", "usage.export", "usage.operations",
];

/** The canonical policy of a key that is used by a bot and an enclave, under one manager. */
export function policy(credential: Credential, change: (plain: any) => void = () => {}): Bytes {
  const plain = {
    format: "enclave-vaults/key-policy/v1",
    lifecycle: { deletion_window: "86400", expires_at: "none", rotation_period: "none", sealed_forever: "false", usage_limit: "none" },
    mutability: Object.fromEntries(MUTABILITY.map((field) => [field, field === "mutability" || field === "principals.owner" ? "immutable" : { quorum: { oidc: "refused", threshold: "1" } }])),
    operations: [
      { condition: { manager_approval: { fresh_for: "300", managers: ["alice"], oidc: "refused", threshold: "1" } }, name: "release", operations: ["sign", "wrap"], principals: ["app", "bot"] },
    ],
    principals: {
      auditors: [],
      callers: [{ id: "bot", oidc: BOT }],
      managers: [{ credentials: [plainOf(principal(credential))], id: "alice" }],
      mtls: [],
      owner: { issuer: ALICE.issuer, second_factor: "none", subject: "owen" },
      tees: [profile("11")],
    },
    recovery: { mode: "none", targets: [] },
    usage: { export: "none", operations: ["sign", "wrap"] },
  };
  change(plain);
  sortSets(plain);
  return canonicalBytes(canonical(plain));
}

/** Sorts the lists of a policy as its canonical form has them. */
export function sortSets(plain: any, name = ""): void {
  if (typeof plain !== "object") return;
  for (const key of Object.keys(plain)) sortSets(plain[key], key);
  const text = (item: any) => canonicalText(canonical(item));
  if (Array.isArray(plain) && name !== "all" && name !== "any") plain.sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** The plain form of a build of the enclave `app`, by the byte that its measurement repeats. */
export function profile(byte: string): any {
  return {
    config_merkle_root: "none", isv_prod_id: "none", min_isv_svn: "none", mrenclave: byte.repeat(32), mrsigner: "none",
    mrtd: "none", name: "app", platforms: ["02".repeat(32)], required_oids: [], rtmrs: [],
    tcb: { advisories: [], grace: "0", min_evaluation_data_number: "0", statuses: ["UpToDate"] },
  };
}

export function plainOf(value: Canonical): any {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.map(plainOf) : Object.fromEntries([...value].map(([name, inner]) => [name, plainOf(inner)]));
}

export const policyHash = (bytes: Uint8Array) => hex(domain(DOMAIN.policy, bytes));
export const profileDigest = (bytes: Uint8Array) => hex(domain(DOMAIN.profile, bytes));

/** A request for a signature over a message. */
export function signing(payload: Uint8Array): Record<string, string> {
  return { key_version: "1", operation: "sign", payload_length: String(payload.length), payload_sha256: hex(sha256(payload)), signature_format: "der" };
}

export interface Options {
  vaults?: number;
  request: Record<string, string>;
  policy: Bytes;
  newPolicy?: Bytes;
  profile?: Bytes;
  payload?: Bytes;
  note?: string;
  notAfter?: number;
  requester?: any;
  /** The bundle does not carry the policy. */
  withoutPolicy?: boolean;
}

/** The plain form of one vault's statement. */
export function statement(options: Options, vault: number): any {
  return {
    constellation: "ab".repeat(32), handle: "k-" + "a".repeat(26), lineage: "cd".repeat(32), nonce: hex(random()),
    not_after: String(options.notAfter ?? Math.floor(Date.now() / 1000) + 3600), policy_hash: policyHash(options.policy),
    policy_version: "3", request: { ...options.request },
    requester: options.requester ?? { principals: [{ oidc: BOT }], tls_client_key: "ef".repeat(32) },
    type: "enclave-vaults/approval-statement", vault_id: `0${vault + 1}`.repeat(32), version: "1",
  };
}

/** The plain form of a bundle. */
export function bundle(options: Options): any {
  const statements = Array.from({ length: options.vaults ?? 3 }, (_, vault) => statement(options, vault));
  return bundleOf(statements, options);
}

export function bundleOf(statements: any[], options: Options): any {
  const context: Record<string, string> = options.withoutPolicy ? {} : { policy: base64url(options.policy) };
  if (options.newPolicy) context["new_policy"] = base64url(options.newPolicy);
  if (options.profile) context["profile"] = base64url(options.profile);
  if (options.payload) context["payload"] = base64url(options.payload);
  if (options.note !== undefined) context["note"] = options.note;
  return {
    format: "enclave-vaults/approval-bundle/v1",
    statements: statements.map((plain) => ({ statement: encode(plain), salt: hex(random()) })),
    padding: Array.from({ length: 16 - statements.length }, () => hex(random())),
    context,
  };
}

export function encode(plain: any): string {
  return base64url(canonicalBytes(canonical(plain)));
}

export function bytes(plain: any): Bytes {
  return utf8(JSON.stringify(plain));
}

/** The challenge of a bundle, computed beside the wallet's code. */
export function challengeOf(plain: any): Bytes {
  const decode = (text: string) => new Uint8Array(Buffer.from(text, "base64url"));
  const unhex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
  let level: Bytes[] = [
    ...plain.statements.map((entry: any) => sha256(Uint8Array.of(0), unhex(entry.salt), decode(entry.statement))),
    ...plain.padding.map((filler: string) => sha256(Uint8Array.of(2), unhex(filler))),
  ];
  while (level.length > 1) {
    level = level.filter((_, at) => at % 2 === 0).map((left, at) => sha256(Uint8Array.of(1), left, level[2 * at + 1] as Bytes));
  }
  return domain(DOMAIN.approval, level[0] as Bytes);
}

/** A credential whose key nobody needs. */
export function anyCredential(origin = "http://localhost:1"): Credential {
  const point = new Uint8Array(65).fill(7);
  point[0] = 4;
  return { algorithm: "es256", id: random(16), origins: [origin], publicKey: point, rpId: "localhost" };
}

export type { CanonicalMap };
