/** Characters of a sentence, whatever it quotes. */
const LONGEST = 400;

/** Why the wallet shows no button: a stable code and a sentence for people. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message);
    this.name = "Refused";
  }
}

/** Ends with a refusal unless the condition holds. */
export function must(condition: boolean, code: string, message: string): asserts condition {
  if (!condition) throw new Refused(code, message);
}
