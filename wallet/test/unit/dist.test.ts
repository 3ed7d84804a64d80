import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "../fixture.js";

test("the committed bundle is what the sources give, and small", async () => {
  const { buildInto } = await import(pathToFileURL(path.join(root, "tools", "build.mjs")).href);
  const fresh = mkdtempSync(path.join(tmpdir(), "wallet-"));
  try {
    await buildInto(fresh);
    const dist = path.join(root, "dist");
    assert.deepEqual(readdirSync(dist).sort(), readdirSync(fresh).sort());
    for (const name of readdirSync(fresh)) {
      assert.ok(readFileSync(path.join(dist, name)).equals(readFileSync(path.join(fresh, name))), `${name} is not what the sources give: run \`npm run bundle\``);
    }
    const size = readdirSync(dist).reduce((sum, name) => sum + statSync(path.join(dist, name)).size, 0);
    assert.ok(size < 200_000, `${size} bytes`);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
});

test("the page has no inline script or style, and the lock file names no registry", () => {
  const page = readFileSync(path.join(root, "static", "index.html"), "utf8");
  assert.ok(!/<script(?![^>]*src=)|<style|style=|\son[a-z]+=/i.test(page));
  const lock = readFileSync(path.join(root, "package-lock.json"), "utf8");
  assert.ok(!/"resolved"|https?:\/\/[^"]*registry/.test(lock));
});

test("every package is under a permissive licence; one is used by tests alone", () => {
  const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8"));
  const allowed = ["Apache-2.0", "MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD"];
  const others = Object.entries<any>(packages).filter(([name, one]) => name !== "" && !allowed.includes(one.license));
  assert.deepEqual(others.map(([name, one]) => [name, one.license]), [["node_modules/axe-core", "MPL-2.0"]]);
  assert.ok(Object.entries<any>(packages).every(([name, one]) => name === "" || one.dev === true), "nothing of npm is in the bundle");
});
