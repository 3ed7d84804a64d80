/**
 * A strict, bounded JSON reader (RFC 8259): no duplicate names, no trailing characters, no
 * unpaired surrogates. `JSON.parse` keeps the last of two members with one name, and what is
 * shown must be what is signed.
 */
import { fromUtf8 } from "./bytes.js";
import { Refused, must } from "./refused.js";

/** A number is kept as its text, so that nothing is rounded. */
export class JsonNumber {
  constructor(readonly text: string) {}
}

export type Json = null | boolean | JsonNumber | string | Json[] | JsonMap;
export interface JsonMap extends Map<string, Json> {}

export interface Limits {
  bytes: number;
  depth: number;
  nodes: number;
}

export function parseJson(bytes: Uint8Array, limits: Limits): Json {
  must(bytes.length <= limits.bytes, "json", "JSON is longer than allowed");
  const text = fromUtf8(bytes);
  must(text !== null, "json", "JSON is not UTF-8");
  const reader = new Reader(text, limits.nodes);
  const value = reader.value(limits.depth);
  reader.end();
  return value;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class Reader {
  private at = 0;

  constructor(
    private readonly text: string,
    private nodes: number,
  ) {}

  end(): void {
    this.skipSpace();
    must(this.at === this.text.length, "json", "characters stand behind the JSON value");
  }

  value(depth: number): Json {
    this.skipSpace();
    this.nodes -= 1;
    must(this.nodes >= 0, "json", "JSON holds more values than allowed");
    const first = this.text[this.at];
    if (first === '"') return this.string();
    if (first === "{" || first === "[") {
      must(depth > 0, "json", "JSON is nested deeper than allowed");
      return first === "{" ? this.map(depth - 1) : this.list(depth - 1);
    }
    for (const [word, value] of [["true", true], ["false", false], ["null", null]] as const) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return new JsonNumber(this.take(NUMBER) || this.unexpected());
  }

  private list(depth: number): Json[] {
    const items: Json[] = [];
    this.expect("[");
    if (this.next("]")) return items;
    do items.push(this.value(depth));
    while (this.next(","));
    this.expect("]");
    return items;
  }

  private map(depth: number): JsonMap {
    const members: JsonMap = new Map();
    this.expect("{");
    if (this.next("}")) return members;
    do {
      this.skipSpace();
      const name = this.string();
      must(!members.has(name), "json", "a JSON object has two members of one name");
      this.expect(":");
      members.set(name, this.value(depth));
    } while (this.next(","));
    this.expect("}");
    return members;
  }

  private string(): string {
    if (this.text[this.at] !== '"') return this.unexpected();
    this.at += 1;
    let out = "";
    for (;;) {
      out += this.take(PLAIN);
      const stop = this.text[this.at];
      this.at += 1;
      if (stop === '"') return out;
      if (stop !== "\\") return this.unexpected();
      out += this.escape();
    }
  }

  private escape(): string {
    const kind = this.text[this.at] ?? this.unexpected();
    this.at += 1;
    if (kind !== "u") return ESCAPES[kind] ?? this.unexpected();
    const first = this.fourHexDigits();
    if (first < 0xd800 || first > 0xdfff) return String.fromCharCode(first);
    must(first < 0xdc00 && this.text.startsWith("\\u", this.at), "json", "an unpaired surrogate");
    this.at += 2;
    const second = this.fourHexDigits();
    must(second >= 0xdc00 && second <= 0xdfff, "json", "an unpaired surrogate");
    return String.fromCharCode(first, second);
  }

  private fourHexDigits(): number {
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return this.unexpected();
    this.at += 4;
    return Number.parseInt(digits, 16);
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private next(symbol: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== symbol) return false;
    this.at += 1;
    return true;
  }

  private expect(symbol: string): void {
    if (!this.next(symbol)) this.unexpected();
  }

  private skipSpace(): void {
    this.take(/[ \t\n\r]*/y);
  }

  private unexpected(): never {
    throw new Refused("json", "not JSON");
  }
}
