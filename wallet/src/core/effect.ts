/** Whether a difference between two policies allows more or less. In doubt it "changes". */
import { canonicalText, type Canonical } from "./canonical.js";
import type { Difference } from "./diff.js";

export type Effect = "widens" | "narrows" | "changes";

/** Of a part: it may be the same on both sides. */
type Part = Effect | "same";

const OPPOSITE = { widens: "narrows", narrows: "widens", changes: "changes", same: "same" } as const;
const ALWAYS = '{"all":[]}';

export function effect(difference: Difference): Effect {
  const found = effectOf(difference);
  return found === "same" ? "changes" : found;
}

function effectOf(difference: Difference): Part {
  const { subject, name, change, before, after } = difference;
  if (subject === "rule") return rule(before, after);
  if (subject !== "value") return change === "added" ? "widens" : change === "removed" ? "narrows" : "changes";
  if (name === "usage.operations") return sets(before, after);
  if (name === "lifecycle.deletion_window") return grows(before, after, "narrows");
  if (name === "principals.owner.second_factor") return before === "none" ? "narrows" : after === "none" ? "widens" : "changes";
  if (name === "mutability") return mutability(before, after);
  return "changes";
}

/** A rule for `any` alone takes away; another one grants, and its condition takes away. */
function rule(before: Canonical | null, after: Canonical | null): Part {
  if (before === null) return restricts(after) ? "narrows" : "widens";
  if (after === null) return restricts(before) ? "widens" : isAlways(before) ? "narrows" : "changes";
  if (restricts(before) !== restricts(after)) return "changes";
  const scope = (name: string): Part => {
    const change = sets(part(before, name), part(after, name));
    if (restricts(after)) return OPPOSITE[change];
    // Whom the rule no longer names, its condition no longer binds.
    return change === "narrows" && !isAlways(before) ? "changes" : change;
  };
  const conditions = condition(part(before, "condition"), part(after, "condition"));
  return together([scope("operations"), scope("principals"), conditions]);
}

function restricts(value: Canonical | null): boolean {
  const principals = part(value, "principals");
  return Array.isArray(principals) && principals.every((name) => name === "any");
}

function isAlways(value: Canonical): boolean {
  return canonicalText(part(value, "condition") ?? "") === ALWAYS;
}

function condition(before: Canonical | null, after: Canonical | null): Part {
  if (before === null || after === null) return "changes";
  const [old, now] = [canonicalText(before), canonicalText(after)];
  if (old === now) return "same";
  if (now === ALWAYS) return "widens";
  if (old === ALWAYS) return "narrows";
  const [approval, other] = [part(before, "manager_approval"), part(after, "manager_approval")];
  return approval !== null && other !== null ? managerApproval(approval, other) : "changes";
}

function managerApproval(before: Canonical, after: Canonical): Part {
  const at = (name: string) => [part(before, name), part(after, name)] as const;
  const [oidc, allowed] = at("oidc");
  return together([
    grows(...at("fresh_for"), "widens"),
    grows(...at("threshold"), "narrows"),
    sets(...at("managers")),
    oidc === allowed ? "same" : allowed === "allowed" ? "widens" : "narrows",
  ]);
}

function mutability(before: Canonical | null, after: Canonical | null): Part {
  if (!(before instanceof Map) || !(after instanceof Map)) return "changes";
  return together([...before].map(([field, level]) => levels(level, after.get(field) ?? "")));
}

function levels(before: Canonical, after: Canonical): Part {
  const [old, now] = [rank(before), rank(after)];
  if (old === now) return canonicalText(before) === canonicalText(after) ? "same" : "changes";
  return old < now ? "narrows" : "widens";
}

/** owner < quorum(t) < quorum(t + 1) < immutable. */
function rank(level: Canonical): number {
  if (level === "owner") return 0;
  if (level === "immutable") return Number.MAX_SAFE_INTEGER;
  return Number(part(part(level, "quorum"), "threshold"));
}

function grows(before: Canonical | null, after: Canonical | null, larger: "widens" | "narrows"): Part {
  const [old, now] = [Number(before), Number(after)];
  return old === now ? "same" : now > old ? larger : OPPOSITE[larger];
}

function sets(before: Canonical | null, after: Canonical | null): Part {
  const [old, now] = [before, after].map((value) => new Set(Array.isArray(value) ? value.map(canonicalText) : []));
  if (!old || !now) return "changes";
  const more = [...now].some((item) => !old.has(item));
  const less = [...old].some((item) => !now.has(item));
  return together([more ? "widens" : "same", less ? "narrows" : "same"]);
}

function together(effects: Part[]): Part {
  const [first, ...others] = new Set(effects.filter((one) => one !== "same"));
  if (first === undefined) return "same";
  return others.length === 0 ? first : "changes";
}

function part(value: Canonical | null, name: string): Canonical | null {
  return value instanceof Map ? (value.get(name) ?? null) : null;
}
