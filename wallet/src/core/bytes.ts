/** The texts in which bytes are written: one text for each byte string, every other is refused. */

export type Bytes = Uint8Array<ArrayBuffer>;

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

export function utf8(text: string): Bytes {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** `null` for bytes that are not UTF-8. A byte order mark is a character like others. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Order by bytes, as canonical sets are sorted. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes from lower-case hex, of exactly `length` where it is given. */
export function unhex(text: string, length?: number): Bytes | null {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) return null;
  if (length !== undefined && text.length !== 2 * length) return null;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** RFC 4648 base64url, unpadded. */
export function base64url(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let held = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    held += 8;
    while (held >= 6) {
      held -= 6;
      text += BASE64URL[(buffer >> held) & 63];
    }
  }
  return held > 0 ? text + BASE64URL[(buffer << (6 - held)) & 63] : text;
}

/** Bytes from RFC 4648 base64url, unpadded; `null` if any unused bit is set. */
export function unbase64url(text: string): Bytes | null {
  return decode(text, BASE64URL, 6);
}

/** Bytes from RFC 4648 base32, lower case, unpadded; `null` if any unused bit is set. */
export function unbase32(text: string): Bytes | null {
  return decode(text, BASE32, 5);
}

function decode(text: string, alphabet: string, width: number): Bytes | null {
  const out = new Uint8Array(Math.floor((text.length * width) / 8));
  let buffer = 0;
  let held = 0;
  let at = 0;
  for (const symbol of text) {
    const index = alphabet.indexOf(symbol);
    if (index < 0) return null;
    buffer = ((buffer << width) | index) & 0xffff;
    held += width;
    if (held >= 8) {
      held -= 8;
      out[at] = (buffer >> held) & 0xff;
      at += 1;
    }
    buffer &= (1 << held) - 1;
  }
  return held < width && buffer === 0 ? out : null;
}
