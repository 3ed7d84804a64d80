import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, verify } from "node:crypto";
import { after, before, test } from "node:test";
import { base64url, concat, hex, utf8 } from "../../src/core/bytes.js";
import { canonicalBytes } from "../../src/core/canonical.js";
import type { Credential } from "../../src/core/credential.js";
import { moment } from "../../src/core/words.js";
import * as fixture from "../fixture.js";
import { bundle, bundleOf, canonical, challengeOf, policy, policyHash, profile, sha256, signing, statement } from "../fixture.js";
import { Manager, world, type World } from "./harness.js";

const PAYLOAD = utf8("release 1.2.3\nsha256 of the artefact: 9f86d0…");
let here: World;

before(async () => { here = await world(); }, { timeout: 180_000 });
after(() => here.stop());

const options = (manager: Manager, more: Partial<fixture.Options> = {}): fixture.Options => ({
  request: signing(PAYLOAD), policy: policy(manager.credential), payload: PAYLOAD, note: "Release of this week", ...more,
});

/** The answer as a vault verifies it, by node's own cryptography. */
function verified(answer: any, plain: any, credential: Credential, origin: string): void {
  const challenge = challengeOf(plain);
  assert.deepEqual([answer.decision, answer.challenge, answer.credential_id], ["approve", hex(challenge), base64url(credential.id)]);
  const [client, data, signature] = [answer.client_data_json, answer.authenticator_data, answer.signature].map((text: string) => new Uint8Array(Buffer.from(text, "base64url")));
  assert.ok(client && data && signature);
  const said = JSON.parse(Buffer.from(client).toString());
  assert.deepEqual([said.type, said.challenge, said.origin, said.crossOrigin], ["webauthn.get", base64url(challenge), origin, false]);
  assert.deepEqual(data.slice(0, 32), sha256(utf8("localhost")));
  assert.equal((data[32] ?? 0) & 0x05, 0x05, "user present and verified");
  const [x, y] = [credential.publicKey.slice(1, 33), credential.publicKey.slice(33)].map(base64url);
  const key = createPublicKey({ key: { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }, format: "jwk" });
  assert.ok(verify("sha256", concat(data, sha256(client)), key, signature));
}

test("a passkey is registered, and what is shown is its principal", async () => {
  const manager = await Manager.register(here);
  const { credentials } = await manager.cdp.send("WebAuthn.getCredentials", { authenticatorId: manager.authenticator });
  const [own] = credentials;
  assert.ok(own);
  const key = createPublicKey(createPrivateKey({ key: Buffer.from(own.privateKey, "base64"), format: "der", type: "pkcs8" })).export({ format: "jwk" });
  assert.deepEqual(manager.credential, {
    algorithm: "es256", id: new Uint8Array(Buffer.from(own.credentialId, "base64")), origins: [here.origin], rpId: "localhost",
    publicKey: concat(Uint8Array.of(4), Buffer.from(key.x ?? "", "base64url"), Buffer.from(key.y ?? "", "base64url")),
  });
  const yaml = (await manager.page.locator("[data-principal=yaml]").textContent()) ?? "";
  assert.ok(yaml.includes(base64url(manager.credential.publicKey)) && yaml.startsWith('- id: "alice"'));
  await manager.page.reload();
  await manager.drawn();
  assert.equal(await manager.page.locator("[data-principal=json]").count(), 1, "it is still there after a reload");
  assert.ok(await manager.page.getByText("SIMULATED").isVisible());
  await manager.close();
});

