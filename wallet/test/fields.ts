/** What two programs say of one edit of a policy, by field, and whether that is the same. */
import assert from "node:assert/strict";
import type { Difference } from "../src/core/diff.js";
import type { Effect } from "../src/core/effect.js";

const FIELDS: Record<string, string> = {
  rule: "operations", auditor: "principals.auditors", caller: "principals.callers", manager: "principals.managers",
  certificate: "principals.mtls", profile: "principals.tees",
};

/** The field of the policy that a difference stands in. */
export function field({ subject, name }: Difference): string {
  const found = subject === "value" ? name : (FIELDS[subject] ?? subject);
  return found.startsWith("principals.owner") ? "principals.owner" : found.startsWith("mutability") ? "mutability" : found;
}

export type Said = Map<string, Set<Effect>>;

export function add(said: Said, name: string, direction: Effect): void {
  said.set(name, (said.get(name) ?? new Set()).add(direction));
}

/** Nothing that allows more is shown as allowing less, or as nothing; and no field is left out. */
export function judge(name: string, theirs: Said, ours: Said): void {
  assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort(), name);
  for (const [at, said] of theirs) {
    const shown = ours.get(at) ?? new Set();
    const where = `${name}: ${at}: ${[...said]} is shown as ${[...shown]}`;
    if (said.size === 1 && shown.size === 1 && !shown.has("changes")) assert.deepEqual([...shown], [...said], where);
    if (said.has("widens")) assert.ok(shown.has("widens") || shown.has("changes"), where);
    if (shown.has("widens")) assert.ok(said.has("widens") || said.has("changes"), where);
    if (shown.has("narrows") && shown.size === 1) assert.deepEqual([...said], ["narrows"], where);
  }
}
