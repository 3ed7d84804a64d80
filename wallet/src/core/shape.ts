/** Reading canonical objects of a closed shape: a member that is unknown or missing is refused. */
import { unbase64url, unhex, utf8, type Bytes } from "./bytes.js";
import { isSet, type Canonical, type CanonicalMap } from "./canonical.js";
import { must, Refused } from "./refused.js";

export function object(value: Canonical | undefined, names: readonly string[], where: string): CanonicalMap {
  const members = anyObject(value, where);
  for (const name of members.keys()) {
    must(names.includes(name), "unknown_member", `${where} has a member this wallet does not know: ${name}`);
  }
  for (const name of names) {
    must(members.has(name), "missing_member", `${where} has no ${name}`);
  }
  return members;
}

export function anyObject(value: Canonical | undefined, where: string): CanonicalMap {
  must(value instanceof Map, "wrong_type", `${where} is not an object`);
  return value;
}

/** The name and value of an object that must have exactly one member. */
export function choice(value: Canonical | undefined, where: string): [string, Canonical] {
  const [first, ...more] = anyObject(value, where);
  must(first !== undefined && more.length === 0, "wrong_type", `${where} is not a choice of one member`);
  return first;
}

export function list(value: Canonical | undefined, where: string): Canonical[] {
  must(Array.isArray(value), "wrong_type", `${where} is not a list`);
  return value;
}

export function text(value: Canonical | undefined, where: string): string {
  must(typeof value === "string", "wrong_type", `${where} is not text`);
  return value;
}

export function hash(value: Canonical | undefined, where: string): string {
  const found = text(value, where);
  must(unhex(found, 32) !== null, "wrong_hash", `${where} is not 32 bytes in hex`);
  return found;
}

/** 48 bytes: a measurement of a trust domain. */
export function wide(value: Canonical | undefined, where: string): string {
  const found = text(value, where);
  must(unhex(found, 48) !== null, "wrong_hash", `${where} is not 48 bytes in hex`);
  return found;
}

export function oneOf<T extends string>(value: Canonical | undefined, known: readonly T[], where: string): T {
  const found = text(value, where);
  const match = known.find((name) => name === found);
  if (match === undefined) throw new Refused("unknown_value", `${where} is ${found}, which this wallet does not know`);
  return match;
}

/** A whole number, decimal, without leading zeros, small enough for JavaScript to hold exactly. */
export function count(value: Canonical | undefined, where: string): number {
  const found = text(value, where);
  const number = Number(found);
  must(/^(?:0|[1-9][0-9]{0,15})$/.test(found) && Number.isSafeInteger(number), "wrong_number", `${where} is not a whole number`);
  return number;
}

/** A whole number of at most so many bits, decimal, without leading zeros. */
export function whole(value: Canonical | undefined, bits: 8 | 16 | 32 | 64, where: string): bigint {
  const found = text(value, where);
  const isWhole = /^(?:0|[1-9][0-9]{0,19})$/.test(found) && BigInt(found) >> BigInt(bits) === 0n;
  must(isWhole, "wrong_number", `${where} is not a whole number of ${bits} bits`);
  return BigInt(found);
}

/** A name is compared byte for byte: 1 to 256 bytes in form NFC, without control characters. */
export function identity(value: Canonical | undefined, where: string): string {
  const found = text(value, where);
  const length = utf8(found).length;
  must(length >= 1 && length <= 256 && found.normalize("NFC") === found && !/\p{Cc}/u.test(found), "wrong_name", `${where} is not a name`);
  return found;
}

/** What `read` makes of it, unless it is `none`. */
export function given<T>(value: Canonical | undefined, read: (value: Canonical | undefined) => T): T | null {
  return value === "none" ? null : read(value);
}

export function blob(value: Canonical | undefined, where: string): Bytes {
  const found = unbase64url(text(value, where));
  must(found !== null, "wrong_base64", `${where} is not base64url`);
  return found;
}

/** Every list is a set but those of `all` and `any`, whose order refusals name. */
export function checkSets(value: Canonical, name = ""): void {
  if (typeof value === "string") return;
  if (value instanceof Map) return value.forEach((inner, member) => checkSets(inner, member));
  must(["all", "any"].includes(name) || isSet(value), "not_canonical", `${name} is not a sorted set`);
  value.forEach((inner) => checkSets(inner));
}
