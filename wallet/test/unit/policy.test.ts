import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, utf8 } from "../../src/core/bytes.js";
import { readPolicy } from "../../src/core/policy.js";
import { readProfile } from "../../src/core/profile.js";
import { anyCredential, canonical, plainOf, policy, profile, vectors } from "../fixture.js";
import { canonicalBytes } from "../../src/core/canonical.js";

test("every canonical policy of the vectors is read, and has its hash", async () => {
  const cases = vectors("policy/canonical.json");
  assert.ok(cases.length > 0);
  for (const one of cases) {
    const found = await readPolicy(utf8(one.canonical));
    assert.equal(hex(found.hash), one.policy_hash, one.name);
  }
});

test("every text that vaults refuse as not canonical is refused", async () => {
  const cases = vectors("policy/refused-texts.json").filter((one: any) => one.code === "not_canonical");
  assert.ok(cases.length > 0);
  for (const one of cases) await assert.rejects(readPolicy(utf8(one.text)), { name: "Refused" }, one.name);
});

test("a policy that no vault takes is refused, whatever it is that cannot stand there", async () => {
  const [rule, approval] = [(plain: any) => plain.operations[0], (plain: any) => plain.operations[0].condition.manager_approval];
  const passkey = (plain: any) => plain.principals.managers[0].credentials[0].fido2;
  const edits: [string, (plain: any) => void][] = [
    ["unknown_value", (plain) => { rule(plain).operations = ["frobnicate"]; }],
    ["unknown_value", (plain) => { plain.usage.operations = ["stage_profile"]; }],
    ["unknown_value", (plain) => { plain.usage.export = "all"; }],
    ["unknown_value", (plain) => { plain.lifecycle.expires_at = "5"; }],
    ["unknown_value", (plain) => { plain.mutability["principals.owner"] = "owner"; }],
    ["unknown_value", (plain) => { rule(plain).condition = { not: rule(plain).condition }; }],
    ["unknown_value", (plain) => { plain.principals.mtls = [{ id: "m", ca: { san: "name", spki: "00".repeat(32) } }]; }],
    ["wrong_number", (plain) => { plain.lifecycle.deletion_window = "18446744073709551616"; }],
    ["wrong_number", (plain) => { approval(plain).fresh_for = "0300"; }],
    ["wrong_number", (plain) => { approval(plain).threshold = "0"; }],
    ["wrong_number", (plain) => { approval(plain).threshold = "2"; }],
    ["wrong_number", (plain) => { rule(plain).condition = { time_window: { from: "5", until: "5" } }; }],
    ["wrong_number", (plain) => { rule(plain).condition = { time_window: { from: "none", until: "none" } }; }],
    ["wrong_name", (plain) => { approval(plain).managers = ["mallory"]; }],
    ["wrong_name", (plain) => { rule(plain).principals = ["mallory"]; }],
    ["wrong_name", (plain) => { rule(plain).condition = { attestation_matches: { profile: "mallory" } }; }],
    ["wrong_name", (plain) => { rule(plain).name = "e\u0301"; }],
    ["wrong_name", (plain) => { plain.principals.callers[0].id = "alice"; }],
    ["wrong_name", (plain) => { plain.principals.tees[0].name = "owner"; }],
    ["wrong_name", (plain) => { passkey(plain).rp_id = ""; }],
    ["wrong_name", (plain) => { plain.principals.managers.push({ id: "bob", credentials: [{ fido2: passkey(plain) }] }); }],
    ["wrong_measurement", (plain) => { plain.principals.tees[0].mrenclave = "none"; }],
    ["wrong_measurement", (plain) => { plain.principals.tees[0].mrtd = "00".repeat(48); }],
    ["wrong_measurement", (plain) => { plain.principals.tees[0].isv_prod_id = "1"; }],
    ["too_few", (plain) => { rule(plain).principals = []; }],
    ["too_many", (plain) => { plain.operations = Array.from({ length: 65 }, (_, at) => ({ ...rule(plain), name: `r${at}` })); }],
    ["too_many", (plain) => { rule(plain).condition = { all: Array.from({ length: 256 }, () => ({ all: [] })) }; }],
    ["too_many", (plain) => { rule(plain).condition = Array.from({ length: 8 }).reduce((inner) => ({ all: [inner] }), { all: [] }); }],
  ];
  for (const [code, change] of edits) await assert.rejects(readPolicy(policy(anyCredential(), change)), { code }, String(change));
  await readPolicy(policy(anyCredential(), (plain) => {
    plain.lifecycle.deletion_window = "18446744073709551615";
    rule(plain).condition = Array.from({ length: 7 }).reduce((inner) => ({ all: [inner] }), { all: [] });
    plain.operations = Array.from({ length: 64 }, (_, at) => ({ ...rule(plain), name: `r${at}`, condition: at === 0 ? rule(plain).condition : { all: [] } }));
  }));
});

