/** What the wallet says of an edit beside what `evault policy diff` says of it: two programs, one policy. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { utf8 } from "../../src/core/bytes.js";
import { canonicalText } from "../../src/core/canonical.js";
import { principal } from "../../src/core/credential.js";
import { diff } from "../../src/core/diff.js";
import { effects } from "../../src/core/effect.js";
import { readPolicy } from "../../src/core/policy.js";
import { add, field, judge, type Said } from "../fields.js";
import { anyCredential, BOT, canonical, plainOf, policy, profile, root, sortSets } from "../fixture.js";

const EVAULT = process.env["EVAULT_PROGRAM"] ?? path.join(root, "../target/debug/evault");
/** Processes at once. */
const ABREAST = 4;

type Plain = any;
type Edit = [name: string, edit: (plain: Plain) => void];

const quorum = (threshold: string, oidc = "refused") => ({ quorum: { oidc, threshold } });
const approval = (managers: string[], threshold = "1", fresh_for = "300", oidc = "refused") => ({ manager_approval: { fresh_for, managers, oidc, threshold } });
const person = (id: string) => ({ credentials: [{ oidc: { issuer: "https://login.example", subject: id } }], id });
const release = (plain: Plain) => plain.operations.find((rule: Plain) => rule.name === "release");
const check = (plain: Plain) => plain.operations.find((rule: Plain) => rule.name === "check");
const guard = (plain: Plain) => plain.operations.find((rule: Plain) => rule.name === "guard");

/** With rules that grant with and without condition, one that restricts, and one of everything that may be named. */
function base(): Plain {
  const plain = plainOf(canonical(JSON.parse(new TextDecoder().decode(policy(anyCredential())))));
  plain.principals.managers.push(person("bob"), person("carol"));
  for (const [field, level] of Object.entries(plain.mutability)) {
    if (level !== "immutable") plain.mutability[field] = quorum("2");
  }
  plain.principals.auditors.push({ id: "audit", oidc: { issuer: "https://login.example", subject: "audit" } });
  plain.principals.mtls.push({ id: "host", spki: "07".repeat(32) });
  plain.operations = [
    { condition: approval(["alice", "bob"]), name: "release", operations: ["sign", "wrap"], principals: ["app", "bot"] },
    { condition: { all: [] }, name: "check", operations: ["verify", "get_public_key"], principals: ["owner", "bot"] },
    { condition: { time_window: { from: "100", until: "none" } }, name: "guard", operations: ["sign"], principals: ["any"] },
  ];
  return plain;
}

const EDITS: Edit[] = [
  ["an operation more", (plain) => release(plain).operations.push("unwrap")],
  ["an operation less", (plain) => release(plain).operations.pop()],
  ["another operation", (plain) => { release(plain).operations[1] = "unwrap"; }],
  ["a caller more", (plain) => release(plain).principals.push("owner")],
  ["a caller less", (plain) => release(plain).principals.shift()],
  ["the condition goes", (plain) => { release(plain).condition = { all: [] }; }],
  ["a higher threshold", (plain) => { release(plain).condition = approval(["alice", "bob"], "2"); }],
  ["a manager more in a rule", (plain) => { release(plain).condition = approval(["alice", "bob", "carol"]); }],
  ["other managers in a rule", (plain) => { release(plain).condition = approval(["alice", "carol"]); }],
  ["older approvals", (plain) => { release(plain).condition = approval(["alice", "bob"], "1", "900"); }],
  ["fresher approvals", (plain) => { release(plain).condition = approval(["alice", "bob"], "1", "60"); }],
  ["approvals by token", (plain) => { release(plain).condition = approval(["alice", "bob"], "1", "300", "allowed"); }],
  ["more of one, less of another", (plain) => { release(plain).condition = approval(["alice", "bob"], "2", "900"); }],
  ["a condition comes", (plain) => { check(plain).condition = approval(["alice"]); }],
  ["an open rule is for more", (plain) => check(plain).principals.push("app")],
  ["an open rule is for fewer", (plain) => check(plain).principals.pop()],
  ["a rule goes", (plain) => { plain.operations.splice(1, 1); }],
  ["a rule with a condition goes", (plain) => { plain.operations.splice(0, 1); }],
  ["a rule comes", (plain) => plain.operations.push({ condition: { all: [] }, name: "more", operations: ["mac"], principals: ["bot"] })],
  ["a rule has another name", (plain) => { check(plain).name = "look"; }],
  ["a restriction goes", (plain) => { plain.operations.splice(2, 1); }],
  ["a restriction of more", (plain) => guard(plain).operations.push("wrap")],
  ["another restriction", (plain) => { guard(plain).condition.time_window.from = "200"; }],
  ["a restriction that restricts nothing", (plain) => { guard(plain).condition = { all: [] }; }],
  ["a restriction becomes a grant", (plain) => { guard(plain).principals = ["bot"]; }],
  ["a restriction comes", (plain) => plain.operations.push({ condition: approval(["alice"]), name: "more", operations: ["wrap"], principals: ["any"] })],
  ["a caller is named", (plain) => plain.principals.callers.push({ id: "ci", oidc: { issuer: BOT.issuer, subject: "ci" } })],
  ["a caller is somebody else", (plain) => { plain.principals.callers[0].oidc = { issuer: BOT.issuer, subject: "other" }; }],
  ["a profile comes", (plain) => plain.principals.tees.push(profile("22"))],
  ["a profile goes, and what names it", (plain) => { plain.principals.tees = []; release(plain).principals = ["bot"]; }],
  ["a profile is of another build", (plain) => { plain.principals.tees[0].mrenclave = "33".repeat(32); }],
  ["a manager is named", (plain) => plain.principals.managers.push(person("dave"))],
  ["a manager goes", (plain) => { plain.principals.managers = plain.principals.managers.filter((one: Plain) => one.id !== "carol"); }],
  ["a manager has more credentials", (plain) => { plain.principals.managers.find((one: Plain) => one.id === "bob").credentials.push({ oidc: BOT }); }],
  ["an auditor goes", (plain) => { plain.principals.auditors = []; }],
  ["a certificate comes", (plain) => plain.principals.mtls.push({ id: "host-2", spki: "08".repeat(32) })],
  ["a certificate is another", (plain) => { plain.principals.mtls[0].spki = "09".repeat(32); }],
  ["a second factor", (plain) => { plain.principals.owner.second_factor = plainOf(principal(anyCredential())); }],
  ["more usage", (plain) => plain.usage.operations.push("unwrap")],
  ["less usage", (plain) => plain.usage.operations.pop()],
  ["a longer window", (plain) => { plain.lifecycle.deletion_window = "172800"; }],
  ["a shorter window", (plain) => { plain.lifecycle.deletion_window = "60"; }],
  ["sealed for ever", (plain) => { plain.lifecycle.sealed_forever = "true"; }],
  ["a stricter level", (plain) => { plain.mutability.operations = quorum("3"); }],
  ["a level for the owner alone", (plain) => { plain.mutability.operations = "owner"; }],
  ["a level for nobody", (plain) => { plain.mutability["principals.tees"] = "immutable"; }],
  ["a level by token, too", (plain) => { plain.mutability.operations = quorum("2", "allowed"); }],
  ["a stricter level, by token, too", (plain) => { plain.mutability.operations = quorum("3", "allowed"); }],
  ["a bound caller goes, and others stay", (plain) => { plain.operations.push({ condition: approval(["alice"]), name: "bound", operations: ["verify"], principals: ["app"] }); }],
  ["levels up and down", (plain) => { plain.mutability.operations = quorum("3"); plain.mutability["usage.operations"] = "owner"; }],
];