test("what is on the screen is the decoded statement that is signed, and the answer verifies", async () => {
  const manager = await Manager.register(here);
  const plain = bundle(options(manager));
  const id = await manager.receive(plain);
  await manager.go("/");
  await manager.page.getByRole("link", { name: "Sign a message" }).click();
  await manager.page.getByRole("heading", { level: 1, name: "Sign a message" }).waitFor();
  const statements = plain.statements.map((entry: any) => Buffer.from(entry.statement, "base64url").toString());
  assert.deepEqual(await manager.page.locator("[data-statement]").allTextContents(), statements);
  assert.deepEqual(await fields(manager), expected(statements.map((text: string) => JSON.parse(text))));
  assert.equal(await manager.page.locator("[data-allowance]").textContent(), "This allows 3 executions, one on each of these vaults:");
  assert.equal(await manager.page.locator("[data-preview=text]").textContent(), Buffer.from(PAYLOAD).toString());
  assert.equal(await manager.page.locator("[data-note]").textContent(), "Release of this week");
  await manager.approve.click();
  await manager.page.getByText("You approved this request").waitFor();
  const [answer, ...more] = await manager.answers(id);
  assert.equal(more.length, 0);
  verified(answer, plain, manager.credential, here.origin);
  assert.equal(await manager.approve.count(), 0, "a decision is made once");
  await manager.go("/#/history");
  assert.ok(await manager.page.getByText("approved", { exact: true }).isVisible());
  await manager.close();
});

/** Every member of the statement that the page shows, by its name. */
async function fields(manager: Manager): Promise<Record<string, string>> {
  const found = await manager.page.locator("[data-field]").evaluateAll((elements) =>
    elements.map((element) => [element.getAttribute("data-field") ?? "", element.textContent ?? ""]));
  return Object.fromEntries(found);
}

/** Every member of the statements, by the same names. */
function expected(statements: any[]): Record<string, string> {
  const flat = (value: any, path: string): [string, string][] =>
    typeof value === "string" ? [[path, value]] : Object.entries(value).flatMap(([name, inner]) => flat(inner, path ? `${path}.${name}` : name));
  const differs = ["handle", "lineage"].filter((name) => statements.some((one) => one[name] !== statements[0][name]));
  const left = ["type", "version", "vault_id", "nonce", "not_after", ...differs];
  const shared = flat(statements[0], "").filter(([path]) => !left.includes(path));
  const own = statements.flatMap((one, at) => ["vault_id", "handle", "lineage", "nonce", "not_after"].map((name) =>
    [`vaults.${at}.${name}`, name === "not_after" ? moment(Number(one[name])) : one[name]]));
  return Object.fromEntries([...shared, ...own]);
}

test("a request is refused with one press, and nothing is signed", async () => {
  const manager = await Manager.register(here);
  const plain = bundle(options(manager));
  const id = await manager.receive(plain);
  await manager.open(id);
  await manager.page.getByRole("button", { name: "Refuse" }).click();
  await manager.page.getByText("You refused this request").waitFor();
  assert.deepEqual(await manager.answers(id), [{ format: "enclave-vaults/approval-answer/v1", decision: "refuse", challenge: hex(challengeOf(plain)) }]);
  await manager.close();
});

test("without user verification there is no approval", async () => {
  const manager = await Manager.register(here);
  const id = await manager.receive(bundle(options(manager)));
  await manager.cdp.send("WebAuthn.setUserVerified", { authenticatorId: manager.authenticator, isUserVerified: false });
  await manager.open(id);
  await manager.approve.click();
  await manager.page.locator("[data-code=ceremony]").waitFor();
  assert.deepEqual(await manager.answers(id), []);
  await manager.cdp.send("WebAuthn.setUserVerified", { authenticatorId: manager.authenticator, isUserVerified: true });
  await manager.approve.click();
  await manager.page.getByText("You approved this request").waitFor();
  assert.equal((await manager.answers(id)).length, 1);
  await manager.close();
});

