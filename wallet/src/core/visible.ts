/**
 * Text from outside, so that what is seen is what it is: characters that do not show, or that turn
 * the order of others round, stand as their code points. So do spaces that nobody would see: the
 * first, the last, and those beside another; and so does the bracket that a code point begins with.
 */
const UNSEEN = /[⟨\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}|\p{Default_Ignorable_Code_Point}|[\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u.source;
const IN_A_LINE = new RegExp(`^ +| +$| {2,}|${UNSEEN}`, "gu");
/** In text whose spaces keep their width, only those at the end of a line are not seen. */
const IN_LINES = new RegExp(`(?<![ \\t])([ \\t]+)$|${UNSEEN}`, "gmu");

export function visible(text: string): string {
  return text.replace(IN_A_LINE, points);
}

/** The same for text of several lines that is shown with every space: line feeds and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(IN_LINES, (found, end?: string) => (end === undefined && (found === "\n" || found === "\t") ? found : points(found)));
}

function points(found: string): string {
  return [...found].map((one) => `⟨U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`).join("");
}
