/** A bundle, as an untrusted relay hands it over. Reading it believes nothing but its shape. */
import { unhex, utf8, type Bytes } from "./bytes.js";
import { fromJson } from "./canonical.js";
import { LEAVES } from "./challenge.js";
import { parseJson } from "./json.js";
import { must } from "./refused.js";
import { anyObject, blob, hash, list, object, text } from "./shape.js";

const LIMITS = { bytes: 512 * 1024, depth: 4, nodes: 128 };
const FORMAT = "enclave-vaults/approval-bundle/v1";
const CONTEXT = ["new_policy", "note", "payload", "policy", "profile"];

export interface Bundle {
  statements: { statement: Bytes; salt: Bytes }[];
  padding: Bytes[];
  policy: Bytes | null;
  newPolicy: Bytes | null;
  profile: Bytes | null;
  payload: Bytes | null;
  /** The requester's own words. Nobody signs them. */
  note: string | null;
}

export function readBundle(bytes: Uint8Array): Bundle {
  const members = object(fromJson(parseJson(bytes, LIMITS)), ["context", "format", "padding", "statements"], "bundle");
  must(members.get("format") === FORMAT, "unknown_version", "a bundle of a format this wallet does not know");
  const statements = list(members.get("statements"), "statements").map((item) => {
    const entry = object(item, ["salt", "statement"], "statements");
    return { statement: blob(entry.get("statement"), "statement"), salt: bytes32(entry.get("salt"), "salt") };
  });
  const padding = list(members.get("padding"), "padding").map((item) => bytes32(item, "padding"));
  must(statements.length >= 1, "wrong_leaves", "the bundle holds no statement");
  must(statements.length + padding.length === LEAVES, "wrong_leaves", "statements and padding are not 16 leaves");
  return { statements, padding, ...context(members.get("context")) };
}

function context(value: Parameters<typeof anyObject>[0]): Omit<Bundle, "statements" | "padding"> {
  const given = [...anyObject(value, "context").keys()];
  const members = object(value, CONTEXT.filter((name) => given.includes(name)), "context");
  const optional = (name: string) => (members.has(name) ? blob(members.get(name), name) : null);
  const note = members.has("note") ? text(members.get("note"), "note") : null;
  must(note === null || utf8(note).length <= 1024, "wrong_note", "the note is longer than allowed");
  return {
    policy: optional("policy"),
    newPolicy: optional("new_policy"),
    profile: optional("profile"),
    payload: optional("payload"),
    note,
  };
}

function bytes32(value: Parameters<typeof hash>[0], where: string): Bytes {
  const found = unhex(hash(value, where));
  must(found !== null, "wrong_hash", `${where} is not 32 bytes in hex`);
  return found;
}
