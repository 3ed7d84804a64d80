/** A relay, a headless browser with an authenticator in software, and a registered manager. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from "playwright-core";
import { hex } from "../../src/core/bytes.js";
import { canonicalBytes } from "../../src/core/canonical.js";
import { readCredential, type Credential } from "../../src/core/credential.js";
import { canonical, domain, root } from "../fixture.js";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const RELAY = process.env["EVAULT_RELAY_PROGRAM"] ?? path.join(root, "../target/debug/evault-relay");
export const SHOTS = path.join(root, "../target/screenshots");
const DEADLINE = 30_000;
/** No networks but loopback, and no look-ups of the browser's own. */
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export interface World {
  origin: string;
  browser: Browser;
  stop(): Promise<void>;
}

export async function world(): Promise<World> {
  assert.ok(existsSync(RELAY), `${RELAY} is missing: cargo build -p vault-relay`);
  const folder = mkdtempSync(path.join(tmpdir(), "wallet-"));
  const { buildInto } = await import(pathToFileURL(path.join(root, "tools", "build.mjs")).href);
  await buildInto(path.join(folder, "files"));
  writeFileSync(path.join(folder, "relay.toml"), 'listen = "127.0.0.1:0"\nfiles = "files"\nsimulated = true\n[limits]\nrequests_per_second = 100000\n');
  const relay = spawn(RELAY, [path.join(folder, "relay.toml")], { stdio: ["ignore", "pipe", "inherit"] });
  const addr = await ready(relay);
  const browser = await launch();
  mkdirSync(SHOTS, { recursive: true });
  const stop = async () => {
    await browser.close();
    relay.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { origin: `http://localhost:${addr.split(":").at(-1)}`, browser, stop };
}

export function launch(): Promise<Browser> {
  assert.ok(existsSync(CHROMIUM), `${CHROMIUM} is missing: apt-get install chromium`);
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout: 4 * DEADLINE });
}

function ready(relay: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the relay did not say that it is ready")), DEADLINE);
    relay.once("error", reject);
    relay.stdout?.once("data", (line: Buffer) => {
      clearTimeout(late);
      resolve(JSON.parse(line.toString()).addr);
    });
  });
}

/** A browser of its own with a passkey, as one manager has it. */
export class Manager {
  /** What the page said that it should not have: errors, and violations of its policy. */
  readonly complaints: string[] = [];

  private constructor(
    readonly origin: string,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly cdp: CDPSession,
    readonly authenticator: string,
    public credential: Credential,
  ) {}

  static async register(world: Pick<World, "origin" | "browser">, options: object = {}): Promise<Manager> {
    const context = await world.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(DEADLINE);
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
    const manager = new Manager(world.origin, context, page, cdp, authenticatorId, undefined as unknown as Credential);
    page.on("pageerror", (error) => manager.complaints.push(String(error)));
    page.on("console", (message) => {
      // A request that has expired is a 404 of the relay's, which the browser reports by itself.
      if (message.type() === "error" && !message.text().includes("status of 404")) manager.complaints.push(message.text());
    });
    await manager.go("/#/passkeys");
    await page.getByLabel("Your name in the policy").fill("alice");
    await page.getByRole("button", { name: "Register a passkey" }).click();
    const shown = await page.locator("[data-principal=json]").textContent();
    const value = canonical(JSON.parse(shown ?? ""));
    assert.ok(value instanceof Map);
    assert.equal(new TextDecoder().decode(canonicalBytes(value)), shown);
    manager.credential = readCredential(value.get("fido2"), "fido2");
    return manager;
  }

  /** From an empty page, so that nothing of the page before is taken for the new one. */
  async go(where: string): Promise<void> {
    await this.page.goto("about:blank");
    await this.page.goto(`${this.origin}${where}`);
    await this.drawn();
  }

  async drawn(): Promise<void> {
    await this.page.locator("main[data-where] h1").waitFor();
  }

  /** Puts a bundle into this manager's mailbox. */
  async receive(bundle: unknown): Promise<string> {
    const mailbox = hex(domain("enclave-vaults/mailbox/v1", this.credential.id));
    const response = await fetch(`${this.origin}/v1/requests`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ mailboxes: [mailbox], bundle, ttl: 600 }),
    });
    assert.equal(response.status, 201, await response.clone().text());
    return ((await response.json()) as { id: string }).id;
  }

  async answers(id: string): Promise<any[]> {
    const response = await fetch(`${this.origin}/v1/requests/${id}/answers`);
    return ((await response.json()) as { answers: any[] }).answers;
  }

  open(id: string): Promise<void> {
    return this.go(`/#/request/${id}`);
  }

  /** The same, without loading the page anew. */
  async look(id: string, time: number): Promise<void> {
    await this.page.evaluate((hash) => { location.hash = hash; }, `#/request/${id}/${time}`);
    await this.page.locator(`main[data-where="#/request/${id}/${time}"]`).waitFor();
  }

  get approve() {
    return this.page.getByRole("button", { name: "Approve with passkey" });
  }

  async close(): Promise<void> {
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }
}
