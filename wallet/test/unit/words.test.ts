import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/core/bytes.js";
import { canonicalBytes } from "../../src/core/canonical.js";
import { lines } from "../../src/core/diff.js";
import { review, type Review } from "../../src/core/review.js";
import { visible, visibleLines } from "../../src/core/visible.js";
import * as words from "../../src/core/words.js";
import { ALICE, anyCredential, bundle, bytes, canonical, plainOf, policy, policyHash, profile, profileDigest, signing, sortSets } from "../fixture.js";

const CREDENTIAL = anyCredential();
/** A build that no rule names. */
const SPARE = { ...profile("44"), name: "spare" };
const POLICY = policy(CREDENTIAL, (plain) => {
  plain.principals.managers.push({ credentials: [{ oidc: { ...ALICE, subject: "carol" } }], id: "carol" });
  plain.principals.tees.push(SPARE);
  for (const level of Object.values<any>(plain.mutability)) if (level.quorum) level.quorum.threshold = "2";
});

async function updated(change: (plain: any) => void, before = POLICY): Promise<Review> {
  const plain = JSON.parse(new TextDecoder().decode(before));
  change(plain);
  sortSets(plain);
  const newPolicy = canonicalBytes(canonical(plain));
  const request = { operation: "update_policy", expected_version: "3", new_policy_hash: policyHash(newPolicy) };
  return review(bytes(bundle({ request, policy: before, newPolicy })));
}

test("every edit of a policy is shown, with the direction it has", async () => {
  const approval = (plain: any) => plain.operations[0].condition.manager_approval;
  const edits: [string, string, (plain: any) => void][] = [
    ["rule release changed", "widens", (plain) => { approval(plain).fresh_for = "301"; }],
    ["rule release changed", "narrows", (plain) => { approval(plain).fresh_for = "299"; }],
    ["rule release changed", "narrows", (plain) => { approval(plain).threshold = "2"; }],
    ["rule release changed", "widens", (plain) => { approval(plain).oidc = "allowed"; }],
    ["rule release changed", "widens", (plain) => { approval(plain).managers = ["alice", "carol"]; }],
    ["rule release changed", "changes", (plain) => { Object.assign(approval(plain), { fresh_for: "1", oidc: "allowed" }); }],
    ["rule release changed", "widens", (plain) => { plain.operations[0].condition = { all: [] }; }],
    ["rule release changed", "changes", (plain) => { plain.operations[0].condition = { not: { time_window: { from: "1", until: "none" } } }; }],
    ["rule release changed", "widens", (plain) => { plain.operations[0].operations.push("unwrap"); }],
    ["rule release changed", "changes", (plain) => { plain.operations[0].principals = ["bot"]; }],
    ["rule release removed", "narrows", (plain) => { plain.operations = []; }],
    ["rule more added", "widens", (plain) => { plain.operations.push({ condition: { all: [] }, name: "more", operations: ["mac"], principals: ["bot"] }); }],
    ["rule same added", "changes", (plain) => { plain.operations.push({ condition: { all: [] }, name: "same", operations: ["sign"], principals: ["bot"] }); }],
    ["rule late added", "narrows", (plain) => { plain.operations.push({ condition: { time_window: { from: "1", until: "none" } }, name: "late", operations: ["sign"], principals: ["bot"] }); }],
    ["rule less added", "narrows", (plain) => { plain.operations.push({ condition: { any: [] }, name: "less", operations: ["sign"], principals: ["any"] }); }],
    ["manager bob added", "widens", (plain) => { plain.principals.managers.push({ credentials: [{ oidc: ALICE }], id: "bob" }); }],
    ["manager carol removed", "narrows", (plain) => { plain.principals.managers = plain.principals.managers.filter((one: any) => one.id !== "carol"); }],
    ["caller bot changed", "changes", (plain) => { plain.principals.callers[0].oidc.subject = "else"; }],
    ["profile app changed", "changes", (plain) => { plain.principals.tees = [profile("22"), SPARE]; }],
    ["profile spare removed", "narrows", (plain) => { plain.principals.tees = [profile("11")]; }],
    ["value principals.owner.subject changed", "changes", (plain) => { plain.principals.owner.subject = "eve"; }],
    ["value usage.operations changed", "narrows", (plain) => { plain.usage.operations = ["sign"]; }],
    ["value lifecycle.deletion_window changed", "narrows", (plain) => { plain.lifecycle.deletion_window = "90000"; }],
    ["value mutability changed", "narrows", (plain) => { plain.mutability.operations = "immutable"; }],
    ["value mutability changed", "widens", (plain) => { plain.mutability.operations = "owner"; }],
  ];
  for (const [said, effect, change] of edits) {
    const [found, ...more] = words.policyDifferences(await updated(change));
    assert.ok(found && more.length === 0, said);
    assert.deepEqual([`${found.subject} ${found.name} ${found.change}`, found.effect], [said, effect]);
    assert.ok(found.lines.length > 0);
  }
});

