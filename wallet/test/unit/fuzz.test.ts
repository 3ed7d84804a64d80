/** The seeds of the fuzz targets, and small changes of them, in every run; `tools/fuzz.mjs` goes on from there. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import * as approval from "../fuzz/approval.target.js";
import * as credential from "../fuzz/credential.target.js";
import * as told from "../fuzz/told.target.js";
import { root } from "../fixture.js";

const TARGETS = { approval, credential, told };
/** Changed inputs of each seed. */
const CHANGES = 16;
const CORPUS = path.join(root, "../fuzz/corpus");
const tool = (name: string) => import(pathToFileURL(path.join(root, "tools", name)).href);

/** What is kept in the tree; what the fuzzer finds lies beside it. */
function seeds(folder: string): [string, Uint8Array<ArrayBuffer>][] {
  const names = readdirSync(path.join(CORPUS, folder)).filter((name) => name.startsWith("seed-")).sort();
  return names.map((name) => [`${folder}/${name}`, new Uint8Array(readFileSync(path.join(CORPUS, folder, name)))]);
}

for (const [name, target] of Object.entries(TARGETS)) {
  test(`${name}: every seed and small changes of it keep what the fuzz target promises`, async () => {
    const { Dice, mutate } = await tool("mutate.mjs");
    const all = [...target.seeds, `wallet-${name}`].flatMap(seeds);
    const given = { others: all.map(([, seed]) => seed), tokens: ["none", "__proto__", "owner", "\u202e"] };
    for (const [path, seed] of all) {
      const dice = new Dice(0x9e3779b9);
      const changed = Array.from({ length: CHANGES }, () => mutate(seed, dice, given));
      for (const [number, input] of [seed, ...changed].entries()) {
        await target.run(input).catch((error) => assert.fail(`${path}, change ${number}: ${error?.stack ?? error}`));
      }
    }
    assert.ok(all.length > 10, `${all.length} seeds`);
  });
}

test("every target has a corpus and a line of the table", () => {
  const found = readdirSync(path.join(root, "test/fuzz")).flatMap((name) => /^(.*)\.target\.ts$/.exec(name)?.[1] ?? []);
  assert.deepEqual(found.sort(), Object.keys(TARGETS).sort());
  const corpora = readdirSync(CORPUS).filter((name) => name.startsWith("wallet-"));
  assert.deepEqual(corpora.sort(), found.map((name) => `wallet-${name}`));
  const table = readFileSync(path.join(root, "../fuzz/README.md"), "utf8");
  for (const name of found) assert.ok(table.includes(`\`wallet-${name}\``), name);
});
