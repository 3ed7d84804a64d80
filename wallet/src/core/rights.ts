/**
 * Who may do what under a policy, and what it takes. Every rule that names somebody, or `any`, must
 * hold for them; one that names them must be there.
 */
import { canonicalText, type Canonical, type CanonicalMap } from "./canonical.js";
import { implies } from "./implies.js";

const ALWAYS = '{"all":[]}';
/** Pairs of conditions that are compared at most, for all rights of two policies. Beyond them a right "changes". */
const PAIRS = 1 << 18;

/** What a right has become: of no right there is nothing to say. */
export type Right = "widens" | "narrows" | "changes" | "same";

/** Of one policy, by operation: whom each rule names, and what it asks for; `null` for nothing. */
type Rules = Map<string, { names: Set<string>; condition: Canonical | null }[]>;

/** Every right is compared once, however many rules have to do with it. */
export class Rights {
  private readonly before: Rules;
  private readonly after: Rules;
  private readonly known = new Map<string, Right>();
  private readonly left = { pairs: PAIRS };

  constructor(before: CanonicalMap, after: CanonicalMap) {
    [this.before, this.after] = [rulesOf(before), rulesOf(after)];
  }

  /** What became of each right that the rule, as it was or as it is, has to do with. */
  of(rules: (Canonical | null)[]): Right[] {
    const found: Right[] = [];
    for (const operation of new Set(rules.flatMap((rule) => texts(rule, "operations")))) {
      const about = rules.filter((rule) => texts(rule, "operations").includes(operation));
      const named = new Set(about.flatMap((rule) => texts(rule, "principals")));
      const everybody = named.has("any") ? [...callers(this.before, operation), ...callers(this.after, operation)] : [];
      for (const caller of new Set([...named, ...everybody])) if (caller !== "any") found.push(this.right(operation, caller));
    }
    return found;
  }

  private right(operation: string, caller: string): Right {
    const name = `${operation} ${caller}`;
    const right = this.known.get(name) ?? this.compared(operation, caller);
    this.known.set(name, right);
    return right;
  }

  private compared(operation: string, caller: string): Right {
    const [before, after] = [requirement(this.before, operation, caller), requirement(this.after, operation, caller)];
    if (before === null) return after === null ? "same" : "widens";
    // Who may by another name, too, is not bound any more by what this one took.
    if (after === null) return callers(this.after, operation).size > 0 && before.length > 0 ? "changes" : "narrows";
    const all = (conditions: Canonical[]): Canonical => new Map([["all", conditions]]);
    const [less, more] = [implies(all(after), all(before), this.left), implies(all(before), all(after), this.left)];
    if (less && more) return "same";
    return less ? "narrows" : more ? "widens" : "changes";
  }
}

function rulesOf(policy: CanonicalMap): Rules {
  const found: Rules = new Map();
  const rules = policy.get("operations");
  for (const rule of Array.isArray(rules) ? rules : []) {
    const condition = rule instanceof Map ? (rule.get("condition") ?? "") : "";
    const one = { names: new Set(texts(rule, "principals")), condition: canonicalText(condition) === ALWAYS ? null : condition };
    for (const operation of texts(rule, "operations")) found.set(operation, [...(found.get(operation) ?? []), one]);
  }
  return found;
}

/** Everything that the rules ask of one caller who is proven alone; `null` if none grants. */
function requirement(rules: Rules, operation: string, caller: string): Canonical[] | null {
  const about = rules.get(operation) ?? [];
  if (!about.some(({ names }) => names.has(caller))) return null;
  return about.flatMap(({ names, condition }) => (condition !== null && (names.has(caller) || names.has("any")) ? [condition] : []));
}

/** Everybody whom a rule about the operation names. */
function callers(rules: Rules, operation: string): Set<string> {
  const named = new Set((rules.get(operation) ?? []).flatMap(({ names }) => [...names]));
  named.delete("any");
  return named;
}

function texts(rule: Canonical | null, name: string): string[] {
  const found = rule instanceof Map ? rule.get(name) : null;
  return Array.isArray(found) ? found.filter((item) => typeof item === "string") : [];
}