test("whatever a relay alters is refused, or is what the screen shows and the vaults will not take", async () => {
  const manager = await Manager.register(here);
  const plain = bundle(options(manager));
  const id = await manager.receive(plain);
  let altered = plain;
  await manager.context.route("**/v1/requests/*", (route) => route.fulfill({ contentType: "application/json", body: JSON.stringify(altered) }));
  const original = hex(challengeOf(plain));
  const counts = { refused: 0, other: 0 };
  const codes = new Set<string>();
  for (const [name, change] of alterations(plain)) {
    altered = structuredClone(plain);
    change(altered);
    await manager.look(id, counts.refused + counts.other);
    if ((await manager.page.locator("[data-code]").count()) === 1) {
      assert.equal(await manager.page.getByRole("button", { name: /Approve|Refuse/ }).count(), 0, name);
      const code = await manager.page.locator("[data-code]").getAttribute("data-code");
      assert.ok(code !== "other" && code !== "relay", name);
      codes.add(code ?? "");
      counts.refused += 1;
      continue;
    }
    // The alteration is a request of its own: it is shown, and has another challenge.
    const statements = altered.statements.map((entry: any) => JSON.parse(Buffer.from(entry.statement, "base64url").toString()));
    assert.deepEqual(await fields(manager), expected(statements), name);
    const challenge = await manager.page.locator("dd").last().evaluate(() => [...document.querySelectorAll("dt")].find((term) => term.textContent === "Challenge")?.nextElementSibling?.textContent);
    assert.equal(challenge, hex(challengeOf(altered)), name);
    if (!name.startsWith("note")) assert.notEqual(challenge, original, name);
    counts.other += 1;
  }
  console.log(`alterations: ${counts.refused} refused, ${counts.other} with another challenge (${[...codes].sort().join(", ")})`);
  assert.ok(counts.refused > 40 && counts.other > 10);
  await manager.close();
});

/** Each field in one statement and in all, salts, padding, order, and what the context carries. */
function* alterations(plain: any): Generator<[string, (bundle: any) => void]> {
  const decode = (entry: any) => JSON.parse(Buffer.from(entry.statement, "base64url").toString());
  const edit = (where: "one" | "all", change: (statement: any) => void) => (altered: any) => {
    for (const entry of where === "one" ? altered.statements.slice(1, 2) : altered.statements) {
      const text = decode(entry);
      change(text);
      entry.statement = fixture.encode(text);
    }
  };
  const sample = decode(plain.statements[0]);
  for (const where of ["one", "all"] as const) {
    for (const name of Object.keys(sample)) {
      if (typeof sample[name] === "string") yield [`${name} in ${where}`, edit(where, (text) => { text[name] = changed(text[name]); })];
      yield [`no ${name} in ${where}`, edit(where, (text) => { delete text[name]; })];
    }
    for (const name of Object.keys(sample.request)) yield [`request.${name} in ${where}`, edit(where, (text) => { text.request[name] = changed(text.request[name]); })];
    yield [`requester in ${where}`, edit(where, (text) => { text.requester.principals[0].oidc.subject += "x"; })];
    yield [`issuer in ${where}`, edit(where, (text) => { text.requester.principals[0].oidc.issuer += "x"; })];
    yield [`client key in ${where}`, edit(where, (text) => { text.requester.tls_client_key = changed(text.requester.tls_client_key); })];
    yield [`an unknown member in ${where}`, edit(where, (text) => { text.hidden = "x"; })];
  }
  yield ["another spelling", (altered) => { altered.statements[0].statement = Buffer.from(JSON.stringify(decode(altered.statements[0]), null, 1)).toString("base64url"); }];
  yield ["a salt", (altered) => { altered.statements[0].salt = changed(altered.statements[0].salt); }];
  yield ["a padding", (altered) => { altered.padding[3] = changed(altered.padding[3]); }];
  yield ["a padding less", (altered) => { altered.padding.pop(); }];
  yield ["a statement less", (altered) => { altered.statements.pop(); altered.padding.push("00".repeat(32)); }];
  yield ["a statement twice", (altered) => { altered.statements.push(altered.statements[0]); altered.padding.pop(); }];
  yield ["the order", (altered) => { altered.statements.reverse(); }];
  yield ["the policy", (altered) => { altered.context.policy = base64url(policy(fixture.anyCredential())); }];
  yield ["a byte of the policy", (altered) => { altered.context.policy = changed(altered.context.policy); }];
  yield ["the payload", (altered) => { altered.context.payload = base64url(utf8("release 1.2.4")); }];
  yield ["a new policy", (altered) => { altered.context.new_policy = altered.context.policy; }];
  yield ["a profile", (altered) => { altered.context.profile = fixture.encode(profile("22")); }];
  yield ["the format", (altered) => { altered.format += "x"; }];
  yield ["an unknown member", (altered) => { altered.surprise = "x"; }];
  yield ["note: the words that nobody signs", (altered) => { altered.context.note = "Please approve"; }];
}

