/** A page without a browser: what the wallet draws is kept as the texts that somebody would see. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

export const ORIGIN = "http://localhost:8443";

class Element {
  readonly attributes = new Map<string, string>();
  readonly children: (Element | string)[] = [];
  readonly dataset: Record<string, string> = {};
  readonly classList = { add: () => {} };

  constructor(readonly tag: string) {}

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  append(...children: unknown[]): void {
    for (const child of children) this.children.push(child instanceof Element ? child : String(child));
  }

  addEventListener(): void {}
}

/** What a relay answers, and what the browser remembers. */
export const outside = { body: new Uint8Array(), kept: new Map<string, string>() };

const globals = {
  document: { createElement: (tag: string) => new Element(tag), getElementById: () => null },
  location: { origin: ORIGIN, hostname: "localhost", hash: "" },
  localStorage: { getItem: (name: string) => outside.kept.get(name) ?? null, setItem: (name: string, value: string) => void outside.kept.set(name, value) },
  fetch: async () => ({ ok: true, status: 200, arrayBuffer: async () => outside.body.slice().buffer }),
};
for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true });
// Hashes at once: those of the browser take a thread each.
crypto.subtle.digest = async (_, bytes) => new Uint8Array(createHash("sha256").update(bytes as Uint8Array).digest()).buffer;

export interface Shown {
  tag: string;
  text: string;
  /** `data-field` of the element around it. */
  field: string | undefined;
}

/** Every text, in order, and every attribute that is read out. */
export function shown(elements: unknown[]): Shown[] {
  const found: Shown[] = [];
  const walk = (element: Element, field: string | undefined) => {
    const own = element.attributes.get("data-field") ?? field;
    const label = element.attributes.get("aria-label");
    if (label !== undefined) found.push({ tag: "@", text: label, field: undefined });
    for (const child of element.children) {
      if (typeof child === "string") found.push({ tag: element.tag, text: child, field: own });
      else walk(child, own);
    }
  };
  for (const element of elements) if (element instanceof Element) walk(element, undefined);
  return found;
}

/** Controls, what turns the order of others round, and what is drawn as nothing; written apart from the wallet's own list. */
const UNSEEN: [number, number][] = [
  [0x00, 0x1f], [0x7f, 0x9f], [0xad, 0xad], [0xa0, 0xa0], [0x34f, 0x34f], [0x61c, 0x61c], [0x115f, 0x1160], [0x17b4, 0x17b5], [0x1680, 0x1680],
  [0x180b, 0x180f], [0x2000, 0x200f], [0x2028, 0x202f], [0x205f, 0x206f], [0x2800, 0x2800], [0x3000, 0x3000], [0x3164, 0x3164],
  [0xd800, 0xf8ff], [0xfe00, 0xfe0f], [0xfeff, 0xfeff], [0xffa0, 0xffa0], [0xfff0, 0xfffb], [0x1bca0, 0x1bca3], [0x1d173, 0x1d17a], [0xe0000, 0x10ffff],
];
/** Where text keeps its lines. */
const LINES = ["pre", "blockquote"];

export function isClean({ tag, text }: Shown): boolean {
  return [...text].every((character) => {
    if (LINES.includes(tag) && (character === "\n" || character === "\t")) return true;
    const point = character.codePointAt(0) ?? 0;
    return !UNSEEN.some(([first, last]) => first <= point && point <= last);
  });
}

/** The text that was made visible. */
export function unvisible(text: string): string {
  return text.replace(/⟨U\+([0-9A-F]{4,6})⟩/g, (_, point: string) => String.fromCodePoint(Number.parseInt(point, 16)));
}

/** Of a page: clean, and no longer than what it was made of allows. */
export function checkPage(texts: Shown[], longest: number): void {
  for (const one of texts) assert.ok(isClean(one), `shown as it came: ${JSON.stringify(one)}`);
  const length = texts.reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(length <= longest, `${length} characters are shown, of ${longest}`);
}

export function checkPrototypes(): void {
  for (const name in {}) assert.fail(`every object has ${name}`);
}
