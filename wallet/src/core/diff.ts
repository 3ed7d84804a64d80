/**
 * What differs between two canonical values, leaf by leaf. Every leaf that is not the same on both
 * sides is in the result, so that nothing can change unseen.
 */
import { canonicalText, type Canonical } from "./canonical.js";

export interface Line {
  path: string;
  before: string | null;
  after: string | null;
}

export interface Difference {
  /** What it is about: `rule`, `manager`, … or the path of a single value. */
  subject: string;
  name: string;
  change: "added" | "removed" | "changed";
  lines: Line[];
  before: Canonical | null;
  after: Canonical | null;
}

/** Lists whose members are things with a name, and what they are called. */
const THINGS: Record<string, { subject: string; key: string }> = {
  operations: { subject: "rule", key: "name" },
  "principals.auditors": { subject: "auditor", key: "id" },
  "principals.callers": { subject: "caller", key: "id" },
  "principals.managers": { subject: "manager", key: "id" },
  "principals.mtls": { subject: "certificate", key: "id" },
  "principals.tees": { subject: "profile", key: "name" },
};

/** Conditions of no members; no text can stand where a condition does. */
const CONDITIONS: Record<string, string> = { '{"all":[]}': "(always)", '{"any":[]}': "(never)" };

/** What the last name of a path means, where the name does not say it. */
const MEANINGS: Record<string, string> = {
  deletion_window: "seconds between a deletion and its end, in which it can be cancelled",
  fresh_for: "how old an approval may be, in seconds",
  managers: "who may approve",
  min_isv_svn: "the lowest security version that is let in",
  mrenclave: "the measurement of one build",
  mrtd: "what a trust domain starts from",
  rtmrs: "what a trust domain loads after its start; none means anything",
  RTMR0: "what a trust domain's firmware is set up with",
  RTMR1: "what a trust domain boots: its loader and kernel",
  RTMR2: "what a trust domain's system is started with",
  RTMR3: "what a trust domain's programs add while it runs",
  mrsigner: "whoever signed the build: every build of theirs",
  oidc: "whether an identity provider may approve in a person's name",
  platforms: "the machines; none means any",
  quorum: "the persons who must approve a change",
  sealed_forever: "whether the key may become unusable for ever",
  statuses: "the states of a platform's firmware that are let in",
  threshold: "how many different persons must approve",
};

export function meaning(path: string): string | null {
  return MEANINGS[path.split(".").at(-1) ?? ""] ?? null;
}

export function diff(before: Canonical, after: Canonical, path = ""): Difference[] {
  if (canonicalText(before) === canonicalText(after)) return [];
  const thing = THINGS[path];
  if (thing && Array.isArray(before) && Array.isArray(after)) return things(before, after, thing);
  if (before instanceof Map && after instanceof Map && path.split(".").length < 3 && !path.startsWith("mutability")) {
    const names = [...new Set([...before.keys(), ...after.keys()])].sort();
    return names.flatMap((name) => diff(before.get(name) ?? [], after.get(name) ?? [], path ? `${path}.${name}` : name));
  }
  return [{ subject: "value", name: path, change: "changed", lines: lines(before, after), before, after }];
}

function things(before: Canonical[], after: Canonical[], { subject, key }: { subject: string; key: string }): Difference[] {
  const gone = without(before, after);
  const come = without(after, before);
  const name = (item: Canonical) => (item instanceof Map ? String(item.get(key)) : "");
  const found: Difference[] = [];
  for (const item of gone) {
    // One of a name on each side is a change; otherwise nothing says which became which.
    const pairs = come.filter((other) => name(other) === name(item));
    const alone = pairs.length === 1 && gone.filter((other) => name(other) === name(item)).length === 1;
    const other = alone ? pairs[0] : undefined;
    if (other !== undefined) come.splice(come.indexOf(other), 1);
    found.push({ subject, name: name(item), change: other === undefined ? "removed" : "changed", lines: lines(item, other ?? null), before: item, after: other ?? null });
  }
  for (const item of come) {
    found.push({ subject, name: name(item), change: "added", lines: lines(null, item), before: null, after: item });
  }
  return found;
}

function without(items: Canonical[], others: Canonical[]): Canonical[] {
  const known = new Set(others.map(canonicalText));
  return items.filter((item) => !known.has(canonicalText(item)));
}

/** The leaves of both sides that are not the same, by path. */
export function lines(before: Canonical | null, after: Canonical | null): Line[] {
  const old = before === null ? new Map<string, string>() : leaves(before);
  const now = after === null ? new Map<string, string>() : leaves(after);
  const paths = [...new Set([...old.keys(), ...now.keys()])];
  return paths
    .map((path) => ({ path, before: old.get(path) ?? null, after: now.get(path) ?? null }))
    .filter((line) => line.before !== line.after);
}

/** Every leaf and its path. A list of texts is one leaf; other lists are told by position. */
export function leaves(value: Canonical, path = ""): Map<string, string> {
  if (typeof value === "string") return new Map([[path, value]]);
  if (Array.isArray(value)) {
    const registers = value.length > 0 && path.split(".").at(-1) === "rtmrs" ? rtmrs(value, path) : null;
    if (registers !== null) return registers;
    if (value.length === 0) return new Map([[path, "(none)"]]);
    if (value.every((item) => typeof item === "string")) return new Map([[path, listed(value)]]);
    return new Map(value.flatMap((item, at) => [...leaves(item, `${path}[${at + 1}]`)]));
  }
  const whole = CONDITIONS[canonicalText(value)];
  if (whole !== undefined) return new Map([[path, whole]]);
  if (value.size === 0) return new Map([[path, "(empty)"]]);
  return new Map([...value].flatMap(([name, inner]) => [...leaves(inner, path ? `${path}.${name}` : name)]));
}

/** Members that hold a comma, or could be taken for a word of ours, stand in quotes. */
function listed(items: string[]): string {
  return items.map((item) => (/^[^\s,"()]+$/.test(item) ? item : canonicalText(item))).join(", ");
}

/** Runtime measurements by their register, if that is what they are. */
function rtmrs(items: Canonical[], path: string): Map<string, string> | null {
  const found = new Map<string, string>();
  for (const item of items) {
    if (!(item instanceof Map) || item.size !== 2) return null;
    const [index, value] = [item.get("index"), item.get("value")];
    if (typeof index !== "string" || typeof value !== "string") return null;
    found.set(`${path}.RTMR${index}`, value);
  }
  return found.size === items.length ? found : null;
}
