/** Several passkeys in one browser: each is offered where it counts, and as what it counts. */
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { base64url, utf8 } from "../../src/core/bytes.js";
import { principal, readCredential, type Credential } from "../../src/core/credential.js";
import { ALICE, bundle, canonical, plainOf, policy, sha256, signing } from "../fixture.js";
import { Manager, SHOTS, world, type World } from "./harness.js";

const PAYLOAD = utf8("release 1.2.3");
const OWEN = { issuer: ALICE.issuer, subject: "owen" };
const OWNER = { principals: [{ oidc: OWEN }], tls_client_key: "ef".repeat(32) };
const DELETE = { operation: "delete_key", window: "86400" };
const fido2 = (credential: Credential) => plainOf(principal(credential));
let here: World;

before(async () => { here = await world(); }, { timeout: 180_000 });
after(() => here.stop());

/** A browser with two passkeys of one authenticator. */
async function two(): Promise<{ manager: Manager; other: Credential }> {
  const manager = await Manager.register(here);
  const { page } = manager;
  const take = () => page.evaluate(() => { const kept = localStorage.getItem("wallet.passkeys"); localStorage.removeItem("wallet.passkeys"); return kept ?? ""; });
  const first = JSON.parse(await take());
  await manager.go("/#/passkeys");
  await page.getByLabel("Your name in the policy").fill("second");
  await page.getByRole("button", { name: "Register a passkey" }).click();
  await page.locator("[data-principal=json]").waitFor({ state: "attached" });
  const second = JSON.parse(await take());
  await page.evaluate((text) => localStorage.setItem("wallet.passkeys", text), JSON.stringify([...first, ...second]));
  const value = canonical(second[0].principal);
  assert.ok(value instanceof Map);
  return { manager, other: readCredential(value.get("fido2"), "fido2") };
}

const used = async (manager: Manager, id: string) => (await manager.answers(id)).map((answer) => answer.credential_id);

test("an owner who is a manager too confirms with the second factor", async () => {
  const { manager, other } = await two();
  const text = policy(manager.credential, (plain) => {
    plain.principals.managers[0].credentials.push({ oidc: OWEN });
    plain.principals.owner.second_factor = fido2(other);
  });
  const id = await manager.receive(bundle({ request: DELETE, policy: text, requester: OWNER }));
  await manager.open(id);
  await manager.page.getByText("You confirm this as the key's owner.").waitFor();
  assert.equal(await manager.page.getByText("do not count").count(), 0);
  await manager.approve.click();
  await manager.page.getByText("You approved this request as the key's owner").waitFor();
  assert.deepEqual(await used(manager, id), [base64url(other.id)]);
  assert.equal(await manager.approve.count(), 0);
  await manager.close();
});

test("a manager's passkey that is the second factor too is told as the owner's where the owner asks", async () => {
  const manager = await Manager.register(here);
  const text = policy(manager.credential, (plain) => { plain.principals.owner.second_factor = fido2(manager.credential); });
  const owners = await manager.receive(bundle({ request: DELETE, policy: text, requester: OWNER }));
  const bots = await manager.receive(bundle({ request: signing(PAYLOAD), policy: text }));
  await manager.open(owners);
  await manager.page.getByText("You confirm this as the key's owner.").waitFor();
  assert.equal(await manager.page.getByText("alice").count() + await manager.page.getByText("do not count").count(), 0);
  await manager.open(bots);
  await manager.page.getByText("You approve as alice.").waitFor();
  await manager.close();
});

test("two people of one browser approve one after the other, and each once", async () => {
  const { manager, other } = await two();
  const text = policy(manager.credential, (plain) => {
    plain.principals.managers.push({ id: "bob", credentials: [fido2(other)] });
    plain.operations[0].condition.manager_approval.managers.push("bob");
  });
  const id = await manager.receive(bundle({ request: signing(PAYLOAD), policy: text, payload: PAYLOAD }));
  await manager.open(id);
  const button = (name: string) => manager.page.getByRole("button", { name: `Approve with passkey as ${name}` });
  await button("alice").waitFor();
  await manager.page.screenshot({ path: path.join(SHOTS, "two-people-desktop.png"), fullPage: true });
  await button("bob").click();
  await manager.page.getByText("You approved this request as bob").waitFor();
  await manager.go("/");
  assert.equal(await manager.page.getByText("approved", { exact: true }).count(), 0, "alice is still asked");
  await manager.open(id);
  assert.deepEqual([await button("bob").count(), await manager.page.getByRole("button", { name: "Refuse" }).count()], [0, 0]);
  await button("alice").click();
  await manager.page.getByText("You approved this request as alice").waitFor();
  assert.equal(await manager.approve.count(), 0);
  await manager.go("/");
  assert.ok(await manager.page.getByText("approved", { exact: true }).isVisible());
  assert.deepEqual(await used(manager, id), [base64url(other.id), base64url(manager.credential.id)]);
  await manager.close();
});

test("there is no button for who would not be counted, and it is said why", async () => {
  const manager = await Manager.register(here);
  const subject = policy(manager.credential, (plain) => { plain.principals.managers[0].credentials.push({ oidc: ALICE }); });
  const own = { principals: [{ oidc: ALICE }], tls_client_key: "none" };
  for (const [given, text] of [
    [{ request: signing(PAYLOAD), policy: subject, requester: own }, "You are the requester"],
    [{ request: DELETE, policy: policy(manager.credential), requester: OWNER }, "asks for no approval of this by alice"],
  ] as const) {
    await manager.open(await manager.receive(bundle(given)));
    await manager.page.getByText(text).waitFor();
    assert.equal(await manager.approve.count(), 0);
    assert.equal(await manager.page.getByRole("button", { name: "Refuse" }).count(), 1);
  }
  await manager.close();
});

test("what was decided before passkeys were kept with it is still known", async () => {
  const manager = await Manager.register(here);
  const id = await manager.receive(bundle({ request: signing(PAYLOAD), policy: policy(manager.credential) }));
  await manager.open(id);
  await manager.approve.click();
  await manager.page.getByText("You approved this request as alice").waitFor();
  await manager.page.evaluate(() => {
    const [made] = JSON.parse(localStorage.getItem("wallet.history") ?? "[]");
    delete made.credential;
    localStorage.setItem("wallet.history", JSON.stringify([made]));
  });
  await manager.open(id);
  await manager.page.getByText("You approved this request at").waitFor();
  assert.equal(await manager.approve.count(), 0);
  await manager.close();
});

test("a digest is shown as a digest, and spaces keep their width", async () => {
  const manager = await Manager.register(here);
  const digest = sha256(PAYLOAD);
  const requester = { principals: [{ oidc: { issuer: "https://ci.example", subject: "main  ref " } }], tls_client_key: "none" };
  await manager.open(await manager.receive(bundle({ request: { ...signing(digest), operation: "sign_digest" }, policy: policy(manager.credential), payload: digest, requester })));
  assert.equal(await manager.page.locator("[data-preview=digest]").textContent(), Buffer.from(digest).toString("hex"));
  assert.equal(await manager.page.getByText("The whole message").count(), 0);
  const subject = manager.page.locator("[data-field='requester.principals.0.oidc.subject']");
  assert.equal(await subject.textContent(), "main⟨U+0020⟩⟨U+0020⟩ref⟨U+0020⟩");
  assert.equal(await subject.evaluate((element) => getComputedStyle(element).whiteSpace), "pre-wrap");
  await manager.close();
});