/** The same text with its last character but one changed, within its alphabet. */
function changed(text: string): string {
  const at = text.length > 1 ? text.length - 2 : 0;
  return text.slice(0, at) + (text[at] === "1" ? "2" : "1") + text.slice(at + 1);
}

test("there is no button for what has expired, is for somebody else, or is gone", async () => {
  const manager = await Manager.register(here);
  const expired = await manager.receive(bundle(options(manager, { notAfter: Math.floor(Date.now() / 1000) - 1 })));
  const foreign = await manager.receive(bundle(options(manager, { policy: policy(fixture.anyCredential(here.origin)) })));
  for (const [id, text] of [[expired, "It has expired"], [foreign, "names none of this browser's passkeys"], ["a".repeat(26), "The relay has it no longer"]] as const) {
    await manager.open(id);
    await manager.page.getByText(text).waitFor();
    assert.equal(await manager.approve.count(), 0);
  }
  await manager.close();
});

test("a request whose policy the requester cannot read is approved by hash", async () => {
  const manager = await Manager.register(here);
  const plain = bundle(options(manager, { withoutPolicy: true, vaults: 1 }));
  const id = await manager.receive(plain);
  await manager.open(id);
  await manager.page.getByText("did not send it").waitFor();
  await manager.approve.click();
  await manager.page.getByText("You approved this request").waitFor();
  verified((await manager.answers(id))[0], plain, manager.credential, here.origin);
  await manager.close();
});

test("characters that do not show, and vaults with keys of their own, are seen", async () => {
  const manager = await Manager.register(here);
  const requester = { principals: [{ oidc: { issuer: "https://ci.example", subject: "ann\u202etob\u200b" } }], tls_client_key: "none" };
  const given = options(manager, { requester });
  const statements = [statement(given, 0), statement(given, 1)];
  Object.assign(statements[1], { handle: `k-${"b".repeat(25)}a`, lineage: "00".repeat(32) });
  await manager.open(await manager.receive(bundleOf(statements, given)));
  await manager.page.getByText("ann⟨U+202E⟩tob⟨U+200B⟩").first().waitFor();
  const shown = await fields(manager);
  assert.deepEqual([shown["vaults.0.handle"], shown["vaults.1.handle"], shown["handle"]], [statements[0].handle, statements[1].handle, undefined]);
  assert.ok(await manager.page.locator("[data-field='vaults.1.handle']").isVisible());
  await manager.close();
});

test("a new policy is told as what changes, a new build as what it differs in", async () => {
  const manager = await Manager.register(here);
  const before = policy(manager.credential);
  const next = policy(manager.credential, (plain) => { plain.operations[0].condition.manager_approval.fresh_for = "3600"; });
  const update = { operation: "update_policy", expected_version: "3", new_policy_hash: policyHash(next) };
  await manager.open(await manager.receive(bundle({ request: update, policy: before, newPolicy: next })));
  const changes = manager.page.locator("[data-diff=policy] > li");
  assert.equal(await changes.count(), 1);
  const text = (await changes.first().textContent()) ?? "";
  assert.ok(text.includes("rule release") && text.includes("allows more") && text.includes("Before: 300") && text.includes("After: 3600"), text);
  const build = canonicalBytes(canonical(profile("22")));
  const promote = { operation: "promote_profile", policy_version: "3", profile_digest: fixture.profileDigest(build) };
  await manager.open(await manager.receive(bundle({ request: promote, policy: before, profile: build })));
  const compared = (await manager.page.locator("[data-diff=profile]").textContent()) ?? "";
  assert.ok(compared.includes(`Before: ${"11".repeat(32)}`) && compared.includes(`After: ${"22".repeat(32)}`), compared);
  await manager.close();
});
