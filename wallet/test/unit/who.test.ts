/** As whom passkeys count, as `crates/vault-policy` counts them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/core/bytes.js";
import { principal, type Credential } from "../../src/core/credential.js";
import { readPolicy } from "../../src/core/policy.js";
import { review } from "../../src/core/review.js";
import { standings } from "../../src/core/who.js";
import { ALICE, anyCredential, BOT, bundle, bytes, plainOf, policy, signing } from "../fixture.js";

const HERE = "http://localhost:1";
const OWEN = { issuer: ALICE.issuer, subject: "owen" };
const [P1, P2, P3] = [1, 2, 3].map((byte) => ({ ...anyCredential(HERE), id: new Uint8Array(16).fill(byte), publicKey: new Uint8Array(65).fill(byte).fill(4, 0, 1) })) as [Credential, Credential, Credential];
const fido2 = (credential: Credential) => plainOf(principal(credential));
const DELETE = { operation: "delete_key", window: "60" };
const SIGN = signing(utf8("m"));

/** Who of these passkeys' people counts for the request of this subject; `alice` has the first passkey. */
async function told(change: (plain: any) => void, request: Record<string, string>, subject: typeof ALICE, passkeys: Credential[], origin = HERE) {
  const text = policy(P1, change);
  const { statements: [first] } = await review(bytes(bundle({ request, policy: text, requester: { principals: [{ oidc: subject }], tls_client_key: "none" } })));
  return standings(await readPolicy(text), first, passkeys, origin);
}

const short = (found: Awaited<ReturnType<typeof told>>) => found.map(({ person, isOwner, credentials, uncounted }) =>
  [isOwner ? "(owner)" : person, credentials.map((one) => [P1, P2, P3].findIndex((known) => known.id[0] === one.id[0]) + 1).join(), uncounted]);

test("one passkey is one person, under the policy that judges, with its key and for this origin", async () => {
  const same = () => {};
  assert.deepEqual(short(await told(same, SIGN, BOT, [P2, P1])), [["alice", "1", null]]);
  assert.deepEqual(await told(same, SIGN, BOT, [P1], "http://localhost:2"), []);
  assert.deepEqual(await told(same, SIGN, BOT, [P2]), []);
  assert.deepEqual(await told(same, SIGN, BOT, [{ ...P1, publicKey: P2.publicKey }]), []);
  assert.deepEqual(await told(same, SIGN, BOT, [{ ...P1, rpId: "example.com" }]), []);
});

test("an owner who is a manager confirms by the second factor, and not as the manager", async () => {
  const owner = (plain: any) => {
    plain.principals.managers[0].credentials.push({ oidc: OWEN });
    plain.principals.owner.second_factor = fido2(P2);
  };
  assert.deepEqual(short(await told(owner, DELETE, OWEN, [P1, P2])), [["(owner)", "2", null], ["alice", "1", "requester"]]);
  assert.deepEqual(short(await told(owner, SIGN, OWEN, [P1, P2])), [["(owner)", "2", null], ["alice", "1", "requester"]]);
  assert.deepEqual(short(await told(owner, DELETE, OWEN, [P1])), [["alice", "1", "requester"]]);
  assert.deepEqual(short(await told(owner, SIGN, BOT, [P1, P2])), [["alice", "1", null], ["(owner)", "2", "not_owners"]]);
});

test("a manager's passkey that is the owner's second factor counts as what the request makes of it", async () => {
  const both = (plain: any) => { plain.principals.owner.second_factor = fido2(P1); };
  assert.deepEqual(short(await told(both, DELETE, OWEN, [P1])), [["(owner)", "1", null], ["alice", "1", "requester"]]);
  assert.deepEqual(short(await told(both, SIGN, BOT, [P1])), [["alice", "1", null], ["(owner)", "1", "not_owners"]]);
  // Whoever has the second factor among their passkeys is the owner, with each of them.
  const more = (plain: any) => {
    plain.principals.managers[0].credentials.push(fido2(P2));
    plain.principals.owner.second_factor = fido2({ ...P2, id: P3.id });
  };
  assert.deepEqual(short(await told(more, SIGN, OWEN, [P1])), [["alice", "1", "requester"]]);
  assert.deepEqual(short(await told(more, SIGN, BOT, [P1, P2])), [["alice", "1,2", null]]);
});

test("several people of one browser are told one by one", async () => {
  const bob = (plain: any) => {
    plain.principals.managers.push({ id: "bob", credentials: [fido2(P2), fido2(P3)] });
    plain.operations[0].condition.manager_approval.managers.push("bob");
  };
  assert.deepEqual(short(await told(bob, SIGN, BOT, [P1, P2])), [["alice", "1", null], ["bob", "2", null]]);
  const subject = (plain: any) => { bob(plain); plain.principals.managers[0].credentials.push({ oidc: ALICE }); };
  assert.deepEqual(short(await told(subject, SIGN, ALICE, [P1, P2])), [["bob", "2", null], ["alice", "1", "requester"]]);
});

test("who is not asked is told that it does not count", async () => {
  const same = () => {};
  for (const request of [DELETE, { operation: "cancel_deletion" }, { operation: "revoke_profile", profile_digest: "00".repeat(32) }, { operation: "get_public_key", key_version: "1" }]) {
    assert.deepEqual(short(await told(same, request, OWEN, [P1])), [["alice", "1", "not_asked"]], request.operation);
  }
  const other = (plain: any) => {
    plain.principals.managers.push({ id: "carol", credentials: [{ oidc: { issuer: ALICE.issuer, subject: "carol" } }] });
    plain.operations[0].condition.manager_approval.managers = ["carol"];
  };
  assert.deepEqual(short(await told(other, SIGN, BOT, [P1])), [["alice", "1", "not_asked"]]);
  const deep = (plain: any) => {
    const [rule] = plain.operations;
    rule.condition = { any: [{ time_window: { from: "1", until: "none" } }, { all: [{ any: [rule.condition] }] }] };
  };
  assert.deepEqual(short(await told(deep, SIGN, BOT, [P1])), [["alice", "1", null]]);
});