async function wallet(before: string, after: string): Promise<Said> {
  const [old, now] = [await readPolicy(utf8(before)), await readPolicy(utf8(after))];
  const said: Said = new Map();
  const effect = effects(old.members, now.members);
  for (const one of diff(old.members, now.members)) add(said, field(one), effect(one));
  return said;
}

function evault(...words: string[]): Promise<any> {
  return new Promise((resolve, reject) => {
    execFile(EVAULT, [...words, "--output", "json"], (failed, out, error) => {
      if (failed) reject(new Error(`${words.join(" ")}: ${out} ${error}`));
      else resolve(JSON.parse(out));
    });
  });
}

test("the wallet and evault agree on what an edit of a policy allows", { timeout: 900_000 }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "diffs-"));
  const write = (name: string, edits: Edit[]) => {
    const plain = base();
    for (const [, edit] of edits) edit(plain);
    sortSets(plain);
    const text = canonicalText(canonical(plain));
    const file = path.join(folder, `${name}.json`);
    writeFileSync(file, text);
    return { file, text };
  };
  let [tried, decided] = [0, 0];
  const compare = async (name: string, before: { file: string; text: string }, after: { file: string; text: string }) => {
    if (before.text === after.text) return;
    const theirs: Said = new Map();
    const told = await evault("policy", "diff", before.file, after.file);
    for (const one of told.differences) add(theirs, one.field, one.direction);
    const ours = await wallet(before.text, after.text);
    judge(name, theirs, ours);
    tried += 1;
    if ([...ours.values()].some((said) => !said.has("changes"))) decided += 1;
  };
  try {
    const plain = write("base", []);
    const singles = EDITS.map((edit, at) => ({ edit, at, ...write(`one-${at}`, [edit]) }));
    const pairs = singles.flatMap((one) => singles.slice(one.at + 1).map((other) => ({ one, other })));
    const all: (() => Promise<void>)[] = singles.flatMap((one) => [
      () => compare(one.edit[0], plain, one),
      () => compare(`${one.edit[0]}, backwards`, one, plain),
    ]);
    // From one edit to another: what the first did is undone, and the other is done.
    for (const { one, other } of pairs) {
      all.push(() => compare(`${one.edit[0]} -> ${other.edit[0]}`, one, other));
    }
    const worker = async () => { for (let next = all.pop(); next; next = all.pop()) await next(); };
    await Promise.all(Array.from({ length: ABREAST }, worker));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${tried} edits were compared; of ${decided} the wallet says in which direction they go`);
  assert.ok(tried > 1000 && decided > tried / 3, `${tried}, ${decided}`);
});
