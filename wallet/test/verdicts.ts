/** What the wallet makes of an input, in the words of `crates/vault-fuzz/src/bin/vault-verdicts.rs`. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { approval, refusal } from "../src/core/answer.js";
import { checkAssertion, type Assertion } from "../src/core/assertion.js";
import { base64url, compare, concat, hex, unbase64url, unhex, utf8, type Bytes } from "../src/core/bytes.js";
import { readBundle, type Bundle } from "../src/core/bundle.js";
import { canonicalBytes, canonicalText, fromJson, readCanonical, type Canonical } from "../src/core/canonical.js";
import type { Credential } from "../src/core/credential.js";
import { diff } from "../src/core/diff.js";
import { effects } from "../src/core/effect.js";
import { JsonNumber, parseJson, type Json } from "../src/core/json.js";
import { readPolicy, type Policy } from "../src/core/policy.js";
import { readProfile } from "../src/core/profile.js";
import { Refused } from "../src/core/refused.js";
import { readRequest } from "../src/core/request.js";
import { challengeOfBundle, oneRequest, review } from "../src/core/review.js";
import { readStatement } from "../src/core/statement.js";
import { readWaiting } from "../src/ui/relay.js";
import { field } from "./fields.js";
import { sha256 } from "./fixture.js";

const LIMITS = { bytes: 1 << 16, depth: 16, nodes: 4096 };
const REQUEST = { bytes: 1024, depth: 1, nodes: 16 };

export const VERDICTS: Record<string, (data: Bytes) => Promise<string> | string> = {
  json, policy, statement, bundle, answer, assertion, relay: mailbox,
};

/** `null` for what is refused; everything but a refusal goes on. */
export async function tried<T>(read: () => T | Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

async function json(data: Bytes): Promise<string> {
  const found = await tried(() => ({ json: parseJson(data, LIMITS) }));
  if (found === null) return "refused";
  const kind = (await tried(() => readCanonical(data, LIMITS))) === null ? "json" : "canonical";
  return `${kind} ${hex(sha256(utf8(rendered(found.json))))}`;
}

function rendered(json: Json): string {
  if (json === null || typeof json === "boolean") return String(json);
  if (typeof json === "string") return canonicalText(json);
  if (json instanceof JsonNumber) return `#${json.text}`;
  if (Array.isArray(json)) return `[${json.map(rendered).join("")}]`;
  const members = [...json].sort(([a], [b]) => compare(utf8(a), utf8(b)));
  return `{${members.map(([name, value]) => `${canonicalText(name)}${rendered(value)}`).join("")}}`;
}

async function policy(data: Bytes): Promise<string> {
  const found = await tried(() => readPolicy(data));
  if (found !== null) return `policy ${hex(found.hash)} ${people(found)}`;
  const profile = await tried(() => readProfile(data));
  return profile === null ? "refused" : `profile ${hex(profile.digest)}`;
}

function people({ approvers }: Policy): string {
  const said: Canonical = approvers.map(({ person, isOwner, fido2, oidc }) => {
    const passkeys = fido2.map(passkey);
    if (isOwner) return passkeys;
    return [[person], sorted([...passkeys, ...oidc.map(({ issuer, subject }) => [issuer, subject])])];
  });
  return hex(sha256(canonicalBytes(said)));
}

/** The reader says origins in the order of their canonical texts; the other side by their bytes. */
function passkey({ algorithm, id, publicKey, rpId, origins }: Credential): Canonical[] {
  const byBytes = [...origins].sort((a, b) => compare(utf8(a), utf8(b)));
  return [algorithm, base64url(id), base64url(publicKey), rpId, ...byBytes];
}

function sorted(items: Canonical[]): Canonical[] {
  return items.sort((a, b) => compare(canonicalBytes(a), canonicalBytes(b)));
}

async function statement(data: Bytes): Promise<string> {
  const request = await tried(() => readRequest(readCanonical(data, REQUEST)));
  if (request !== null) return `request ${request.operation}`;
  const it = await tried(() => readStatement(data));
  return it === null ? "refused" : `statement ${it.request.operation} ${it.handle} ${it.vaultId} ${it.policyVersion} ${it.notAfter}`;
}

async function bundle(data: Bytes): Promise<string> {
  const read = await tried(() => {
    const found = readBundle(data);
    return { found, statements: found.statements.map((entry) => readStatement(entry.statement)) };
  });
  if (read === null) return "refused";
  try {
    oneRequest(read.statements);
  } catch (error) {
    if (error instanceof Refused && error.code === "several_requests") return "several";
    if (error instanceof Refused && error.code === "other_version") return `not shown ${await challenge(read.found)}`;
    if (error instanceof Refused) return "refused";
    throw error;
  }
  const shown = (await tried(() => review(data))) !== null;
  return `${shown ? "shown" : "not shown"} ${await challenge(read.found)}`;
}

async function challenge(found: Bundle): Promise<string> {
  return hex(await challengeOfBundle(found));
}

/** The wallet writes answers and reads none: it is given what stands in one. */
async function answer(data: Bytes): Promise<string> {
  const members = await tried(() => fromJson(parseJson(data, { bytes: 1 << 16, depth: 4, nodes: 128 })));
  const text = (name: string) => (members instanceof Map ? members.get(name) : undefined);
  const bytes = (name: string) => { const found = text(name); return typeof found === "string" ? unbase64url(found) : null; };
  const digest = text("challenge");
  const challenge = typeof digest === "string" ? unhex(digest, 32) : null;
  if (!(members instanceof Map) || text("format") !== "enclave-vaults/approval-answer/v1" || challenge === null) return "refused";
  const written = (kind: string, said: string) => `${kind} ${hex(sha256(utf8(said)))}`;
  if (text("decision") === "refuse") return members.size === 3 ? written("refuse", refusal(challenge)) : "refused";
  if (text("decision") !== "approve" || members.size !== 7) return "refused";
  const [credentialId, authenticatorData, clientData, signature] = ["credential_id", "authenticator_data", "client_data_json", "signature"].map(bytes);
  if (!credentialId || !authenticatorData || !clientData || !signature) return "refused";
  return written("approve", approval({ credentialId, authenticatorData, clientData, signature }, challenge));
}

/** The key of the fuzz target `assertion`: Ed25519, of a seed of threes. */
const KEY = createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 3)]), format: "der", type: "pkcs8" });
export const CHALLENGE = new Uint8Array(32).fill(0x42);
export const CREDENTIAL: Credential = {
  algorithm: "eddsa",
  id: new Uint8Array(16).fill(1),
  origins: ["http://localhost:8443"],
  publicKey: new Uint8Array(createPublicKey(KEY).export({ format: "der", type: "spki" }).subarray(-32)),
  rpId: "localhost",
};

