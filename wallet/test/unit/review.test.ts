import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, utf8 } from "../../src/core/bytes.js";
import { canonicalBytes } from "../../src/core/canonical.js";
import { review } from "../../src/core/review.js";
import { REQUESTS } from "../../src/core/request.js";
import * as fixture from "../fixture.js";
import { anyCredential, bundle, bundleOf, bytes, canonical, challengeOf, encode, policy, profile, signing, statement } from "../fixture.js";

const PAYLOAD = utf8("release 1.2.3");
const POLICY = policy(anyCredential());
const OPTIONS = { request: signing(PAYLOAD), policy: POLICY, payload: PAYLOAD };

test("a bundle that holds together is read, with the challenge that others compute", async () => {
  for (const vaults of [1, 2, 3, 15, 16]) {
    const statements = Array.from({ length: vaults }, (_, at) => ({ ...statement(OPTIONS, 0), vault_id: hex(new Uint8Array(32).fill(at)) }));
    const plain = bundleOf(statements.map((one) => ({ ...one, not_after: statements[0].not_after })), OPTIONS);
    const found = await review(bytes(plain));
    assert.equal(found.statements.length, vaults);
    assert.deepEqual(found.challenge, challengeOf(plain));
    assert.deepEqual(found.payload, PAYLOAD);
  }
});

test("a statement hidden among the padding is not covered by the challenge", async () => {
  const plain = bundle(OPTIONS);
  const evil = canonicalBytes(canonical({ ...statement(OPTIONS, 4), handle: "k-" + "b".repeat(25) + "a" }));
  const leaf = fixture.sha256(Uint8Array.of(0), new Uint8Array(32), evil);
  plain.padding[0] = hex(leaf);
  const { challenge } = await review(bytes(plain));
  const shown = plain.statements.map((entry: any) =>
    fixture.sha256(Uint8Array.of(0), Buffer.from(entry.salt, "hex"), Buffer.from(entry.statement, "base64url")));
  const padding = plain.padding.map((filler: string) => fixture.sha256(Uint8Array.of(2), Buffer.from(filler, "hex")));
  assert.notDeepEqual(challenge, rootOf([...shown, leaf, ...padding.slice(1)]));
  assert.deepEqual(challenge, rootOf([...shown, ...padding]));
});

function rootOf(leaves: Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) level = level.filter((_, at) => at % 2 === 0).map((left, at) => fixture.sha256(Uint8Array.of(1), left, level[2 * at + 1] as Uint8Array));
  return fixture.domain("enclave-vaults/approval/v1", level[0] as Uint8Array);
}

test("statements that are not one request are refused, whatever differs", async () => {
  const others: Record<string, unknown> = {
    constellation: "none", policy_hash: "00".repeat(32), policy_version: "4", request: signing(utf8("other")), requester: { principals: [{ oidc: fixture.ALICE }], tls_client_key: "none" },
  };
  for (const [name, other] of Object.entries(others)) {
    const statements = [statement(OPTIONS, 0), statement(OPTIONS, 1), statement(OPTIONS, 2)].map((one) => ({ ...one, not_after: "1900000000" }));
    await review(bytes(bundleOf(statements, OPTIONS)));
    statements[1][name] = other;
    await assert.rejects(review(bytes(bundleOf(statements, OPTIONS))), { code: "several_requests" }, name);
  }
});

test("two statements of one vault are refused, and vaults may have keys and clocks of their own", async () => {
  const statements = [statement(OPTIONS, 0), statement(OPTIONS, 1)];
  Object.assign(statements[1], { handle: "k-" + "b".repeat(25) + "a", lineage: "00".repeat(32), not_after: "1900000001" });
  assert.equal((await review(bytes(bundleOf(statements, OPTIONS)))).statements.length, 2);
  for (const [name, code] of [["vault_id", "same_vault"], ["nonce", "same_nonce"]] as const) {
    const alike = [statements[0], { ...statements[1], [name]: statements[0][name] }];
    await assert.rejects(review(bytes(bundleOf(alike, OPTIONS))), { code });
  }
});

test("a policy that the requester cannot read may be left out, but not where it is replaced or a build is let in", async () => {
  assert.equal((await review(bytes(bundle({ ...OPTIONS, withoutPolicy: true })))).policy, null);
  const request = { operation: "update_policy", expected_version: "3", new_policy_hash: fixture.policyHash(POLICY) };
  const update = bundle({ request, policy: POLICY, newPolicy: POLICY, withoutPolicy: true });
  await assert.rejects(review(bytes(update)), { code: "wrong_context" });
  const build = canonicalBytes(canonical(profile("22")));
  const about = { policy_version: "3", profile_digest: fixture.profileDigest(build) };
  const shown = (operation: string) => review(bytes(bundle({ request: { operation, ...about }, policy: POLICY, profile: build, withoutPolicy: true })));
  assert.equal((await shown("stage_profile")).policy, null);
  await assert.rejects(shown("promote_profile"), { code: "wrong_context" });
});

