// Changes of an input, the same ones from the same seed.

const NUMBERS = ["0", "1", "-1", "01", "255", "4294967295", "4294967296", "9007199254740991", "9007199254740992", "18446744073709551615", "18446744073709551616", "1e3", "none", "true"];
const CHARACTERS = ["\u0000", "\u202e", "\u200b", "\u00ad", "\ufeff", "\u2800", "\u{1f600}", "\u{e0041}", "e\u0301", "  ", "⟨U+202E⟩", "__proto__", "constructor"];

/** Marsaglia's xorshift, 32 bits. */
export class Dice {
  constructor(seed) {
    this.state = seed >>> 0 || 1;
  }

  below(end) {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % Math.max(1, end);
  }

  of(items) {
    return items[this.below(items.length)];
  }
}

function spliced(bytes, at, removed, put) {
  const out = new Uint8Array(bytes.length - removed + put.length);
  out.set(bytes.subarray(0, at));
  out.set(put, at);
  out.set(bytes.subarray(at + removed), at + put.length);
  return out;
}

const range = (dice, bytes) => {
  const at = dice.below(bytes.length + 1);
  return [at, dice.below(Math.min(bytes.length - at, 64) + 1)];
};

const flip = (bytes, dice) => {
  const out = bytes.slice();
  if (out.length > 0) out[dice.below(out.length)] ^= 1 << dice.below(8);
  return out;
};
const put = (bytes, dice) => spliced(bytes, dice.below(bytes.length + 1), 0, Uint8Array.of(dice.below(256)));
const cut = (bytes, dice) => spliced(bytes, ...range(dice, bytes), new Uint8Array());
const end = (bytes, dice) => bytes.slice(0, dice.below(bytes.length + 1));
const twice = (bytes, dice) => {
  const [at, length] = range(dice, bytes);
  return spliced(bytes, at, 0, bytes.subarray(at, at + length));
};
const splice = (bytes, dice, { others }) => {
  const other = dice.of(others) ?? bytes;
  const [from, length] = range(dice, other);
  return spliced(bytes, ...range(dice, bytes), other.subarray(from, from + 4 * length));
};
const token = (bytes, dice, { tokens }) => {
  const [at, length] = range(dice, bytes);
  return spliced(bytes, at, dice.below(2) * length, Buffer.from(dice.of(tokens) ?? ""));
};
const number = (bytes, dice) => {
  const found = [...Buffer.from(bytes).toString("latin1").matchAll(/\d+/g)];
  const one = dice.of(found);
  return one ? spliced(bytes, one.index, one[0].length, Buffer.from(dice.of(NUMBERS))) : put(bytes, dice);
};

/** Objects and lists of a JSON text, with one value of it changed for another, doubled, taken out or put elsewhere. */
const json = (bytes, dice, { tokens }) => {
  let plain;
  try {
    plain = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return token(bytes, dice, { tokens });
  }
  const places = [];
  const walk = (value) => {
    if (typeof value !== "object" || value === null) return;
    for (const name of Object.keys(value)) {
      places.push([value, name]);
      walk(value[name]);
    }
  };
  walk(plain);
  if (places.length > 0) edit(dice, dice.of(places), dice.of(places), tokens);
  try {
    return new Uint8Array(Buffer.from(JSON.stringify(sorted(plain))));
  } catch {
    return flip(bytes, dice);
  }
};

function edit(dice, [holder, name], [other, from], tokens) {
  const value = holder[name];
  const edits = [
    () => { holder[name] = structuredClone(other[from]); },
    () => { if (Array.isArray(holder)) holder.push(structuredClone(other[from])); else holder[dice.of(tokens) ?? ""] = structuredClone(value); },
    () => { if (Array.isArray(holder)) holder.splice(Number(name), 1); else delete holder[name]; },
    () => { holder[name] = dice.of([...NUMBERS, ...CHARACTERS, ...tokens]); },
    () => { if (typeof value === "string") holder[name] = value.slice(0, dice.below(value.length + 1)) + dice.of(CHARACTERS) + value.slice(dice.below(value.length + 1)); },
    () => { if (typeof value === "string") holder[name] = inside(value, dice, tokens); },
    () => { if (typeof value === "string") holder[name] = dice.of(tokens) ?? ""; },
  ];
  dice.of(edits)();
}

/** A text that holds bytes in base64url: they are changed. */
function inside(text, dice, tokens) {
  const bytes = new Uint8Array(Buffer.from(text, "base64url"));
  return Buffer.from(dice.of([flip, json, token])(bytes, dice, { tokens })).toString("base64url");
}

/** Mostly canonical: members by name, and lists by text, but for those that keep their order. */
function sorted(value, name = "") {
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value)) return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key], key)]));
  const items = value.map((item) => sorted(item));
  if (["all", "any", "statements", "padding"].includes(name)) return items;
  return items.map((item) => [JSON.stringify(item), item]).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

const CHANGES = [flip, put, cut, end, twice, splice, token, number, json, json, json, json];

/** One to four changes; `given` has `others`, inputs to take pieces from, and `tokens`. */
export function mutate(bytes, dice, given, longest = 1 << 16) {
  let out = bytes;
  for (let left = dice.below(4); left >= 0; left -= 1) out = dice.of(CHANGES)(out, dice, given);
  return out.slice(0, longest);
}
