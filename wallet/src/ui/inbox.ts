/** Requests that wait for one of this browser's passkeys. */
import { mailbox } from "../core/answer.js";
import { Refused } from "../core/refused.js";
import { review, type Review } from "../core/review.js";
import { visible } from "../core/visible.js";
import { earliest, handles, remaining, requesterName, title } from "../core/words.js";
import { settled } from "./decision.js";
import { badge, h, notice, say } from "./dom.js";
import { problem, reason } from "./problem.js";
import * as relay from "./relay.js";
import { passkeys } from "./store.js";
import { now } from "./time.js";

export async function inboxPage(redraw: () => void): Promise<HTMLElement[]> {
  const refresh = () => {
    say("Looking for requests.");
    redraw();
  };
  const head = h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Requests"), h("button", { type: "button", click: refresh }, "Refresh"));
  const known = passkeys();
  if (known.length === 0) {
    const first = h("section", { class: "card" }, h("h2", {}, "No passkey yet"), h("p", {}, "Requests are addressed to passkeys. Register one, and give its principal to the owner of a key."), h("p", {}, h("a", { class: "back", href: "#/passkeys" }, "Register a passkey")));
    return [head, first];
  }
  try {
    const boxes = await Promise.all(known.map((one) => mailbox(one.credential.id)));
    const waiting = await relay.inbox(boxes);
    const items = await Promise.all(waiting.map((one) => item(one.id)));
    const shown = items.filter((one): one is HTMLElement => one !== null);
    if (shown.length === 0) return [head, notice("", "Nothing waits for you.")];
    return [head, h("ul", { class: "list" }, ...shown.map((one) => h("li", {}, one)))];
  } catch (error) {
    return [head, problem(error)];
  }
}

async function item(id: string): Promise<HTMLElement | null> {
  try {
    const bytes = await relay.bundle(id);
    return bytes === null ? null : linked(id, ...summary(await review(bytes)));
  } catch (error) {
    const why = error instanceof Refused ? reason(error) : "It could not be fetched.";
    return linked(id, h("span", { class: "line" }, h("strong", {}, "A request that cannot be shown"), badge("refuse", "not shown")), h("span", { class: "quiet" }, why));
  }
}

function linked(id: string, ...children: HTMLElement[]): HTMLElement {
  return h("a", { class: "card", href: `#/request/${id}` }, ...children);
}

function summary(found: Review): HTMLElement[] {
  const [first] = found.statements;
  const left = remaining(earliest(found), now());
  const decided = settled(found);
  const state = decided ? badge(decided, decided === "approve" ? "approved" : "refused") : badge(left === "expired" ? "over" : "soon", left);
  const count = found.statements.length;
  return [
    h("span", { class: "line" }, h("strong", {}, title(first.request.operation)), state),
    h("span", {}, "Asked by ", h("bdi", {}, visible(requesterName(first)))),
    h("span", { class: "exact quiet" }, handles(found).join(" ")),
    h("span", { class: "quiet" }, count === 1 ? "on one vault" : `on ${count} vaults`),
  ];
}
