/** Why something did not happen, for people. */
import { Refused } from "../core/refused.js";
import { visible } from "../core/visible.js";
import { notice } from "./dom.js";

export function reason(error: unknown): string {
  if (error instanceof Refused) return sentence(visible(error.message));
  return error instanceof TypeError ? "The relay cannot be reached." : "Something went wrong in the wallet itself.";
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

export function problem(error: unknown): HTMLElement {
  const shown = notice("bad", reason(error));
  shown.dataset["code"] = error instanceof Refused ? error.code : "other";
  return shown;
}
