import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, utf8 } from "../../src/core/bytes.js";
import { readPolicy } from "../../src/core/policy.js";
import { readProfile } from "../../src/core/profile.js";
import { anyCredential, canonical, plainOf, policy, vectors } from "../fixture.js";
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
