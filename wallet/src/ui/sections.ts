/** What a request does, part by part. */
import { fromUtf8, hex } from "../core/bytes.js";
import { meaning, type Line } from "../core/diff.js";
import type { Review } from "../core/review.js";
import { visible, visibleLines } from "../core/visible.js";
import * as words from "../core/words.js";
import { badge, block, card, facts, h, notice } from "./dom.js";

const EFFECTS = { widens: "allows more", narrows: "allows less", changes: "changes" } as const;
/** What these are given may be secret, and has no place on a screen. */
const SECRET = ["wrap", "unwrap"];

export function sections(found: Review): HTMLElement[] {
  const [first] = found.statements;
  return [
    card("What is asked", facts(words.requestRows(first.request)), ...preview(found)),
    ...policyChange(found),
    ...profileChange(found),
    card("The key", facts(words.keyRows(found))),
    vaults(found),
    card("Who asks", facts(words.requesterRows(first)), ...note(found)),
    exact(found),
  ];
}

function preview({ payload, statements: [first] }: Review): HTMLElement[] {
  if (!first.request.members.has("payload_sha256")) return [];
  if (payload === null) return [notice("", "The data itself was not sent: only its length and SHA-256 are known here.")];
  if (SECRET.includes(first.request.operation)) return [notice("", "The data was sent along and matches, and is not shown: it may be secret.")];
  if (words.isOfADigest(first.request)) {
    const digest = block("The digest, in hex", words.hexLines(payload), { "data-preview": "digest" });
    return [h("div", { class: "field" }, h("h3", {}, "The digest, in hex"), digest, notice("", "The message that it is the digest of is not known here."))];
  }
  const shown = words.preview(payload);
  const label = shown.kind === "text" ? "The whole message, as text" : "The whole message, in hex";
  return [h("div", { class: "field" }, h("h3", {}, label), block(label, visibleLines(shown.text), { "data-preview": shown.kind }))];
}

function policyChange(found: Review): HTMLElement[] {
  if (found.newPolicy === null) return [];
  const changes = words.policyDifferences(found);
  const intro = h("p", {}, `${changes.length === 1 ? "One change" : `${changes.length} changes`} against the policy in force, whose hash was checked. Everything that differs is here.`);
  return [card("What changes in the policy", intro, h("ul", { class: "list", "data-diff": "policy" }, ...changes.map(change)))];
}

function change(one: words.Judged): HTMLElement {
  const subject = one.subject === "value" ? one.name : `${one.subject} ${one.name}`;
  const head = h("div", { class: "line" }, h("h3", {}, h("bdi", {}, visible(subject)), ` ${one.change === "changed" ? "" : one.change}`), badge(one.effect, EFFECTS[one.effect]));
  const said = one.subject === "value" ? meaning(one.name) : null;
  return h("li", { class: "change" }, head, said && h("p", { class: "path" }, said), lineList(one.lines));
}

function lineList(lines: Line[]): HTMLElement {
  const item = (line: Line) => {
    const said = [line.path, meaning(line.path)].filter((part) => part !== null && part !== "").join(": ");
    return h("li", {}, said ? h("span", { class: "path" }, visible(said)) : null, side("del", "Before", line.before), side("ins", "After", line.after));
  };
  return h("ul", {}, ...lines.map(item));
}

function side(tag: "del" | "ins", label: string, value: string | null): HTMLElement | null {
  return value === null ? null : h(tag, {}, h("span", { class: "visually-hidden" }, `${label}: `), h("bdi", {}, visible(value)));
}

function profileChange(found: Review): HTMLElement[] {
  const view = words.profileView(found);
  if (view === null) return [];
  const proposed = [h("h3", {}, "The proposed build, whole"), facts(view.rows)];
  return [card("Which build", ...beside(view), ...proposed)];
}

function beside(view: words.ProfileView): HTMLElement[] {
  if (view.beside === null) return [notice("", "The key's policy was not sent: what the build would stand beside is not known here.")];
  const name = visible(view.name);
  const known = view.beside.map((lines) => h("div", { class: "change", "data-diff": "profile" }, h("h3", {}, `Against the build that is called ${name} now`), lines.length === 0 ? h("p", {}, "No difference.") : lineList(lines)));
  const rules = view.rules ?? [];
  const stands = rules.length === 0 ? `No rule names ${name}.` : `The name ${name} stands in ${rules.length === 1 ? "the rule" : "the rules"} ${rules.map(visible).join("; ")}.`;
  return [h("p", {}, known.length === 0 ? `No build has the name ${name} now. ` : "Both builds are allowed until the old one is removed. ", stands), ...known];
}

function vaults(found: Review): HTMLElement {
  const own = words.handles(found).length > 1;
  const items = found.statements.map((statement, at) => {
    const [vault, key, ...more] = words.vaultRows(statement, at);
    const open = [vault, ...(own ? [key] : [])].filter((row): row is words.Row => row !== undefined);
    const folded = [...(own ? [] : [key]), ...more].filter((row): row is words.Row => row !== undefined);
    return h("li", {}, facts(open), h("details", {}, h("summary", {}, "Key, nonce and time on this vault"), facts(folded)));
  });
  return card("How often, and where", h("p", { "data-allowance": true }, words.allowance(found)), h("ol", { class: "vaults" }, ...items));
}

function note({ note }: Review): HTMLElement[] {
  if (note === null) return [];
  return [h("div", { class: "field" }, h("h3", {}, "The requester's words, which nobody signs"), h("blockquote", { "data-note": true, dir: "auto" }, visibleLines(note)))];
}

function exact(found: Review): HTMLElement {
  const texts = found.statements.map((statement, at) => block(`Statement for vault ${at + 1}`, visible(fromUtf8(statement.bytes) ?? ""), { "data-statement": String(at) }));
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Exactly what is signed"),
    h("details", {}, h("summary", {}, found.statements.length === 1 ? "The statement and the challenge" : `${found.statements.length} statements and the challenge`), h("div", { class: "field" }, ...texts, facts([{ label: "Challenge", value: hex(found.challenge), exact: true }]))),
  );
}
