/**
 * Checks a bundle as a whole. What comes out is all that may be shown beside a button:
 *
 * 1. every statement is canonical and of a closed shape;
 * 2. all are one request: equal but for what each vault has for itself, of distinct vaults;
 * 3. the policy hashes to policy_hash, and the new policy, the profile and the payload to what the
 *    request names; where the request cannot be understood without them, they are there;
 * 4. the challenge, from every salt, statement and padding.
 */
import { hex, type Bytes } from "./bytes.js";
import { canonicalText, map, type Canonical } from "./canonical.js";
import { challengeOf, paddingLeaf, statementLeaf } from "./challenge.js";
import { readBundle, type Bundle } from "./bundle.js";
import { sha256 } from "./hash.js";
import { readPolicy, type Policy } from "./policy.js";
import { readProfile, type Profile } from "./profile.js";
import { must } from "./refused.js";
import { member, type Request } from "./request.js";
import { readStatement, type Statement } from "./statement.js";

/** The members that each vault's statement has for itself. */
export const PER_VAULT = ["vault_id", "handle", "lineage", "nonce", "not_after"] as const;

export interface Review {
  /** One for each vault, in the order of the leaves. */
  statements: [Statement, ...Statement[]];
  challenge: Bytes;
  /** Only the owner can read a policy, so that others cannot send it. */
  policy: Policy | null;
  newPolicy: Policy | null;
  profile: Profile | null;
  payload: Bytes | null;
  note: string | null;
}

export async function review(bytes: Uint8Array): Promise<Review> {
  const bundle = readBundle(bytes);
  const statements = oneRequest(bundle.statements.map((entry) => readStatement(entry.statement)));
  const [first] = statements;
  return {
    statements,
    challenge: await challengeOfBundle(bundle),
    policy: await policy(bundle, first),
    newPolicy: await newPolicy(bundle, first.request),
    profile: await profile(bundle, first.request),
    payload: await payload(bundle, first.request),
    note: bundle.note,
  };
}

export async function challengeOfBundle(bundle: Bundle): Promise<Bytes> {
  const signed = bundle.statements.map((entry) => statementLeaf(entry.salt, entry.statement));
  return challengeOf(await Promise.all([...signed, ...bundle.padding.map(paddingLeaf)]));
}

/**
 * INVARIANT: what is not shown for every vault is the same for all. A key that lives on several
 * vaults has a lineage on each, shares of one secret a handle as well, and clocks differ.
 */
export function oneRequest(statements: Statement[]): [Statement, ...Statement[]] {
  const [first, ...others] = statements;
  must(first !== undefined, "wrong_leaves", "the bundle holds no statement");
  const shared = withoutVault(first);
  for (const other of others) {
    must(withoutVault(other) === shared, "several_requests", "the statements are not one request");
  }
  distinct(statements.map((statement) => statement.vaultId), "same_vault", "two statements are for one vault");
  distinct(statements.map((statement) => statement.nonce), "same_nonce", "two statements have one nonce");
  const { policyVersion, request } = first;
  for (const name of ["expected_version", "policy_version"]) {
    must((request.members.get(name) ?? policyVersion) === policyVersion, "other_version", "the request is about another version of the policy");
  }
  return [first, ...others];
}

function withoutVault(statement: Statement): string {
  const members: Record<string, Canonical> = Object.fromEntries(statement.members);
  return canonicalText(map({ ...members, ...Object.fromEntries(PER_VAULT.map((name) => [name, ""])) }));
}

function distinct(values: string[], code: string, message: string): void {
  must(new Set(values).size === values.length, code, message);
}

async function policy(bundle: Bundle, statement: Statement): Promise<Policy | null> {
  if (bundle.policy === null) {
    // These are the owner's, who can read it. Without it nobody sees what comes beside what.
    must(statement.request.operation !== "update_policy", "wrong_context", "the policy that is replaced is missing");
    must(statement.request.operation !== "promote_profile", "wrong_context", "the policy that the build is let into is missing");
    return null;
  }
  const found = await readPolicy(bundle.policy);
  must(hex(found.hash) === statement.policyHash, "other_policy", "the policy in the bundle is not the one that the statements name");
  return found;
}

async function newPolicy(bundle: Bundle, request: Request): Promise<Policy | null> {
  const needed = request.operation === "update_policy";
  must((bundle.newPolicy !== null) === needed, "wrong_context", needed ? "the new policy is missing" : "a new policy that the request does not name");
  if (bundle.newPolicy === null) return null;
  const found = await readPolicy(bundle.newPolicy);
  must(hex(found.hash) === member(request, "new_policy_hash"), "other_policy", "the new policy is not the one that the statements name");
  return found;
}

async function profile(bundle: Bundle, request: Request): Promise<Profile | null> {
  const named = request.members.has("profile_digest");
  must(named || bundle.profile === null, "wrong_context", "a profile that the request does not name");
  // A proposal can be withdrawn without knowing what it was; nothing is let in by that.
  must(!named || bundle.profile !== null || request.operation === "revoke_profile", "wrong_context", "the profile is missing");
  if (bundle.profile === null) return null;
  const found = await readProfile(bundle.profile);
  must(hex(found.digest) === member(request, "profile_digest"), "other_profile", "the profile is not the one that the statements name");
  return found;
}

async function payload(bundle: Bundle, request: Request): Promise<Bytes | null> {
  if (bundle.payload === null) return null;
  must(request.members.has("payload_sha256"), "wrong_context", "a payload that the request does not name");
  must(String(bundle.payload.length) === member(request, "payload_length"), "other_payload", "the payload has another length than the statements name");
  must(hex(await sha256(bundle.payload)) === member(request, "payload_sha256"), "other_payload", "the payload is not the one that the statements name");
  return bundle.payload;
}
