/** What this browser remembers: its passkeys' public parts, and what was decided. Nothing secret. */
import { utf8 } from "../core/bytes.js";
import { fromJson, type Canonical } from "../core/canonical.js";
import { readCredential, principal, type Credential } from "../core/credential.js";
import { canonicalText, map } from "../core/canonical.js";
import { parseJson } from "../core/json.js";
import { anyObject, list, object, text } from "../core/shape.js";

export interface Passkey {
  label: string;
  credential: Credential;
}

export interface Decision {
  /** Unix seconds. */
  at: string;
  decision: "approve" | "refuse";
  challenge: string;
  /** Id of the passkey that approved; empty for a refusal, and where it is not known. */
  credential: string;
  title: string;
  handles: string;
  requester: string;
  vaults: string;
}

const LIMITS = { bytes: 4 << 20, depth: 8, nodes: 1 << 16 };
const KEPT = 200;
const MEMBERS = ["at", "challenge", "credential", "decision", "handles", "requester", "title", "vaults"];

export function passkeys(): Passkey[] {
  return read("wallet.passkeys", (item) => {
    const members = object(item, ["label", "principal"], "passkey");
    const named = object(members.get("principal"), ["fido2"], "principal");
    return { label: text(members.get("label"), "label"), credential: readCredential(named.get("fido2"), "fido2") };
  });
}

export function keepPasskeys(all: Passkey[]): void {
  write("wallet.passkeys", all.map(({ label, credential }) => map({ label, principal: principal(credential) })));
}

/** The newest first. */
export function history(): Decision[] {
  return read("wallet.history", (item) => {
    // What was kept before the passkey was.
    const known = anyObject(item, "decision").has("credential");
    const members = object(item, known ? MEMBERS : MEMBERS.filter((name) => name !== "credential"), "decision");
    const at = (name: string) => text(members.get(name), name);
    const credential = known ? at("credential") : "";
    const decision = at("decision") === "approve" ? "approve" : "refuse";
    return { at: at("at"), decision, challenge: at("challenge"), credential, title: at("title"), handles: at("handles"), requester: at("requester"), vaults: at("vaults") };
  });
}

export function remember(decision: Decision): void {
  const all = [decision, ...history()].slice(0, KEPT);
  write("wallet.history", all.map((one) => map({ ...one })));
}

/** What cannot be read is left out: nothing depends on it. */
function read<T>(name: string, item: (value: Canonical) => T): T[] {
  try {
    const kept = localStorage.getItem(name);
    return kept === null ? [] : list(fromJson(parseJson(utf8(kept), LIMITS)), name).map(item);
  } catch {
    return [];
  }
}

function write(name: string, items: Canonical[]): void {
  localStorage.setItem(name, canonicalText(items));
}
