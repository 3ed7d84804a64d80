/** ECDSA signatures: DER (as authenticators write them) to the fixed width that WebCrypto reads. */
import { concat, type Bytes } from "./bytes.js";

/** `null` unless it is the one DER text of two positive integers of at most 32 bytes. */
export function p1363(der: Bytes): Bytes | null {
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 72) return null;
  const r = integer(der.slice(2));
  if (r === null) return null;
  const s = integer(der.slice(2 + r.length));
  if (s === null || 2 + r.length + s.length !== der.length) return null;
  return concat(r.value, s.value);
}

function integer(der: Bytes): { value: Bytes; length: number } | null {
  const size = der[1] ?? 0;
  const body = der.slice(2, 2 + size);
  if (der[0] !== 0x02 || size === 0 || body.length !== size || (body[0] ?? 0) > 0x7f) return null;
  const padded = body[0] === 0;
  if (padded && (size === 1 || (body[1] ?? 0) < 0x80)) return null;
  const digits = padded ? body.slice(1) : body;
  if (digits.length > 32) return null;
  const value = new Uint8Array(32);
  value.set(digits, 32 - digits.length);
  return { value, length: 2 + size };
}
