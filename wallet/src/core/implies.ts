/** Whether one condition asks for at least as much as another, as far as their forms show. */
import { canonicalText, type Canonical } from "./canonical.js";

/** Pairs that are compared at most; beyond them the answer is no. */
const PAIRS = 1 << 14;

/** Whether whoever meets `strong` meets `weak`. `true` is certain, `false` is not. What is compared is taken from `all`. */
export function implies(strong: Canonical, weak: Canonical, all: { pairs: number }): boolean {
  const left = { pairs: Math.min(PAIRS, all.pairs) };
  const before = left.pairs;
  const found = follows(strong, weak, left);
  all.pairs -= before - left.pairs;
  return found;
}

function follows(strong: Canonical, weak: Canonical, left: { pairs: number }): boolean {
  if (left.pairs === 0) return false;
  left.pairs -= 1;
  const on = (one: Canonical, other: Canonical) => follows(one, other, left);
  const [all, any] = [members(strong, "all"), members(weak, "any")];
  const everyWeak = members(weak, "all");
  if (everyWeak !== null) return everyWeak.every((one) => on(strong, one));
  const anyStrong = members(strong, "any");
  if (anyStrong !== null) return anyStrong.every((one) => on(one, weak));
  if (all !== null && any !== null) return all.some((one) => on(one, weak)) || any.some((one) => on(strong, one));
  if (all !== null) return all.some((one) => on(one, weak));
  if (any !== null) return any.some((one) => on(strong, one));
  const [not, orNot] = [inner(strong, "not"), inner(weak, "not")];
  if (not !== null && orNot !== null) return on(orNot, not);
  const [window, wider] = [inner(strong, "time_window"), inner(weak, "time_window")];
  if (window !== null && wider !== null) return inside(window, wider);
  const [approval, lesser] = [inner(strong, "manager_approval"), inner(weak, "manager_approval")];
  if (approval !== null && lesser !== null) return asksForMore(approval, lesser);
  return canonicalText(strong) === canonicalText(weak);
}

function inside(strong: Canonical, weak: Canonical): boolean {
  const [from, wider] = [moment(strong, "from"), moment(weak, "from")];
  const [until, longer] = [moment(strong, "until"), moment(weak, "until")];
  const begins = wider === null || (from !== null && from >= wider);
  return begins && (longer === null || (until !== null && until <= longer));
}

function asksForMore(strong: Canonical, weak: Canonical): boolean {
  const enough = new Set(names(weak));
  return names(strong).every((name) => enough.has(name))
    && number(strong, "threshold") >= number(weak, "threshold")
    && number(strong, "fresh_for") <= number(weak, "fresh_for")
    && (inner(strong, "oidc") === "refused" || inner(weak, "oidc") === "allowed");
}

/** Of a condition that combines others. */
function members(condition: Canonical, kind: "all" | "any"): Canonical[] | null {
  const found = inner(condition, kind);
  return Array.isArray(found) ? found : null;
}

function inner(value: Canonical, name: string): Canonical | null {
  return value instanceof Map ? (value.get(name) ?? null) : null;
}

function names(approval: Canonical): string[] {
  const managers = inner(approval, "managers");
  return Array.isArray(managers) ? managers.map(canonicalText) : [];
}

/** Numbers of policies are below 2^64: exact only as these. */
function number(value: Canonical, name: string): bigint {
  return BigInt(String(inner(value, name)));
}

function moment(window: Canonical, name: string): bigint | null {
  return inner(window, name) === "none" ? null : number(window, name);
}
