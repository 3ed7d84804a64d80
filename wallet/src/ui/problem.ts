/** Why something did not happen, for people. */
import { Refused } from "../core/refused.js";
import { visible } from "../core/visible.js";
import { notice } from "./dom.js";

export function reason(error: unknown): string {
  if (error instanceof Refused) return visible(error.message);
  return error instanceof TypeError ? "The relay cannot be reached." : "Something went wrong in the wallet itself.";
}

export function problem(error: unknown): HTMLElement {
  const shown = notice("bad", reason(error));
  shown.dataset["code"] = error instanceof Refused ? error.code : "other";
  return shown;
}