test("a profile whose sets are not sorted is refused", async () => {
  const twice = { ...profile("11"), platforms: ["02".repeat(32), "01".repeat(32)] };
  await assert.rejects(readProfile(canonicalBytes(canonical(twice))), { code: "not_canonical" });
  await readProfile(canonicalBytes(canonical({ ...twice, platforms: twice.platforms.reverse() })));
});

test("managers and their passkeys are found", async () => {
  const credential = anyCredential();
  const found = await readPolicy(policy(credential));
  assert.deepEqual(found.approvers.map((approver) => approver.person), ["alice"]);
  assert.deepEqual(found.approvers[0]?.fido2, [credential]);
});

test("the owner approves by the second factor", async () => {
  const credential = anyCredential();
  const found = await readPolicy(policy(credential, (plain) => {
    plain.principals.owner.second_factor = plain.principals.managers[0].credentials[0];
    plain.principals.managers = [];
    plain.operations[0].condition = { all: [] };
    for (const field of Object.keys(plain.mutability)) plain.mutability[field] = "immutable";
  }));
  assert.deepEqual(found.approvers.map((approver) => [approver.person, approver.isOwner]), [["owner", true]]);
  assert.deepEqual(found.owner, { issuer: "https://login.example", subject: "owen" });
});

test("a member that is unknown, missing or of another type is refused wherever it stands", async () => {
  const plain = plainOf(canonical(JSON.parse(new TextDecoder().decode(policy(anyCredential())))));
  let tried = 0;
  for (const change of changes(plain)) {
    const changed = structuredClone(plain);
    change(changed);
    await assert.rejects(readPolicy(canonicalBytes(canonical(changed))), { name: "Refused" });
    tried += 1;
  }
  assert.ok(tried > 60, `${tried} changes`);
});

/** A member more, a member less, for every object of the value. */
function* changes(plain: any, path: (string | number)[] = []): Generator<(root: any) => void> {
  if (typeof plain !== "object") return;
  const at = (root: any) => path.reduce((value, step) => value[step], root);
  if (!Array.isArray(plain)) {
    yield (root) => { at(root)["surprise"] = "x"; };
    for (const name of Object.keys(plain)) {
      yield (root) => { delete at(root)[name]; };
      yield (root) => { at(root)[name] = { surprise: ["x"] }; };
    }
  }
  for (const step of Object.keys(plain)) yield* changes(plain[step], [...path, step]);
}

test("every profile of the vectors is read, and has its digest", async () => {
  const cases = vectors("policy/profiles.json").filter((one: any) => one.canonical !== undefined);
  assert.ok(cases.length > 0);
  for (const one of cases) {
    const found = await readProfile(utf8(one.canonical));
    assert.equal(hex(found.digest), one.digest, one.name);
  }
});

test("a profile whose runtime measurements are not told by one register each is refused", async () => {
  const one = vectors("policy/profiles.json").find((one: any) => one.name === "a trust domain");
  const spoiled: [string, string][] = [['"index":"2"', '"index":"0"'], ['"index":"2",', ""], ['"index":"2"', '"register":"2"']];
  for (const [from, to] of spoiled) {
    const text = one.canonical.replace(from, to);
    assert.notEqual(text, one.canonical);
    await assert.rejects(readProfile(utf8(text)), { name: "Refused" }, to);
  }
});
