/**
 * Bundles, and the statements, policies and profiles in them, as a manager is shown them. What has no bundle around it
 * gets one, so that it reaches the page: a statement as it is, a policy (or two, a line each) as an update, a profile as
 * a promotion.
 */
import assert from "node:assert/strict";
import { base64url, fromUtf8, hex, utf8, type Bytes } from "../../src/core/bytes.js";
import { canonicalBytes, canonicalText, fromJson, readCanonical } from "../../src/core/canonical.js";
import { JsonNumber, parseJson, type Json } from "../../src/core/json.js";
import { readPolicy, type Policy } from "../../src/core/policy.js";
import { readProfile } from "../../src/core/profile.js";
import { readRequest } from "../../src/core/request.js";
import { review, type Review } from "../../src/core/review.js";
import { readStatement } from "../../src/core/statement.js";
import { requestPage } from "../../src/ui/request.js";
import { keepPasskeys } from "../../src/ui/store.js";
import { bundleOf, canonical, challengeOf, policy, policyHash, profileDigest, statement } from "../fixture.js";
import { tried } from "../verdicts.js";
import { checkPage, checkPrototypes, ORIGIN, outside, shown, unvisible, type Shown } from "./page.js";

/** Beside its own. */
export const seeds = ["json", "policy", "statement", "bundle"];

const LIMITS = { bytes: 1 << 16, depth: 16, nodes: 4096 };
const ID = "a".repeat(26);
const CREDENTIAL = { algorithm: "es256" as const, id: new Uint8Array(16).fill(9), origins: [ORIGIN], publicKey: new Uint8Array(65).fill(4), rpId: "localhost" };
const POLICY = policy(CREDENTIAL);
/** Nothing that is made here lapses while it is looked at. */
const LATER = 4_102_444_800;

export async function run(data: Bytes): Promise<void> {
  outside.kept.clear();
  keepPasskeys([{ label: "alice", credential: CREDENTIAL }]);
  await oneSpelling(data);
  for (const role of [whole, asStatement, asPolicies, asProfile]) if (await role(data)) break;
  checkPrototypes();
}

/** A second reader of JSON takes whatever is taken, and finds the same there. */
async function oneSpelling(data: Bytes): Promise<void> {
  const found = await tried(() => ({ json: parseJson(data, LIMITS) }));
  if (found === null) return assert.equal(await tried(() => readCanonical(data, LIMITS)), null);
  assert.deepEqual(plain(found.json), JSON.parse(fromUtf8(data) ?? ""));
  const value = await tried(() => fromJson(found.json));
  if (value === null) return;
  const bytes = canonicalBytes(value);
  assert.deepEqual(readCanonical(bytes, { ...LIMITS, bytes: 1 << 20 }), value);
  assert.equal((await tried(() => readCanonical(data, LIMITS))) !== null, hex(bytes) === hex(data));
}

function plain(json: Json): unknown {
  if (json instanceof JsonNumber) return JSON.parse(json.text);
  if (Array.isArray(json)) return json.map(plain);
  return json instanceof Map ? Object.fromEntries([...json].map(([name, value]) => [name, plain(value)])) : json;
}

async function whole(data: Bytes): Promise<boolean> {
  const found = await tried(() => review(data));
  const texts = await page(data);
  if (found === null) checkPage(texts, 4096);
  else await told(data, found, texts);
  return found !== null;
}

/** The page of a request, as it is drawn. */
async function page(bundle: Bytes): Promise<Shown[]> {
  outside.body = bundle;
  const texts = shown(await requestPage(ID));
  assert.ok(!texts.some(({ text }) => text.includes("went wrong in the wallet itself")), "not a refusal");
  return texts;
}

async function told(data: Bytes, found: Review, texts: Shown[]): Promise<void> {
  const sent = JSON.parse(fromUtf8(data) ?? "");
  checkPage(texts, 16 * 1024 + 32 * data.length);
  assert.deepEqual(found.challenge, challengeOf(sent));
  assert.ok(texts.some(({ text }) => text === hex(found.challenge)), "the challenge is not shown");
  found.statements.forEach((one, at) => {
    assert.equal(base64url(one.bytes), sent.statements[at].statement);
    assert.equal(fromRows(texts, at), fromUtf8(one.bytes), "the rows say something else");
  });
  for (const name of ["policy", "new_policy", "profile", "payload"]) {
    if (sent.context[name]) await changed(sent, name);
  }
  counted(found, texts);
  if (found.policy && found.newPolicy) everyText(texts, found.policy.bytes, found.newPolicy.bytes);
  if (found.profile) everyText(texts, new Uint8Array(), found.profile.bytes);
}

/** A button is for somebody whom the policy names by this browser's passkey, and not for who asks. */
function counted({ policy, statements: [first] }: Review, texts: Shown[]): void {
  const buttons = texts.filter(({ tag, text }) => tag === "button" && text.startsWith("Approve"));
  if (policy === null || buttons.length === 0) return;
  const own = policy.approvers.filter(({ fido2 }) => fido2.some((one) => hex(one.id) === hex(CREDENTIAL.id) && hex(one.publicKey) === hex(CREDENTIAL.publicKey)));
  const asks = ({ oidc }: Policy["approvers"][number]) => oidc.some((subject) => first.principals.some((one) => one.kind === "oidc" && one.subject === subject.subject && one.issuer === subject.issuer));
  assert.ok(buttons.length <= own.filter((one) => !asks(one)).length, "a button for nobody");
}

