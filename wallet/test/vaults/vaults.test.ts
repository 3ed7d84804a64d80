/** From the wallet's button to the vault's decision: `evault dev`, its relay, and its vaults. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { principal } from "../../src/core/credential.js";
import { plainOf, root } from "../fixture.js";
import { launch, Manager } from "../browser/harness.js";

const EVAULT = process.env["EVAULT_PROGRAM"] ?? path.join(root, "../target/debug/evault");
/** Two vaults, an issuer and a registry have to start on a machine that may be busy. */
const STARTS = 300_000;

interface Ended {
  code: number;
  out: any;
  error: any;
}

class Dev {
  private constructor(
    private readonly folder: string,
    private readonly process: ReturnType<typeof spawn>,
    readonly origin: string,
  ) {}

  static async start(): Promise<Dev> {
    assert.ok(existsSync(EVAULT), `${EVAULT} is missing: cargo build -p vault-cli`);
    const folder = mkdtempSync(path.join(tmpdir(), "dev-"));
    const dev = spawn(EVAULT, ["dev", "--dir", path.join(folder, "D"), "--vaults", "2", "--quiet", "--output", "json"], { stdio: ["ignore", "pipe", "inherit"] });
    const ready: any = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("dev did not become ready")), STARTS);
      dev.once("exit", (code) => reject(new Error(`dev ended with ${code}`)));
      createInterface(dev.stdout).once("line", (line) => { clearTimeout(late); resolve(JSON.parse(line)); });
    });
    return new Dev(folder, dev, String(ready.wallet).replace(/\/$/, ""));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => { this.process.removeAllListeners("exit").once("exit", resolve); });
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  write(name: string, text: string): void {
    writeFileSync(path.join(this.folder, name), text);
  }

  evault(...words: string[]): Promise<Ended> {
    const env = { ...process.env, EVAULT_CONFIG: path.join(this.folder, "D/config.toml") };
    const read = (text: string) => { try { return JSON.parse(text); } catch { return text; } };
    return new Promise((resolve) => {
      execFile(EVAULT, [...words, "--output", "json"], { cwd: this.folder, env, timeout: STARTS }, (failed, out, error) => {
        resolve({ code: failed ? Number(failed.code ?? -1) : 0, out: read(out), error: read(error) });
      });
    });
  }
}

test("what the wallet approves is executed by the vault, once, and nothing without it", { timeout: 2 * STARTS }, async () => {
  const dev = await Dev.start();
  const browser = await launch();
  try {
    const manager = await Manager.register({ origin: dev.origin, browser });
    const { out: owner } = await dev.evault("whoami");
    dev.write("message", "acme-app 1.2.3\n");
    dev.write("policy.json", JSON.stringify({
      format: "enclave-vaults/key-policy/v1",
      principals: { owner: { issuer: owner.issuer, subject: owner.subject }, managers: [{ id: "alice", credentials: [plainOf(principal(manager.credential))] }] },
      operations: [
        { name: "release", operations: ["sign"], principals: ["owner"], condition: { manager_approval: { managers: ["alice"] } } },
        { name: "check", operations: ["verify"], principals: ["owner"] },
      ],
    }));
    const created = await dev.evault("key", "create", "--type", "p256", "--name", "release", "--policy", "policy.json");
    assert.equal(created.code, 0, JSON.stringify(created));
    const bare = await dev.evault("key", "sign", "release", "--in", "message");
    assert.notEqual(bare.code, 0);
    assert.match(JSON.stringify(bare.error), /manager_approval/);

    const asked = dev.evault("approve", "request", "release", "--operation", "sign", "--in", "message", "--show-payload", "--relay", dev.origin, "--wait", "120", "--out", "approved.json");
    await manager.go("/");
    const waiting = manager.page.getByRole("link", { name: "Sign a message" });
    await waiting.waitFor({ timeout: 60_000 });
    await waiting.click();
    await manager.page.getByRole("heading", { level: 1, name: "Sign a message" }).waitFor();
    assert.equal(await manager.page.locator("[data-preview=text]").textContent(), "acme-app 1.2.3\n");
    assert.ok(await manager.page.getByText("You approve as alice.").isVisible());
    await manager.approve.click();
    await manager.page.getByText("You approved this request").waitFor();
    const answered = await asked;
    assert.equal(answered.code, 0, JSON.stringify(answered));

    const signed = await dev.evault("key", "sign", "release", "--in", "message", "--out", "message.sig", "--approval", "approved.json");
    assert.equal(signed.code, 0, JSON.stringify(signed));
    const verified = await dev.evault("key", "verify", "release", "--in", "message", "--signature", "message.sig");
    assert.equal(verified.code, 0, JSON.stringify(verified));
    const again = await dev.evault("key", "sign", "release", "--in", "message", "--approval", "approved.json");
    assert.notEqual(again.code, 0, "an approval is good for one signature");
    await manager.close();
  } finally {
    await browser.close();
    await dev.stop();
  }
});
