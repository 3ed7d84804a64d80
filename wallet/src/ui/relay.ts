/** The relay: a mailbox that nobody believes. */
import { count, list, object } from "../core/shape.js";
import { utf8, type Bytes } from "../core/bytes.js";
import { JsonNumber, parseJson, type Json } from "../core/json.js";
import { must } from "../core/refused.js";

export interface Listed {
  id: string;
  expiresAt: number;
}

const LIMITS = { bytes: 256 * 1024, depth: 4, nodes: 4096 };
/** A relay keeps 64 in a mailbox; whatever is more is a relay's doing. */
const SHOWN = 64;
const ID = /^[a-z2-7]{26}$/;

export async function inbox(mailboxes: string[]): Promise<Listed[]> {
  const lists = await Promise.all(mailboxes.map(listed));
  const found = new Map(lists.flat().map((one) => [one.id, one]));
  return [...found.values()].sort((a, b) => a.expiresAt - b.expiresAt).slice(0, SHOWN);
}

async function listed(mailbox: string): Promise<Listed[]> {
  return readWaiting(await get(`/v1/mailboxes/${mailbox}`));
}

/** What a relay says that waits in a mailbox. */
export function readWaiting(bytes: Bytes): Listed[] {
  const members = object(texts(parseJson(bytes, LIMITS)), ["requests"], "mailbox");
  return list(members.get("requests"), "requests").map((item) => {
    const one = object(item, ["expires_at", "id"], "request");
    const id = one.get("id");
    must(typeof id === "string" && ID.test(id), "relay", "the relay names a request in a way that is not known");
    return { id, expiresAt: count(one.get("expires_at"), "expires_at") };
  });
}

/** Numbers as their texts: the relay's own lists have some. */
function texts(json: Json): ReturnType<typeof list>[number] {
  if (json instanceof JsonNumber) return json.text;
  if (json instanceof Map) return new Map([...json].map(([name, inner]) => [name, texts(inner)]));
  return Array.isArray(json) ? json.map(texts) : String(json);
}

/** The bytes of a bundle; `null` if the relay has it no longer. */
export async function bundle(id: string): Promise<Bytes | null> {
  must(ID.test(id), "relay", "this is no request's id");
  const response = await fetch(`/v1/requests/${id}`, { cache: "no-store" });
  if (response.status === 404) return null;
  return bytes(response);
}

export async function answer(id: string, text: string): Promise<void> {
  must(ID.test(id), "relay", "this is no request's id");
  const sent = { method: "POST", headers: { "content-type": "application/json" }, body: utf8(text) };
  await bytes(await fetch(`/v1/requests/${id}/answers`, sent));
}

export async function simulated(): Promise<boolean> {
  const about = parseJson(await get("/v1/about"), LIMITS);
  return about instanceof Map && about.get("simulated") === true;
}

async function get(path: string): Promise<Bytes> {
  return bytes(await fetch(path, { cache: "no-store" }));
}

async function bytes(response: Response): Promise<Bytes> {
  must(response.ok, "relay", `the relay answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
