/** Whether a difference between two policies allows more or less. In doubt it "changes". */
import { canonicalText, type Canonical, type CanonicalMap } from "./canonical.js";
import type { Difference } from "./diff.js";
import { Rights } from "./rights.js";

export type Effect = "widens" | "narrows" | "changes";

/** Of a part: it may be the same on both sides. */
type Part = Effect | "same";

const OPPOSITE = { widens: "narrows", narrows: "widens", changes: "changes", same: "same" } as const;

/** Of each difference between these two policies. A rule is judged among all others. */
export function effects(old: CanonicalMap, now: CanonicalMap): (difference: Difference) => Effect {
  const rights = new Rights(old, now);
  return (difference) => {
    const { subject, before, after } = difference;
    const found = subject === "rule" ? together(rights.of([before, after])) : effectOf(difference);
    return found === "same" ? "changes" : found;
  };
}

function effectOf({ subject, name, change, before, after }: Difference): Part {
  if (subject !== "value") return change === "added" ? "widens" : change === "removed" ? "narrows" : "changes";
  if (name === "usage.operations") return sets(before, after);
  if (name === "lifecycle.deletion_window") return grows(before, after, "narrows");
  if (name === "principals.owner.second_factor") return before === "none" ? "narrows" : after === "none" ? "widens" : "changes";
  if (name === "mutability") return mutability(before, after);
  return "changes";
}

function mutability(before: Canonical | null, after: Canonical | null): Part {
  if (!(before instanceof Map) || !(after instanceof Map)) return "changes";
  return together([...before].map(([field, level]) => levels(level, after.get(field) ?? "")));
}

/** owner < quorum < immutable; a quorum by its threshold, and by whether tokens count. */
function levels(before: Canonical, after: Canonical): Part {
  const [old, now] = [part(before, "quorum"), part(after, "quorum")];
  if (old === null || now === null) return grows(rank(before), rank(after), "narrows");
  const [threshold, more] = [part(old, "threshold"), part(now, "threshold")];
  const [oidc, allowed] = [part(old, "oidc"), part(now, "oidc")];
  return together([grows(threshold, more, "narrows"), oidc === allowed ? "same" : allowed === "allowed" ? "widens" : "narrows"]);
}

function rank(level: Canonical): string {
  return level === "owner" ? "0" : level === "immutable" ? "2" : "1";
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
