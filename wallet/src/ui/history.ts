/** What was decided in this browser. */
import { visible } from "../core/visible.js";
import { moment } from "../core/words.js";
import { badge, h, notice } from "./dom.js";
import { history, type Decision } from "./store.js";

export function historyPage(): HTMLElement[] {
  const all = history();
  const list = all.length === 0 ? notice("", "Nothing was decided in this browser yet.") : h("ul", { class: "list" }, ...all.map((one) => h("li", { class: "card" }, ...item(one))));
  return [h("h1", { tabindex: "-1" }, "History"), h("p", { class: "quiet" }, "Kept in this browser alone. What vaults did stands in their audit logs."), list];
}

function item(one: Decision): HTMLElement[] {
  return [
    h("div", { class: "line" }, h("h2", {}, visible(one.title)), badge(one.decision, one.decision === "approve" ? "approved" : "refused")),
    h("p", {}, `${moment(Number(one.at))} · asked by `, h("bdi", {}, visible(one.requester)), ` · ${visible(one.vaults)} ${one.vaults === "1" ? "vault" : "vaults"}`),
    h("p", { class: "exact quiet" }, visible(one.handles)),
    h("details", {}, h("summary", {}, "Challenge"), h("p", { class: "exact" }, visible(one.challenge))),
  ];
}
