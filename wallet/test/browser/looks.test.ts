/** Whether people can read and use the pages: axe-core, sizes of targets, keyboard, screenshots. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";
import { utf8 } from "../../src/core/bytes.js";
import { canonicalBytes } from "../../src/core/canonical.js";
import * as fixture from "../fixture.js";
import { bundle, canonical, policy, policyHash, profile, root, signing } from "../fixture.js";
import { Manager, SHOTS, world, type World } from "./harness.js";

const PAYLOAD = utf8("acme-app 1.2.3\nsha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\nbuilt from tag v1.2.3\n");
const AXE = readFileSync(createRequire(path.join(root, "package.json")).resolve("axe-core/axe.min.js"), "utf8");
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 900 };
const HEADINGS: Record<string, string> = {
  inbox: "Requests", passkeys: "Passkeys", request: "Sign a message", "policy-diff": "Replace a key's policy",
  "new-build": "Admit a new build of a caller", refused: "This request cannot be shown",
};
let here: World;

before(async () => { here = await world(); }, { timeout: 180_000 });
after(() => here.stop());

/** A manager with requests of several kinds, and where each is. */
async function busy(options: object = {}): Promise<{ manager: Manager; pages: [string, string][] }> {
  const manager = await Manager.register(here, options);
  const before = policy(manager.credential);
  const next = policy(manager.credential, (plain) => {
    plain.operations[0].condition.manager_approval.fresh_for = "3600";
    plain.operations.push({ condition: { all: [] }, name: "verify-anything", operations: ["verify"], principals: ["bot", "carol"] });
    plain.principals.callers.push({ id: "carol", oidc: { issuer: fixture.ALICE.issuer, subject: "carol@acme.example" } });
    plain.lifecycle.deletion_window = "604800";
    plain.usage.operations = ["sign"];
  });
  const build = canonicalBytes(canonical(profile("22")));
  const owner = { principals: [{ oidc: { issuer: fixture.ALICE.issuer, subject: "owen" } }], tls_client_key: "ef".repeat(32) };
  const signed = bundle({ request: signing(PAYLOAD), policy: before, payload: PAYLOAD, note: "Release 1.2.3, as agreed on Monday." });
  const update = bundle({ request: { operation: "update_policy", expected_version: "3", new_policy_hash: policyHash(next) }, policy: before, newPolicy: next, requester: owner });
  const promote = bundle({ request: { operation: "promote_profile", policy_version: "3", profile_digest: fixture.profileDigest(build) }, policy: before, profile: build, requester: owner, vaults: 4 });
  const altered = structuredClone(signed);
  altered.context.payload = "AAAA";
  const pages: [string, string][] = [["passkeys", "/#/passkeys"]];
  for (const [name, one] of [["request", signed], ["policy-diff", update], ["new-build", promote], ["refused", altered]] as const) {
    pages.push([name, `/#/request/${await manager.receive(one)}`]);
  }
  return { manager, pages: [["inbox", "/"], ...pages] };
}

test("axe-core finds nothing on any page, in light and dark, at both widths", async () => {
  for (const [colorScheme, viewport] of [["light", DESKTOP], ["dark", PHONE]] as const) {
    const { manager, pages } = await busy({ colorScheme, viewport });
    for (const [name, where] of [...pages, ["history", "/#/history"] as const]) {
      await manager.go(where);
      await unfold(manager);
      const found: any[] = await manager.page.evaluate(`${AXE}; axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200) + " " + node.failureSummary)]))`);
      assert.deepEqual(found, [], `${name}, ${colorScheme}`);
    }
    await manager.context.close();
  }
});

test("every target is at least 44 pixels high and wide, and nothing is wider than the page", async () => {
  for (const viewport of [PHONE, DESKTOP, { width: 320, height: 640 }]) {
    const { manager, pages } = await busy({ viewport });
    let measured = 0;
    for (const [name, where] of pages) {
      await manager.go(where);
      await unfold(manager);
      const targets = await manager.page.locator("a, button, input, summary").evaluateAll((elements) =>
        elements.filter((element) => element.checkVisibility() && element.className !== "skip").map((element) => {
          const { width, height } = element.getBoundingClientRect();
          return [element.textContent ?? "", Math.round(width * 10) / 10, Math.round(height * 10) / 10] as const;
        }));
      assert.deepEqual(targets.filter(([, width, height]) => width < 44 || height < 44), [], name);
      measured += targets.length;
      const [wide, page] = await manager.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth] as const);
      assert.ok(wide <= page, `${name} is ${wide} wide on ${page}`);
    }
    assert.ok(measured > 30);
    await manager.close();
  }
});

test("a request is found, read and approved by keyboard alone", async () => {
  const { manager } = await busy();
  const { page } = manager;
  await manager.go("/");
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  const tabTo = async (text: string) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if ((await focused()).startsWith(text)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`${text} is not reached by keyboard`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to content");
  await tabTo("Sign a message");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Sign a message" }).waitFor();
  assert.equal(await focused(), "Sign a message", "the heading of the new page has the focus");
  await tabTo("Approve with passkey");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
  assert.equal(outline, "solid", "the focus is seen");
  await page.keyboard.press("Enter");
  await page.getByText("You approved this request").waitFor();
  assert.equal(await page.locator("#said").textContent(), "Approved and sent.");
  await manager.close();
});

test("it can be installed, and keeps nothing but its own files", async () => {
  const { manager } = await busy();
  const { page, cdp } = manager;
  await manager.go("/");
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  await manager.go("/");
  const { errors, data } = await cdp.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  assert.equal(JSON.parse(data ?? "").display, "standalone");
  const { installabilityErrors } = await cdp.send("Page.getInstallabilityErrors");
  assert.deepEqual(installabilityErrors.map((one) => one.errorId).filter((id) => id !== "in-incognito"), []);
  const kept = await page.evaluate(async () => {
    const names = await caches.keys();
    const lists = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname)));
    return lists.flat().sort();
  });
  assert.deepEqual(kept, ["/", "/app.js", "/icon.svg", "/manifest.webmanifest", "/style.css"]);
  await manager.close();
});

test("screenshots are made", async () => {
  for (const [size, viewport, colorScheme] of [["phone", PHONE, "light"], ["desktop", DESKTOP, "light"], ["phone-dark", PHONE, "dark"]] as const) {
    const { manager, pages } = await busy({ viewport, colorScheme, deviceScaleFactor: 1 });
    for (const [name, where] of pages) {
      await manager.go(where);
      assert.equal(await manager.page.locator("h1").textContent(), HEADINGS[name]);
      await manager.page.screenshot({ path: path.join(SHOTS, `${name}-${size}.png`), fullPage: true });
    }
    await manager.close();
  }
});

async function unfold(manager: Manager): Promise<void> {
  await manager.page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
}
