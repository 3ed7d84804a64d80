/**
 * What the wallet makes of every seed of the fuzz targets, and of small changes of it, beside what vaults and `evault`
 * make of it: two programs, one input. `FUZZ_CORPUS=FOLDER` takes every file of another folder of corpora instead, and
 * `FUZZ_CHANGES=N` so many changes of each.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Effect } from "../../src/core/effect.js";
import { add, judge, type Said } from "../fields.js";
import { root } from "../fixture.js";
import { change, VERDICTS } from "../verdicts.js";

const FUZZ_CORPUS = process.env["FUZZ_CORPUS"];
const CORPUS = FUZZ_CORPUS ?? path.join(root, "../fuzz/corpus");
const PREFIX = FUZZ_CORPUS === undefined ? "seed-" : "";
const CHANGES = Number(process.env["FUZZ_CHANGES"] ?? (FUZZ_CORPUS === undefined ? 16 : 0));
/** Where seeds of a format are, beside the folder of its name. */
const MORE: Record<string, string> = { bundle: "wallet-approval", policy: "wallet-approval", statement: "wallet-approval", assertion: "wallet-credential", relay: "wallet-told" };
const EVAULT = process.env["EVAULT_PROGRAM"] ?? path.join(root, "../target/debug/evault");
/** Built with the tests of `vault-fuzz`. */
const PROGRAM = process.env["VERDICTS_PROGRAM"] ?? path.join(path.dirname(EVAULT), "vault-verdicts");

/** A folder of all inputs of a format; whoever asks for it takes it away. */
async function inputs(format: string): Promise<string> {
  const { Dice, mutate } = await import(pathToFileURL(path.join(root, "tools/mutate.mjs")).href);
  const folder = mkdtempSync(path.join(tmpdir(), "verdicts-"));
  const seeds = [format, MORE[format] ?? format].flatMap((name) => {
    const from = path.join(CORPUS, name);
    return existsSync(from) ? readdirSync(from).filter((file) => file.startsWith(PREFIX)).sort().map((file) => [`${name}.${file}`, readFileSync(path.join(from, file))] as const) : [];
  });
  const given = { others: seeds.slice(0, 200).map(([, seed]) => seed), tokens: TOKENS };
  for (const [name, seed] of new Map(seeds)) {
    const dice = new Dice(0x9e3779b9);
    writeFileSync(path.join(folder, name), seed);
    for (let number = 1; number <= CHANGES; number += 1) writeFileSync(path.join(folder, `${name}.${number}`), mutate(new Uint8Array(seed), dice, given));
  }
  return folder;
}

const TOKENS = ["none", "0", "1", "any", "owner", "immutable", "allowed", "refused", "sign", "unwrap", "all", "not", "condition", "bob", "e\u0301", "\u202e", "__proto__", "00".repeat(32), "00".repeat(48)];

/** Names and what is said of each. */
function theirs(format: string, folder: string): Promise<[string, string][]> {
  return new Promise((resolve, reject) => {
    execFile(PROGRAM, [format, folder], { maxBuffer: 1 << 30 }, (failed, out, error) => {
      if (failed) reject(new Error(`${PROGRAM} ${format}: ${failed.message} ${error} (cargo build -p vault-fuzz)`));
      else resolve(out.split("\n").slice(0, -1).map((line) => line.split("\t") as [string, string]));
    });
  });
}

const bytes = (folder: string, name: string) => new Uint8Array(readFileSync(path.join(folder, name)));

/** Differences that are meant: what vaults say, what the wallet says, and why. */
const BY_DESIGN: { format: string; theirs: RegExp; ours: RegExp; why: string }[] = [
  { format: "answer", theirs: /^token /, ours: /^refused$/, why: "the wallet writes answers by passkeys and refusals; `evault` writes those by token" },
  { format: "relay", theirs: /^waiting/, ours: /^refused$/, why: "the wallet takes the mailbox as the relay of this repository writes it, with its ids and no other member; `evault` leaves out what has no id that it could fetch" },
  { format: "statement", theirs: /^statement .* \d{16,}$/, ours: /^refused$/, why: "a time that JavaScript does not hold exactly is not shown; a vault gives a day at most" },
];

const isMeant = (format: string, said: string, ours: string) =>
  BY_DESIGN.some((one) => one.format === format && one.theirs.test(said) && one.ours.test(ours));

for (const [format, verdict] of Object.entries(VERDICTS)) {
  test(`${format}: the wallet reads what vaults read, as they do, and refuses what they refuse`, { timeout: 3_600_000 }, async (context) => {
    const different: string[] = [];
    const [kinds, agreed, meant] = [new Map<string, number>(), new Set<string>(), { count: 0 }];
    const folder = await inputs(format);
    context.after(() => rmSync(folder, { recursive: true }));
    for (const [name, said] of await theirs(format, folder)) {
      const ours = await verdict(bytes(folder, name));
      const kind = said.split(" ")[0] ?? "";
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      if (ours === said || (ours === "refused" && kind === "refused")) {
        agreed.add(kind);
        continue;
      }
      if (isMeant(format, said, ours)) meant.count += 1;
      else different.push(`${name}: vaults say ${said}, the wallet ${ours}`);
    }
    console.log(`${format}: ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ")}; ${meant.count} different by design`);
    assert.ok(kinds.size > 1, `${format} has seeds of one kind only`);
    assert.deepEqual(different, []);
    // What is meant to differ hides no kind of input.
    assert.deepEqual([...kinds.keys()].filter((kind) => !agreed.has(kind) && kind !== "token"), []);
  });
}

test("the wallet and vaults agree on what a change from one policy of the seeds to another allows", { timeout: 3_600_000 }, async (context) => {
  const folder = await inputs("policy");
  context.after(() => rmSync(folder, { recursive: true }));
  let tried = 0;
  for (const [names, said] of await theirs("changes", folder)) {
    const [before = "", after = ""] = names.split(" ");
    const ours = await change(bytes(folder, before), bytes(folder, after));
    judge(names, told(said.split(" ").slice(1)), told(ours));
    tried += 1;
  }
  console.log(`${tried} changes`);
  assert.ok(tried > 10, `${tried}`);
});

function told(words: string[]): Said {
  const said: Said = new Map();
  for (const word of words) {
    const [at = "", direction = ""] = word.split(":");
    add(said, at, direction as Effect);
  }
  return said;
}
