/** The vectors that vaults read as well. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAssertion, type Assertion } from "../../src/core/assertion.js";
import { hex, unbase64url, unhex, utf8, type Bytes } from "../../src/core/bytes.js";
import { readBundle } from "../../src/core/bundle.js";
import { canonicalText, readCanonical } from "../../src/core/canonical.js";
import { challengeOf, paddingLeaf, statementLeaf } from "../../src/core/challenge.js";
import { readCredential } from "../../src/core/credential.js";
import { readRequest } from "../../src/core/request.js";
import { challengeOfBundle, oneRequest } from "../../src/core/review.js";
import { readStatement } from "../../src/core/statement.js";
import { canonical, sha256, vectors } from "../fixture.js";

const LIMITS = { bytes: 1 << 20, depth: 32, nodes: 1 << 16 };
const bytes = (text: string) => unbase64url(text) as Bytes;

test("requests: every accepted one is read, every refused one is not", () => {
  const { accepted, refused } = vectors("approval/requests.json");
  assert.ok(accepted.length > 0 && refused.length > 0);
  for (const one of accepted) {
    const found = readRequest(readCanonical(utf8(one.canonical), LIMITS));
    assert.equal(found.operation, one.operation);
    assert.equal(canonicalText(found.members), one.canonical);
  }
  for (const one of refused) assert.throws(() => readRequest(readCanonical(utf8(one.text), LIMITS)), { name: "Refused" }, one.name);
});

test("statements: every accepted one is read, every refused one is not", () => {
  const { accepted, refused } = vectors("approval/statements.json");
  assert.ok(accepted.length > 0 && refused.length > 0);
  for (const one of accepted) {
    assert.equal(canonicalText(readStatement(utf8(one.statement)).members), one.statement);
    assert.equal(hex(sha256(utf8(one.statement))), one.hash);
  }
  for (const one of refused) assert.throws(() => readStatement(utf8(one.text)), { name: "Refused" }, one.name);
});

test("trees: leaves and challenges are those of the vaults", async () => {
  const { trees } = vectors("approval/trees.json");
  assert.ok(trees.length > 0);
  for (const tree of trees) {
    const signed = tree.statements.map((one: any) => statementLeaf(unhex(one.salt) as Bytes, utf8(one.statement)));
    const padding = tree.padding.map((one: any) => paddingLeaf(unhex(one.random) as Bytes));
    const leaves = await Promise.all([...signed, ...padding]);
    assert.deepEqual(leaves.map(hex), [...tree.statements, ...tree.padding].map((one: any) => one.leaf));
    assert.equal(hex(await challengeOf(leaves)), tree.challenge);
  }
});

test("bundles: every accepted one leads to its challenge, every refused one is refused", async () => {
  const { accepted, refused } = vectors("approval/bundles.json");
  assert.ok(accepted.length > 0 && refused.length > 0);
  for (const one of accepted) {
    const bundle = readBundle(utf8(one.bundle));
    oneRequest(bundle.statements.map((entry) => readStatement(entry.statement)));
    assert.equal(hex(await challengeOfBundle(bundle)), one.challenge);
  }
  for (const one of refused) {
    const read = () => oneRequest(readBundle(utf8(one.text)).statements.map((entry) => readStatement(entry.statement)));
    assert.throws(read, { name: "Refused" }, one.name);
  }
});

test("assertions: the valid ones hold, the others are refused for the reason that vaults give", async () => {
  const reasons: Record<string, string> = {
    unknown_credential: "other_credential", relying_party: "rp_id", user_presence: "user_present", user_verification: "user_verified",
  };
  const { challenge, groups } = vectors("approval/assertions.json");
  let tried = 0;
  for (const { credential, cases } of groups) {
    const value = canonical(credential);
    assert.ok(value instanceof Map);
    const named = readCredential(value.get("fido2") ?? value, "fido2");
    for (const one of cases) {
      const assertion: Assertion = {
        credentialId: bytes(one.credential_id), authenticatorData: bytes(one.authenticator_data),
        clientData: bytes(one.client_data_json), signature: bytes(one.signature),
      };
      const checked = checkAssertion(assertion, named, unhex(challenge) as Bytes);
      if (one.expect === "accepted") await checked;
      else await assert.rejects(checked, { code: reasons[one.expect] ?? one.expect }, one.name);
      tried += 1;
    }
  }
  assert.ok(tried > 20, `${tried} assertions`);
});

test("padding: a statement that hides there is not covered by the challenge", async () => {
  const hidden = vectors("approval/trees.json").hidden_among_the_padding;
  const leaf = await statementLeaf(unhex(hidden.hidden_salt) as Bytes, utf8(hidden.hidden));
  assert.equal(hidden.padding[0], hex(leaf));
  const signed = [await statementLeaf(unhex(hidden.salt) as Bytes, utf8(hidden.statement))];
  const padding = hidden.padding.map((one: string) => unhex(one) as Bytes);
  assert.equal(hex(await challengeOf([...signed, ...(await Promise.all(padding.map(paddingLeaf)))])), hidden.challenge);
  assert.equal(hex(await challengeOf([...signed, ...padding])), hidden.challenge_of_raw_leaves);
});
