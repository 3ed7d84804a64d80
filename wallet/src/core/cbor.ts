/** The part of CBOR (RFC 8949) that authenticators use: definite lengths only, and no tags. */
import type { Bytes } from "./bytes.js";
import { fromUtf8 } from "./bytes.js";
import { must, Refused } from "./refused.js";

export type Cbor = number | string | Bytes | Cbor[] | CborMap;
export interface CborMap extends Map<number | string, Cbor> {}

const DEPTH = 5;
/** CTAP2 allows four levels of maps and lists. */
const LEVELS = 4;

/** The first value of the bytes, and how many bytes it took. */
export function readCbor(bytes: Bytes): { value: Cbor; length: number } {
  const reader = new Reader(bytes);
  const value = reader.value(DEPTH);
  return { value, length: reader.at };
}

/** Whether the bytes are one map, well-formed and with nothing behind it. What is in it is not looked at. */
export function isOneMap(bytes: Bytes): boolean {
  if ((bytes[0] ?? 0) >> 5 !== 5) return false;
  const reader = new Reader(bytes);
  try {
    reader.pass(LEVELS);
  } catch {
    return false;
  }
  return reader.at === bytes.length;
}

class Reader {
  at = 0;

  constructor(private readonly bytes: Bytes) {}

  value(depth: number): Cbor {
    must(depth > 0, "cbor", "CBOR is nested too deeply");
    const first = this.byte();
    const argument = this.argument(first & 31);
    switch (first >> 5) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.take(argument);
      case 3:
        return fromUtf8(this.take(argument)) ?? refuse("CBOR text is not UTF-8");
      case 4:
        return Array.from({ length: this.bounded(argument) }, () => this.value(depth - 1));
      case 5:
        return this.map(this.bounded(argument), depth - 1);
      case 7:
        // Simple values and floats: nothing here reads them.
        return argument;
      default:
        return refuse("CBOR of a kind that registrations do not have");
    }
  }

  /** Goes over one value, whatever it is. */
  pass(levels: number): void {
    const first = this.byte();
    const argument = this.argument(first & 31);
    const kind = first >> 5;
    if (kind === 2) this.take(argument);
    if (kind === 3) must(fromUtf8(this.take(argument)) !== null, "cbor", "CBOR text is not UTF-8");
    if (kind === 4 || kind === 5) this.passAll(this.bounded(kind === 5 ? 2 * argument : argument), levels - 1);
    must(kind !== 6, "cbor", "CBOR with a tag");
  }

  private passAll(count: number, levels: number): void {
    must(levels >= 0, "cbor", "CBOR is nested too deeply");
    for (let left = count; left > 0; left -= 1) this.pass(levels);
  }

  private map(size: number, depth: number): CborMap {
    const members: CborMap = new Map();
    for (let left = size; left > 0; left -= 1) {
      const key = this.value(depth);
      if (typeof key !== "number" && typeof key !== "string") return refuse("a CBOR key of a kind that is not used");
      must(!members.has(key), "cbor", "a CBOR map has two members of one name");
      members.set(key, this.value(depth));
    }
    return members;
  }

  /** Every item takes a byte, so that no length asks for more than there is. */
  private bounded(size: number): number {
    must(size <= this.bytes.length - this.at, "cbor", "CBOR ends early");
    return size;
  }

  private argument(info: number): number {
    if (info < 24) return info;
    must(info <= 27, "cbor", "CBOR with a length that is not used");
    let value = 0;
    for (let left = 1 << (info - 24); left > 0; left -= 1) value = value * 256 + this.byte();
    return value;
  }

  private byte(): number {
    const byte = this.bytes[this.at];
    must(byte !== undefined, "cbor", "CBOR ends early");
    this.at += 1;
    return byte;
  }

  private take(length: number): Bytes {
    const taken = this.bytes.slice(this.at, this.at + this.bounded(length));
    this.at += length;
    return taken;
  }
}

function refuse(message: string): never {
  throw new Refused("cbor", message);
}
