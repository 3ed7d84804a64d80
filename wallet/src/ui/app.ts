/** The pages, by the part of the address behind `#`. */
import { remaining } from "../core/words.js";
import { h, notice } from "./dom.js";
import { historyPage } from "./history.js";
import { inboxPage } from "./inbox.js";
import { passkeysPage } from "./passkeys.js";
import { requestPage } from "./request.js";
import * as relay from "./relay.js";
import { now } from "./time.js";

/** How often the inbox looks for itself, while it is open. */
const LOOK = 15_000;

/** What is drawn last is what was asked for last, whatever comes in first. */
let turn = 0;

interface Page {
  name: "requests" | "passkeys" | "history";
  title: string;
  elements: Promise<HTMLElement[]>;
}

function page(): Page {
  const [, first = "", second = ""] = location.hash.split("/");
  const redraw = () => void draw();
  if (first === "passkeys") return { name: "passkeys", title: "Passkeys", elements: passkeysPage(redraw) };
  if (first === "history") return { name: "history", title: "History", elements: Promise.resolve(historyPage()) };
  if (first === "request") return { name: "requests", title: "Request", elements: requestPage(second) };
  return { name: "requests", title: "Requests", elements: inboxPage(redraw) };
}

async function draw(focus = true): Promise<void> {
  turn += 1;
  const mine = turn;
  const where = location.hash;
  const { name, title, elements } = page();
  const drawn = await elements.catch(() => [h("h1", { tabindex: "-1" }, title), notice("bad", "This page could not be drawn.")]);
  if (mine !== turn) return;
  document.title = `${title} · Enclave Vaults approvals`;
  document.querySelectorAll("nav a").forEach((link) => {
    if (link instanceof HTMLElement && link.dataset["page"] === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  const main = document.getElementById("main");
  main?.replaceChildren(...drawn);
  main?.setAttribute("data-where", where);
  if (focus) main?.querySelector("h1")?.focus();
}

/** Time runs on while a request is read. A page that has lapsed is drawn anew, without a button. */
function tick(): void {
  document.querySelectorAll<HTMLElement>("[data-until]").forEach((element) => {
    const left = remaining(Number(element.dataset["until"]), now());
    if (left !== element.textContent) element.textContent = left;
    if (left === "expired" && element.classList.contains("soon")) void draw(false);
  });
}

async function start(): Promise<void> {
  addEventListener("hashchange", () => void draw());
  setInterval(tick, 1000);
  setInterval(() => {
    const idle = document.visibilityState === "visible" && !document.activeElement?.closest("main a, main button");
    if (idle && ["", "#/", "#"].includes(location.hash)) void draw(false);
  }, LOOK);
  await draw(false);
  const simulated = document.getElementById("simulated");
  if (simulated) simulated.hidden = !(await relay.simulated().catch(() => false));
  await worker();
}

/** The one string that becomes code, by its only policy. */
async function worker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const path = "/sw.js";
  const types = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } } }).trustedTypes;
  const trusted = types?.createPolicy("wallet", { createScriptURL: (url: string) => (url === path ? url : "") }).createScriptURL(path) ?? path;
  await navigator.serviceWorker.register(trusted).catch(() => undefined);
}

void start();