/** Length of the client data, client data, authenticator data; `null` if it is too short to be that. */
export function parts(data: Bytes): { clientData: Bytes; authenticatorData: Bytes } | null {
  if (data.length < 2) return null;
  const length = (data[0] ?? 0) * 256 + (data[1] ?? 0);
  return { clientData: data.slice(2, 2 + length), authenticatorData: data.slice(2 + length) };
}

export function signed({ clientData, authenticatorData }: { clientData: Bytes; authenticatorData: Bytes }): Assertion {
  const signature = new Uint8Array(sign(null, concat(authenticatorData, sha256(clientData)), KEY));
  return { credentialId: CREDENTIAL.id, authenticatorData, clientData, signature };
}

/** The wallet's codes, where they are not those of vaults. */
const CODES: Record<string, string> = {
  other_credential: "unknown_credential", rp_id: "relying_party", user_present: "user_presence", user_verified: "user_verification",
};

async function assertion(data: Bytes): Promise<string> {
  const found = parts(data);
  if (found === null) return "too short";
  try {
    await checkAssertion(signed(found), CREDENTIAL, CHALLENGE);
    return "accepted";
  } catch (error) {
    if (error instanceof Refused) return `approval_${CODES[error.code] ?? error.code}`;
    throw error;
  }
}

async function mailbox(data: Bytes): Promise<string> {
  const [mode, status] = data;
  if (mode === undefined || mode % 6 !== 5 || status !== 0) return "no mailbox";
  const found = await tried(() => readWaiting(data.slice(2)));
  return found === null ? "refused" : `waiting${found.map((one) => ` ${one.id}@${one.expiresAt}`).join("")}`;
}

/** What an edit comes to: by field, in which directions. */
export async function change(before: Bytes, after: Bytes): Promise<string[]> {
  const [old, now] = [await readPolicy(before), await readPolicy(after)];
  const effect = effects(old.members, now.members);
  return diff(old.members, now.members).map((one) => `${field(one)}:${effect(one)}`);
}
