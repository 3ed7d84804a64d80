/** One request: everything on this page comes from the review whose challenge the button signs. */
import { review, type Review } from "../core/review.js";
import { visible } from "../core/visible.js";
import { earliest, handles, moment, remaining, requesterName, title } from "../core/words.js";
import { decision } from "./decision.js";
import { badge, h, notice } from "./dom.js";
import { problem } from "./problem.js";
import * as relay from "./relay.js";
import { sections } from "./sections.js";
import { now } from "./time.js";

export async function requestPage(id: string): Promise<HTMLElement[]> {
  const back = h("a", { class: "back", href: "#/" }, "‹ All requests");
  const refused = (...children: HTMLElement[]) => [back, h("h1", { tabindex: "-1" }, "This request cannot be shown"), ...children];
  try {
    const bytes = await relay.bundle(id);
    if (bytes === null) return refused(notice("", "The relay has it no longer: it has expired, or was never there."));
    const found = await review(bytes);
    return [back, head(found), ...sections(found), decision(id, found)];
  } catch (error) {
    return refused(problem(error), h("p", {}, "There is nothing to approve here: the wallet signs only what it has decoded completely. Ask the requester for a new one."));
  }
}

function head(found: Review): HTMLElement {
  const [first] = found.statements;
  const until = earliest(found);
  const left = badge(remaining(until, now()) === "expired" ? "over" : "soon", remaining(until, now()));
  left.dataset["until"] = String(until);
  return h(
    "div",
    { class: "card" },
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title(first.request.operation)), left),
    h("p", {}, h("bdi", {}, visible(requesterName(first))), ` asks, until ${moment(until)}.`),
    h("p", { class: "exact quiet" }, handles(found).map(visible).join(" ")),
  );
}