test("a rule for any alone narrows by what it adds", async () => {
  const before = policy(CREDENTIAL, (plain) => { plain.operations.unshift({ condition: { any: [] }, name: "z", operations: ["sign"], principals: ["any"] }); });
  const effectOf = async (change: (plain: any) => void) => words.policyDifferences(await updated(change, before)).map((one) => one.effect);
  assert.deepEqual(await effectOf((plain) => { plain.operations[0].operations = ["sign", "wrap"]; }), ["narrows"]);
  assert.deepEqual(await effectOf((plain) => { plain.operations.shift(); }), ["widens"]);
});

test("an edit of every rule of a large policy is judged, each right once", async () => {
  const operations = ["sign", "sign_digest", "verify", "wrap", "unwrap", "mac", "mac_verify", "get_public_key", "reconstruct", "stage_profile"];
  const ids = Array.from({ length: 350 }, (_, at) => at.toString(36));
  const large = (from: number) => (plain: any) => {
    plain.principals.callers = ids.map((id) => ({ id, oidc: { issuer: "i", subject: id } }));
    plain.operations = Array.from({ length: 64 }, (_, rule) => ({
      condition: { time_window: { from: String(from + rule), until: "none" } }, name: `r${rule}`, operations,
      principals: [...new Set(["any", ...Array.from({ length: 60 }, (_, at) => ids[(60 * rule + at) % ids.length])])],
    }));
  };
  const found = words.policyDifferences(await updated(large(200), policy(CREDENTIAL, large(100))));
  const rules = found.filter((one) => one.subject === "rule");
  assert.equal(rules.length, 64);
  // Not all of so many pairs are compared.
  assert.ok(rules.every((one) => one.effect !== "widens"));
});

test("no leaf of a policy can change without a line that shows its new value", async () => {
  const plain = JSON.parse(new TextDecoder().decode(POLICY));
  let tried = 0;
  for (const change of leafChanges(plain)) {
    const changed = structuredClone(plain);
    change(changed);
    const after = canonical(changed);
    const found = lines(canonical(plain), after).filter((line) => line.after?.includes("surprise"));
    assert.equal(found.length, 1);
    tried += 1;
  }
  assert.ok(tried > 50, `${tried} leaves`);
});

function* leafChanges(plain: any, path: string[] = []): Generator<(root: any) => void> {
  for (const step of Object.keys(plain)) {
    const at = (root: any) => path.reduce((value, name) => value[name], root);
    if (typeof plain[step] === "string") yield (root) => { at(root)[step] = "surprise"; };
    else yield* leafChanges(plain[step], [...path, step]);
  }
}

test("texts in a list cannot be taken for two texts", () => {
  const shown = (items: string[]) => lines(["x"], items)[0]?.after;
  assert.notEqual(shown(["a, b"]), shown(["a", "b"]));
  assert.notEqual(shown(["(none)"]), shown([]));
});

test("a promotion shows what the new build differs in, and where its name stands", async () => {
  const build = canonicalBytes(canonical(profile("22")));
  const request = { operation: "promote_profile", policy_version: "3", profile_digest: profileDigest(build) };
  const view = words.profileView(await review(bytes(bundle({ request, policy: POLICY, profile: build }))));
  assert.deepEqual(view?.beside, [[{ path: "mrenclave", before: "11".repeat(32), after: "22".repeat(32) }]]);
  assert.deepEqual(view?.rules, ["release (sign, wrap)"]);
  assert.ok(view?.rows.some((row) => row.label === "mrenclave" && row.value === "22".repeat(32)));
});

test("rows show every member of the statement, unshortened", async () => {
  const requester = {
    principals: [{ certificate: { spki: "aa".repeat(32) } }, { enclave: { measurement: "bb".repeat(32), platform: "cc".repeat(32) } }, { oidc: ALICE }],
    tls_client_key: "dd".repeat(32),
  };
  const read = await review(bytes(bundle({ request: signing(utf8("m")), policy: POLICY, requester })));
  const [first] = read.statements;
  const rows = [...words.requestRows(first.request), ...words.keyRows(read), ...words.requesterRows(first)];
  const shown = Object.fromEntries(rows.map((row) => [row.field, row.value]));
  const flat = (value: any, path: string): [string, string][] =>
    typeof value === "string" ? [[path, value]] : Object.entries(value).flatMap(([name, inner]) => flat(inner, path ? `${path}.${name}` : name));
  const members = flat(plainOf(first.members), "").filter(([path]) => !/^(type|version|nonce|vault_id|not_after)$/.test(path));
  assert.deepEqual(shown, Object.fromEntries(members));
  const own = read.statements.map((one, at) => words.vaultRows(one, at).map((row) => row.value));
  assert.deepEqual(own, read.statements.map((one) => [one.vaultId, one.handle, one.lineage, one.nonce, words.moment(one.notAfter)]));
});

