/**
 * What else the wallet is told: by the relay, by its own storage, by the address, and the texts that nobody signs. The
 * first byte says which.
 */
import assert from "node:assert/strict";
import { base64url, fromUtf8, hex, utf8, type Bytes } from "../../src/core/bytes.js";
import { Refused } from "../../src/core/refused.js";
import { visible, visibleLines } from "../../src/core/visible.js";
import { moment, preview, remaining } from "../../src/core/words.js";
import { historyPage } from "../../src/ui/history.js";
import { inboxPage } from "../../src/ui/inbox.js";
import { passkeysPage } from "../../src/ui/passkeys.js";
import { reason } from "../../src/ui/problem.js";
import { bundle, readWaiting, simulated } from "../../src/ui/relay.js";
import { requestPage } from "../../src/ui/request.js";
import { history, keepPasskeys, passkeys, remember } from "../../src/ui/store.js";
import { sha256 } from "../fixture.js";
import { CREDENTIAL, tried } from "../verdicts.js";
import { checkPage, checkPrototypes, isClean, outside, shown, unvisible } from "./page.js";

/** Beside its own. */
export const seeds: string[] = [];

/** Characters: what takes the square of it does not come back in time. */
const LONG = 150_000;

const TOLD = [waiting, about, credentials, decisions, text, long, note, payload, address, broken];

export async function run(data: Bytes): Promise<void> {
  const body = data.slice(1);
  await TOLD[(data[0] ?? 0) % TOLD.length]?.(body);
  checkPrototypes();
}

/** A mailbox: every id is one that names a request, and the page is drawn. */
async function waiting(body: Bytes): Promise<void> {
  const found = await tried(() => readWaiting(body));
  for (const { id, expiresAt } of found ?? []) assert.ok(/^[a-z2-7]{26}$/.test(id) && Number.isSafeInteger(expiresAt));
  outside.body = body;
  outside.kept.clear();
  keepPasskeys([{ label: "alice", credential: CREDENTIAL }]);
  checkPage(shown(await inboxPage(() => {})), 64 * 1024);
}

async function about(body: Bytes): Promise<void> {
  outside.body = body;
  const said = await tried(simulated);
  if (said) assert.equal(JSON.parse(fromUtf8(body) ?? "").simulated, true);
}

/** Passkeys that were kept: what is read is written again as it was read, or nothing of it is. */
async function credentials(body: Bytes): Promise<void> {
  outside.kept.clear();
  outside.kept.set("wallet.passkeys", fromUtf8(body) ?? "");
  const found = passkeys();
  keepPasskeys(found);
  assert.deepEqual(passkeys().map(known), found.map(known));
  checkPage(shown(await passkeysPage(() => {})), 4096 + 64 * body.length);
}

const known = ({ label, credential }: ReturnType<typeof passkeys>[number]) => ({ label, ...credential, origins: [...credential.origins].sort() });

function decisions(body: Bytes): void {
  outside.kept.clear();
  outside.kept.set("wallet.history", fromUtf8(body) ?? "");
  const found = history();
  checkPage(shown(historyPage()), 4096 + 64 * body.length);
  const [first] = found;
  if (first === undefined) return;
  remember(first);
  assert.deepEqual(history(), [first, ...found].slice(0, 200));
}

/** What is made visible is clean, and says which characters stood there. */
function text(body: Bytes): void {
  const said = fromUtf8(body) ?? "";
  assert.ok(isClean({ tag: "bdi", text: visible(said), field: undefined }), visible(said));
  assert.ok(isClean({ tag: "pre", text: visibleLines(said), field: undefined }), visibleLines(said));
  assert.equal(unvisible(visible(said)), said);
  assert.equal(unvisible(visibleLines(said)), said);
}

/** Nothing takes more than its share of time for a text as long as payloads are. */
function long(body: Bytes): void {
  const said = fromUtf8(body.slice(0, 64)) ?? "";
  if (said.length === 0) return;
  const whole = `${said.repeat(Math.ceil(LONG / said.length))}.`;
  assert.equal(unvisible(visible(whole)), whole);
  assert.equal(unvisible(visibleLines(whole)), whole);
}

async function note(body: Bytes): Promise<void> {
  const said = fromUtf8(body) ?? "";
  const texts = await drawn(Uint8Array.of(1), said);
  const quoted = texts.filter(({ tag }) => tag === "blockquote").map(({ text }) => text);
  if (body.length <= 1024) assert.deepEqual(quoted.map(unvisible), [said]);
  else assert.deepEqual(quoted, []);
}

/** A message is shown whole: as the text that it is, or as hex. */
async function payload(body: Bytes): Promise<void> {
  const [data] = (await drawn(body)).filter(({ tag }) => tag === "pre").map(({ text }) => text);
  const { kind } = preview(body);
  assert.equal(kind === "text" ? hex(utf8(unvisible(data ?? ""))) : data?.replaceAll("\n", ""), hex(body));
}

async function drawn(body: Bytes, note?: string): ReturnType<typeof page> {
  return page({ payload: base64url(body), ...(note === undefined ? {} : { note }) }, {
    key_version: "1", operation: "sign", payload_length: String(body.length), payload_sha256: hex(sha256(body)), signature_format: "der",
  });
}

async function page(context: Record<string, string>, request: Record<string, string>) {
  const one = {
    constellation: "none", handle: `k-${"a".repeat(26)}`, lineage: "0c".repeat(32), nonce: "0d".repeat(32), not_after: "1700000000",
    policy_hash: "0e".repeat(32), policy_version: "3", request, requester: { principals: [{ certificate: { spki: "0f".repeat(32) } }], tls_client_key: "none" },
    type: "enclave-vaults/approval-statement", vault_id: "1a".repeat(32), version: "1",
  };
  const statements = [{ salt: "00".repeat(32), statement: base64url(utf8(JSON.stringify(one))) }];
  outside.body = utf8(JSON.stringify({ context, format: "enclave-vaults/approval-bundle/v1", padding: Array(15).fill("00".repeat(32)), statements }));
  const texts = shown(await requestPage("a".repeat(26)));
  checkPage(texts, 16 * 1024 + 32 * outside.body.length);
  return texts;
}

/** Nothing but a request's id becomes part of a path. */
async function address(body: Bytes): Promise<void> {
  const id = fromUtf8(body) ?? "";
  outside.body = new Uint8Array();
  const found = await tried(() => bundle(id));
  assert.equal(found !== null, /^[a-z2-7]{26}$/.test(id));
  checkPage(shown(await requestPage(id)), 4096);
}

/** What is said of a refusal is short and clean; so is a time. */
function broken(body: Bytes): void {
  const said = reason(new Refused("any", fromUtf8(body) ?? ""));
  assert.ok(said.length <= 4096 && isClean({ tag: "p", text: said, field: undefined }), said.slice(0, 100));
  const seconds = Number((fromUtf8(body) ?? "").replace(/[^0-9]/g, "").slice(0, 16));
  if (!Number.isSafeInteger(seconds)) return;
  const shownTime = /^second (\d+)$/.exec(moment(seconds))?.[1];
  assert.equal(shownTime === undefined ? Date.parse(moment(seconds).replace(" UTC", "Z").replace(" ", "T")) / 1000 : Number(shownTime), seconds);
  assert.ok(remaining(seconds, 0).length < 40);
}

