/**
 * Who may do what under a policy, and what it takes. Every rule that names somebody, or `any`, must
 * hold for them; one that names them must be there.
 */
import { canonicalText, type Canonical, type CanonicalMap } from "./canonical.js";
import { implies } from "./implies.js";

const ALWAYS = '{"all":[]}';

/** What a right has become: of no right there is nothing to say. */
export type Right = "widens" | "narrows" | "changes" | "same";

/** What became of each right that the rule, as it was or as it is, has to do with. */
export function rightsOf(rules: (Canonical | null)[], before: CanonicalMap, after: CanonicalMap): Right[] {
  const found: Right[] = [];
  for (const operation of new Set(rules.flatMap((rule) => texts(rule, "operations")))) {
    const about = rules.filter((rule) => texts(rule, "operations").includes(operation));
    const named = new Set(about.flatMap((rule) => texts(rule, "principals")));
    const everybody = named.has("any") ? [...callers(before, operation), ...callers(after, operation)] : [];
    for (const caller of new Set([...named, ...everybody].filter((name) => name !== "any"))) {
      const others = callers(after, operation).some((name) => name !== "any");
      found.push(right(requirement(before, operation, caller), requirement(after, operation, caller), others));
    }
  }
  return found;
}

function right(before: Canonical | null, after: Canonical | null, others: boolean): Right {
  if (before === null) return after === null ? "same" : "widens";
  // Who may by another name, too, is not bound any more by what this one took.
  if (after === null) return others && canonicalText(before) !== ALWAYS ? "changes" : "narrows";
  const [less, more] = [implies(after, before), implies(before, after)];
  if (less && more) return "same";
  return less ? "narrows" : more ? "widens" : "changes";
}

/** Everything that the rules ask of one caller who is proven alone; `null` if none grants. */
function requirement(policy: CanonicalMap, operation: string, caller: string): Canonical | null {
  const matching = about(policy, operation).filter((rule) => texts(rule, "principals").some((name) => name === caller || name === "any"));
  if (!matching.some((rule) => texts(rule, "principals").includes(caller))) return null;
  const conditions = matching.flatMap((rule) => (rule instanceof Map ? [rule.get("condition") ?? ""] : []));
  return new Map([["all", conditions.filter((condition) => canonicalText(condition) !== ALWAYS)]]);
}

/** Everybody whom a rule about the operation names. */
function callers(policy: CanonicalMap, operation: string): string[] {
  return about(policy, operation).flatMap((rule) => texts(rule, "principals"));
}

function about(policy: CanonicalMap, operation: string): Canonical[] {
  const rules = policy.get("operations");
  return Array.isArray(rules) ? rules.filter((rule) => texts(rule, "operations").includes(operation)) : [];
}

function texts(rule: Canonical | null, name: string): string[] {
  const found = rule instanceof Map ? rule.get(name) : null;
  return Array.isArray(found) ? found.filter((item) => typeof item === "string") : [];
}
