/** JCS (RFC 8785) restricted to strings, arrays and objects. */
import { compare, same, utf8, type Bytes } from "./bytes.js";
import { JsonNumber, parseJson, type Json, type Limits } from "./json.js";
import { must, Refused } from "./refused.js";

export type Canonical = string | Canonical[] | CanonicalMap;
export interface CanonicalMap extends Map<string, Canonical> {}

/** Reads a canonical text and refuses every other spelling of the same value. */
export function readCanonical(bytes: Uint8Array, limits: Limits): Canonical {
  const value = fromJson(parseJson(bytes, limits));
  must(same(canonicalBytes(value), bytes), "not_canonical", "the text is not in canonical form");
  return value;
}

/** Takes parsed JSON that holds only strings, arrays and objects. */
export function fromJson(json: Json): Canonical {
  if (typeof json === "string") return json;
  if (Array.isArray(json)) return json.map(fromJson);
  if (json === null || typeof json === "boolean" || json instanceof JsonNumber) {
    throw new Refused("not_canonical", "canonical JSON holds only strings, arrays and objects");
  }
  return new Map([...json].map(([name, value]) => [name, fromJson(value)]));
}

/** An object of the given members. */
export function map(members: Record<string, Canonical>): CanonicalMap {
  return new Map(Object.entries(members));
}

/** The one text of a value. Names are sorted by UTF-16 code units, as JavaScript compares. */
export function canonicalText(value: Canonical): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  const names = [...value.keys()].sort((a, b) => (a < b ? -1 : 1));
  return `{${names.map((name) => `${quote(name)}:${canonicalText(value.get(name) ?? "")}`).join(",")}}`;
}

export function canonicalBytes(value: Canonical): Bytes {
  return utf8(canonicalText(value));
}

/** Whether the members are sorted by their canonical bytes, without duplicates. */
export function isSet(items: Canonical[]): boolean {
  const texts = items.map(canonicalBytes);
  return texts.every((text, at) => at === 0 || compare(texts[at - 1] ?? text, text) < 0);
}

const SHORT: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
};

/** RFC 8785, 3.2.2.2: the shortest escapes, lower-case hex, everything else as it is. */
function quote(text: string): string {
  const escaped = text.replace(
    /["\\\u0000-\u001f]/g,
    (found) => SHORT[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}