test("every member of a statement must be there, known, and of its form", async () => {
  let tried = 0;
  const refused = async (change: (plain: any) => void) => {
    const statements = [statement(OPTIONS, 0)];
    change(statements[0]);
    await assert.rejects(review(bytes(bundleOf(statements, OPTIONS))), { name: "Refused" });
    tried += 1;
  };
  const good = statement(OPTIONS, 0);
  for (const name of Object.keys(good)) {
    await refused((plain) => { delete plain[name]; });
    for (const wrong of ["", "x", ["a"], { a: "b" }]) await refused((plain) => { plain[name] = wrong; });
  }
  for (const name of Object.keys(good.request)) {
    await refused((plain) => { delete plain.request[name]; });
    await refused((plain) => { plain.request[name] = "surprise"; });
  }
  await refused((plain) => { plain.surprise = "x"; });
  await refused((plain) => { plain.request = { ...plain.request, surprise: "x" }; });
  await refused((plain) => { plain.requester = { ...plain.requester, surprise: "x" }; });
  for (const wrong of [[{ oidc: fixture.BOT }, { certificate: { spki: "aa".repeat(32) } }], [{ robot: {} }], [{ oidc: { issuer: "a" } }]]) {
    await refused((plain) => { plain.requester = { principals: wrong, tls_client_key: "none" }; });
  }
  for (const wrong of ["01", "-1", "1.0", "1e3", " 1", "18446744073709551616"]) await refused((plain) => { plain.policy_version = wrong; });
  assert.ok(tried > 80, `${tried} tried`);
});

test("what the statements name must be in the bundle, and nothing else", async () => {
  const refused = (code: string, change: (plain: any) => void, options: fixture.Options = OPTIONS) => {
    const plain = bundle(options);
    change(plain);
    return assert.rejects(review(bytes(plain)), { code });
  };
  const other = policy(anyCredential());
  await refused("other_policy", (plain) => { plain.context.policy = Buffer.from(other).toString("base64url"); });
  await refused("other_payload", (plain) => { plain.context.payload = "AA"; });
  await refused("other_payload", (plain) => { plain.context.payload = Buffer.from("release 1.2.4").toString("base64url"); });
  await refused("wrong_context", (plain) => { plain.context.new_policy = plain.context.policy; });
  await refused("wrong_context", (plain) => { plain.context.profile = encode(profile("22")); });
  await refused("unknown_member", (plain) => { plain.context.surprise = "x"; });
  await refused("unknown_member", (plain) => { plain.surprise = "x"; });
  await refused("unknown_version", (plain) => { plain.format = "enclave-vaults/approval-bundle/v2"; });
  await refused("wrong_leaves", (plain) => { plain.padding.pop(); });
  await refused("wrong_leaves", (plain) => { plain.padding.push("00".repeat(32)); });
  await refused("wrong_hash", (plain) => { plain.padding[0] = "00"; });
  await refused("wrong_hash", (plain) => { plain.statements[0].salt = "00"; });
  const update = { request: { operation: "update_policy", expected_version: "3", new_policy_hash: fixture.policyHash(other) }, policy: POLICY };
  await review(bytes(bundle({ ...update, newPolicy: other })));
  await refused("wrong_context", () => {}, update);
  await refused("other_policy", () => {}, { ...update, newPolicy: POLICY });
  await refused("other_version", () => {}, { ...update, newPolicy: other, request: { ...update.request, expected_version: "2" } });
  const build = canonicalBytes(canonical(profile("22")));
  const promote = { request: { operation: "promote_profile", policy_version: "3", profile_digest: fixture.profileDigest(build) }, policy: POLICY };
  await review(bytes(bundle({ ...promote, profile: build })));
  await refused("wrong_context", () => {}, promote);
  await review(bytes(bundle({ request: { operation: "revoke_profile", profile_digest: fixture.profileDigest(build) }, policy: POLICY })));
  await refused("other_profile", () => {}, { ...promote, profile: canonicalBytes(canonical(profile("33"))) });
});

test("every operation has its members and no others", async () => {
  const values = { count: "3", version: "4294967295", hash: "00".repeat(32), format: "p1363", input: "digest" };
  for (const [operation, kinds] of Object.entries(REQUESTS)) {
    const members = Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, values[kind as keyof typeof values]]));
    const options: fixture.Options = { request: { operation, ...members }, policy: POLICY };
    if ("new_policy_hash" in kinds) Object.assign(options, { newPolicy: POLICY, request: { ...options.request, new_policy_hash: fixture.policyHash(POLICY) } });
    if ("profile_digest" in kinds) {
      const build = canonicalBytes(canonical(profile("22")));
      Object.assign(options, { profile: build, request: { ...options.request, profile_digest: fixture.profileDigest(build) } });
    }
    await review(bytes(bundle(options)));
    await assert.rejects(review(bytes(bundle({ ...options, request: { ...options.request, aad: "" } }))), { code: "unknown_member" });
  }
});

test("a bundle of more than 512 KiB, and one that is not strict JSON, are refused", async () => {
  const plain = bundle({ ...OPTIONS, note: "x".repeat(512 * 1024) });
  await assert.rejects(review(bytes(plain)), { code: "json" });
  const text = JSON.stringify(bundle(OPTIONS));
  await assert.rejects(review(utf8(text.replace("{", '{"format":"x",'))), { code: "json" });
  await assert.rejects(review(utf8("")), { code: "json" });
});

test("a refusal is a sentence, whatever it quotes", async () => {
  const plain = { ...bundle(OPTIONS), ["x".repeat(100_000)]: "" };
  await assert.rejects(review(bytes(plain)), (error: Error) => error.message.length <= 401);
});
