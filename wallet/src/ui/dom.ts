/** Elements from code. Text is only ever text: nothing here reads HTML. */
import { visible } from "../core/visible.js";
import type { Row } from "../core/words.js";

type Child = Node | string | null | false;
type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

export function h(tag: string, attributes: Attributes = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

/** Rows as a description list. Values come from outside, and are made visible. */
export function facts(rows: Row[]): HTMLElement {
  return h("dl", {}, ...rows.map(fact));
}

function fact(row: Row): HTMLElement {
  const attributes: Attributes = { ...(row.field ? { "data-field": row.field } : {}), ...(row.exact ? { class: "exact" } : {}) };
  return h("div", {}, h("dt", {}, visible(row.label)), h("dd", attributes, h("bdi", {}, visible(row.value))));
}

export function card(title: string, ...children: Child[]): HTMLElement {
  return h("section", { class: "card" }, h("h2", {}, title), ...children);
}

export function badge(kind: string, text: string): HTMLElement {
  return h("span", { class: `badge ${kind}` }, text);
}

export function notice(kind: "" | "warn" | "bad" | "good", ...children: Child[]): HTMLElement {
  return h("p", { class: `notice ${kind}` }, ...children);
}

/** Says something to those who listen instead of looking. */
export function say(text: string): void {
  const said = document.getElementById("said");
  if (said) said.textContent = text;
}

/** A region that can be scrolled can be reached by keyboard. */
export function block(label: string, text: string, attributes: Attributes = {}): HTMLElement {
  return h("pre", { tabindex: "0", role: "region", "aria-label": label, ...attributes }, text);
}