test("characters that do not show stand as code points", () => {
  assert.equal(visible("ann\u202eexe.\u200b\u00a0é 😀"), "ann⟨U+202E⟩exe.⟨U+200B⟩⟨U+00A0⟩é 😀");
  assert.equal(visible("a\nb"), "a⟨U+000A⟩b");
  assert.equal(visible("⟨U+202E⟩"), "⟨U+27E8⟩U+202E⟩");
  assert.equal(visibleLines("a\n\tb\u0007"), "a\n\tb⟨U+0007⟩");
});

test("what is drawn as nothing, and spaces that nobody would see, stand as code points", () => {
  for (const blank of ["\u2800", "\u3164", "\u115f", "\u1160", "\uffa0", "\u{16fe4}", "\u{13441}", "\u{13442}", "\u{1d159}", "\u3000", "\ufeff", "\u00ad", "\ufe0f"]) {
    const point = `⟨U+${(blank.codePointAt(0) ?? 0).toString(16).toUpperCase()}⟩`.replace("⟨U+AD⟩", "⟨U+00AD⟩");
    assert.equal(visible(`main${blank}`), `main${point}`);
    assert.equal(visibleLines(`main${blank}`), `main${point}`);
  }
  const space = "⟨U+0020⟩";
  assert.equal(visible("main "), `main${space}`);
  assert.equal(visible("  main"), `${space}${space}main`);
  assert.equal(visible("main  ref"), `main${space}${space}ref`);
  assert.equal(visible("main ref é"), "main ref é");
  assert.equal(visible(" "), space);
  assert.equal(visibleLines("  a  b \n\tc\t\n "), `  a  b${space}\n\tc⟨U+0009⟩\n${space}`);
});

test("a digest is told as one, and not as a message", async () => {
  const digest = new Uint8Array(32).fill(65);
  const labels = async (request: Record<string, string>) => {
    const { statements: [first] } = await review(bytes(bundle({ request, policy: POLICY, payload: digest })));
    const rows = words.requestRows(first.request).filter((row) => row.field?.includes("payload"));
    return [words.isOfADigest(first.request), ...rows.map((row) => row.label)];
  };
  const message = [false, "Length in bytes", "SHA-256 of the data"];
  const ofADigest = [true, "Length of the digest in bytes", "SHA-256 of the digest"];
  assert.deepEqual(await labels(signing(digest)), message);
  assert.deepEqual(await labels({ ...signing(digest), operation: "sign_digest" }), ofADigest);
  const check = { ...signing(digest), operation: "verify", signature_sha256: "00".repeat(32) };
  assert.deepEqual(await labels({ ...check, input: "digest" }), ofADigest);
  assert.deepEqual(await labels({ ...check, input: "message" }), message);
  assert.equal(words.hexLines(digest), "41".repeat(32));
});

test("data is shown as text only where it is text", () => {
  assert.deepEqual(words.preview(utf8("a\nb")), { kind: "text", text: "a\nb" });
  assert.deepEqual(words.preview(Uint8Array.of(0xff)), { kind: "hex", text: "ff" });
  assert.deepEqual(words.preview(utf8("\u001b[2J")), { kind: "hex", text: "1b5b324a" });
  assert.equal(words.preview(new Uint8Array(33)).text, `${"00".repeat(32)}\n00`);
});

test("times are said in UTC, and how long is left", () => {
  assert.equal(words.moment(1_900_000_000), "2030-03-17 17:46:40 UTC");
  assert.equal(words.moment(253_402_300_799), "9999-12-31 23:59:59 UTC");
  assert.equal(words.moment(253_402_300_800), "second 253402300800");
  assert.equal(words.moment(Number.MAX_SAFE_INTEGER), `second ${Number.MAX_SAFE_INTEGER}`);
  assert.deepEqual([0, 1, 119, 120, 7199, 7200].map((left) => words.remaining(left, 0)), ["expired", "1 s left", "119 s left", "2 minutes left", "119 minutes left", "2 hours left"]);
});

test("runtime measurements are told by their register, and a register that comes or goes is a line", () => {
  const build = (rtmrs: Record<string, string>): any => {
    const listed = Object.entries(rtmrs).map(([index, value]) => ({ index, value }));
    return canonical({ mrtd: "44".repeat(48), rtmrs: listed });
  };
  const [a, b, c] = ["aa", "bb", "cc"].map((byte) => byte.repeat(48)) as [string, string, string];
  assert.deepEqual(lines(build({ 1: a, 2: b }), build({ 1: a, 2: c, 3: b })), [
    { path: "rtmrs.RTMR2", before: b, after: c },
    { path: "rtmrs.RTMR3", before: null, after: b },
  ]);
  assert.deepEqual(lines(build({}), build({ 0: a })), [
    { path: "rtmrs", before: "(none)", after: null },
    { path: "rtmrs.RTMR0", before: null, after: a },
  ]);
});
