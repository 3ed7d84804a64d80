/** Why the wallet shows no button: a stable code and a sentence for people. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "Refused";
  }
}

/** Ends with a refusal unless the condition holds. */
export function must(condition: boolean, code: string, message: string): asserts condition {
  if (!condition) throw new Refused(code, message);
}
