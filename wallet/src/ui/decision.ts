/** The buttons under a request, and what each of them counts as. */
import { approval, refusal } from "../core/answer.js";
import { base64url, hex } from "../core/bytes.js";
import type { Credential } from "../core/credential.js";
import type { Review } from "../core/review.js";
import { visible } from "../core/visible.js";
import { standings, type Standing } from "../core/who.js";
import { earliest, handles, moment, requesterName, title } from "../core/words.js";
import { approve } from "./ceremony.js";
import { card, h, notice, say } from "./dom.js";
import { problem } from "./problem.js";
import * as relay from "./relay.js";
import { history, passkeys, remember, type Decision } from "./store.js";
import { now } from "./time.js";

/** What one button approves with, and as whom; `null` where the policy is not at hand. */
interface Offer {
  who: Standing | null;
  credentials: Credential[];
}

interface State {
  known: Credential[];
  named: Standing[];
  made: Decision[];
  offers: Offer[];
}

function state(found: Review): State {
  const made = history().filter((one) => one.challenge === hex(found.challenge));
  const known = passkeys().map((one) => one.credential);
  const named = found.policy === null ? [] : standings(found.policy, found.statements[0], known, location.origin);
  return { known, named, made, offers: made.some(isLast) ? [] : open(found, named, known, made) };
}

/** What was decided here, if nobody of this browser is left to decide. */
export function settled(found: Review): Decision["decision"] | null {
  const { made: [last], offers } = state(found);
  return last !== undefined && offers.length === 0 ? last.decision : null;
}

export function decision(id: string, found: Review): HTMLElement {
  const { known, named, made, offers } = state(found);
  const told = made.map((one) => decided(one, named));
  if (made.length > 0 && offers.length === 0) return card("Your decision", ...told);
  const plain = offers.length === 1 && made.length === 0;
  const approving = offers.map((offer) => {
    const as = plain ? "" : offer.who === null ? " of another person" : ` as ${whom(offer.who)}`;
    return [h("button", { type: "button", class: "primary", "data-action": "approve" }, `Approve with passkey${as}`), offer] as const;
  });
  const no = h("button", { type: "button", "data-action": "refuse" }, "Refuse");
  const buttons = [...approving.map(([button]) => button), ...(made.length === 0 ? [no] : [])] as HTMLButtonElement[];
  const result = h("div", { role: "alert" });
  const section = card("Your decision", ...told, ...reasons(found, offers, named, known.length), h("div", { class: "actions" }, ...buttons), result);
  section.classList.add("decision");
  const decide = async (offer: Offer | null) => {
    result.replaceChildren();
    buttons.forEach((button) => (button.disabled = true));
    try {
      const [answer, credential] = offer === null ? ([refusal(found.challenge), ""] as const) : await signed(found, offer);
      await relay.answer(id, answer);
      record(found, offer === null ? "refuse" : "approve", credential);
      section.replaceWith(decision(id, found));
      say(offer === null ? "Refused." : "Approved and sent.");
    } catch (error) {
      result.replaceChildren(problem(error));
      buttons.forEach((button) => (button.disabled = false));
    }
  };
  for (const [button, offer] of approving) button.addEventListener("click", () => void decide(offer));
  no.addEventListener("click", () => void decide(null));
  return section;
}

/** A refusal ends it; so does an approval of which it is not known by which passkey. */
function isLast(made: Decision): boolean {
  return made.decision === "refuse" || made.credential === "";
}

/** Every person of this browser whose approval can count and was not given yet. */
function open(found: Review, named: Standing[], known: Credential[], made: Decision[]): Offer[] {
  if (earliest(found) <= now()) return [];
  const isUsed = (credential: Credential) => made.some((one) => one.credential === base64url(credential.id));
  if (found.policy === null) {
    const credentials = known.filter((credential) => !isUsed(credential));
    return credentials.length === 0 ? [] : [{ who: null, credentials }];
  }
  const counted = named.filter((one) => one.uncounted === null && !one.credentials.some(isUsed));
  return counted.map((who) => ({ who, credentials: who.credentials }));
}

async function signed(found: Review, { credentials }: Offer): Promise<readonly [string, string]> {
  const assertion = await approve(found.challenge, credentials);
  return [approval(assertion, found.challenge), base64url(assertion.credentialId)];
}

function decided(made: Decision, named: Standing[]): HTMLElement {
  const who = named.find((one) => one.uncounted === null && one.credentials.some((credential) => base64url(credential.id) === made.credential));
  const what = made.decision === "approve" ? `approved this request${who ? ` as ${whom(who)}` : ""}` : "refused this request";
  return notice(made.decision === "approve" ? "good" : "", `You ${what} at ${moment(Number(made.at))}.`);
}

function whom({ person, isOwner }: Standing): string {
  return isOwner ? "the key's owner" : visible(person);
}

function reasons(found: Review, offers: Offer[], named: Standing[], passkeyCount: number): HTMLElement[] {
  if (earliest(found) <= now()) return [notice("bad", "It has expired: no vault takes an approval of it any more.")];
  if (passkeyCount === 0) return [notice("bad", "This browser has no passkey. Register one first.")];
  if (found.policy === null) {
    return [notice("", "The requester cannot read the key's policy and did not send it. Vaults judge by the policy whose hash is shown above; whether it names you, they know.")];
  }
  if (named.length === 0) return [notice("bad", "The key's policy names none of this browser's passkeys: no vault would count an approval by them.")];
  if (offers.length === 0) return named.map((one) => notice("warn", whyNot(one)));
  if (offers.length > 1) return [h("p", {}, "This browser has passkeys of several who can approve. Each button approves as one of them.")];
  return offers.flatMap(({ who }) => (who === null ? [] : [h("p", {}, who.isOwner ? "You confirm this as the key's owner." : `You approve as ${visible(who.person)}.`)]));
}

function whyNot({ person, uncounted }: Standing): string {
  if (uncounted === "requester") return "You are the requester: vaults do not count your own approval.";
  if (uncounted === "not_owners") return "You hold the owner's second factor: it counts for what the owner asks, and the owner does not ask this.";
  return `The policy asks for no approval of this by ${visible(person)}: vaults would not count it.`;
}

function record(found: Review, what: Decision["decision"], credential: string): void {
  const [first] = found.statements;
  remember({
    at: String(now()),
    decision: what,
    challenge: hex(found.challenge),
    credential,
    title: title(first.request.operation),
    handles: handles(found).join(" "),
    requester: requesterName(first),
    vaults: String(found.statements.length),
  });
}