/** The statement of one vault, written from the rows that are shown. */
function fromRows(texts: Shown[], vault: number): string {
  const said: any = { type: "enclave-vaults/approval-statement", version: "1" };
  const own = `vaults.${vault}.`;
  for (const { tag, text, field } of texts) {
    if (field === undefined || tag === "dt" || (field.startsWith("vaults.") && !field.startsWith(own))) continue;
    const steps = field.replace(own, "").split(".");
    const value = steps[0] === "not_after" ? seconds(text) : unvisible(text);
    put(said, steps, value);
  }
  said.requester.principals = Object.values(said.requester.principals);
  return canonicalText(canonical(said));
}

function put(holder: any, [first = "", ...more]: string[], value: string): void {
  if (more.length === 0) holder[first] = value;
  else put((holder[first] ??= {}), more, value);
}

function seconds(text: string): string {
  const second = /^second (\d+)$/.exec(text);
  return second?.[1] ?? String(Date.parse(text.replace(" UTC", "Z").replace(" ", "T")) / 1000);
}

/** What came along under another hash is refused. */
async function changed(sent: any, name: string): Promise<void> {
  const bytes = Buffer.from(sent.context[name], "base64url");
  if (bytes.length === 0) return;
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  const other = { ...sent, context: { ...sent.context, [name]: bytes.toString("base64url") } };
  assert.equal(await tried(() => review(utf8(JSON.stringify(other)))), null, `another ${name} is shown`);
}

/** No text that only one of the two has is left out. */
function everyText(texts: Shown[], before: Bytes, after: Bytes): void {
  const [old, now] = [leaves(before), leaves(after)];
  const all = texts.map(({ text }) => unvisible(text)).join("\n");
  const differing = [...now].filter((one) => !old.has(one)).concat([...old].filter((one) => before.length > 0 && !now.has(one)));
  for (const one of differing) assert.ok(all.includes(one) || all.includes(canonicalText(one)), `left out: ${JSON.stringify(one)}`);
  if (before.length > 0 && hex(before) !== hex(after)) assert.ok(texts.some(({ tag }) => tag === "ins" || tag === "bdi"), "no difference is shown");
}

function leaves(bytes: Bytes): Set<string> {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value === "string") found.add(value);
    else for (const inner of Object.values(value ?? {})) walk(inner);
  };
  walk(bytes.length === 0 ? null : JSON.parse(fromUtf8(bytes) ?? ""));
  return found;
}

async function asStatement(data: Bytes): Promise<boolean> {
  const request = await tried(() => readRequest(readCanonical(data, LIMITS)));
  const text = request === null ? data : canonicalBytes(canonical({ ...statementOf({}), request: JSON.parse(fromUtf8(data) ?? "") }));
  const found = await tried(() => readStatement(text));
  if (found === null) return false;
  assert.equal(canonicalText(found.members), fromUtf8(text));
  const second = JSON.parse(fromUtf8(text) ?? "");
  const other = { ...second, vault_id: "ee".repeat(32), nonce: "ef".repeat(32), not_after: String(LATER) };
  await page(bundle([second, other], {}));
  const alone = bundle([second], {});
  const one = await tried(() => review(alone));
  if (one !== null) await told(alone, one, await page(alone));
  return true;
}

async function asPolicies(data: Bytes): Promise<boolean> {
  const parts = (fromUtf8(data) ?? "").split("\n").map(utf8);
  const found = await Promise.all(parts.slice(0, 2).map((part) => tried(() => readPolicy(part))));
  const [first, second] = found.filter((one) => one !== null);
  if (first === undefined) return false;
  const [old, now] = second === undefined ? [await readPolicy(POLICY), first] : [first, second];
  for (const [from, to] of [[old, now], [now, old]] as const) {
    const request = { operation: "update_policy", expected_version: "3", new_policy_hash: policyHash(to.bytes) };
    const sent = bundle([statementOf({ request, policy_hash: policyHash(from.bytes) })], { policy: from.bytes, newPolicy: to.bytes });
    await told(sent, await review(sent), await page(sent));
  }
  return true;
}

async function asProfile(data: Bytes): Promise<boolean> {
  if ((await tried(() => readProfile(data))) === null) return false;
  const request = { operation: "promote_profile", policy_version: "3", profile_digest: profileDigest(data) };
  const sent = bundle([statementOf({ request })], { policy: POLICY, profile: data });
  await told(sent, await review(sent), await page(sent));
  return true;
}

function statementOf(members: object): any {
  const request = { operation: "get_public_key", key_version: "1" };
  return { ...statement({ request, policy: POLICY, notAfter: LATER }, 0), nonce: "0e".repeat(32), ...members };
}

function bundle(statements: any[], came: { policy?: Bytes; newPolicy?: Bytes; profile?: Bytes }): Bytes {
  const options = { request: {}, ...came, policy: came.policy ?? POLICY, withoutPolicy: came.policy === undefined };
  const made = bundleOf(statements, options);
  made.statements.forEach((entry: any, at: number) => { entry.salt = hex(new Uint8Array(32).fill(at)); });
  return utf8(JSON.stringify({ ...made, padding: made.padding.map(() => "0a".repeat(32)) }));
}

