/**
 * Text from outside, so that what is seen is what it is: characters that do not show, or that turn
 * the order of others round, stand as their code points.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}|\p{Default_Ignorable_Code_Point}/gu;

export function visible(text: string): string {
  return text.replace(UNSEEN, (found) => `⟨U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** The same for text of several lines: line feeds and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(UNSEEN, (found) => (found === "\n" || found === "\t" ? found : visible(found)));
}
