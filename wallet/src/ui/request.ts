/** One request: everything on this page comes from the review whose challenge the button signs. */
import { approval, refusal } from "../core/answer.js";
import { hex } from "../core/bytes.js";
import { review, type Review } from "../core/review.js";
import { visible } from "../core/visible.js";
import { standing, type Standing } from "../core/who.js";
import { earliest, handles, moment, remaining, requesterName, title } from "../core/words.js";
import { approve } from "./ceremony.js";
import { badge, card, h, notice, say } from "./dom.js";
import { problem } from "./problem.js";
import * as relay from "./relay.js";
import { sections } from "./sections.js";
import { history, passkeys, remember } from "./store.js";
import { now } from "./time.js";

export async function requestPage(id: string): Promise<HTMLElement[]> {
  const back = h("a", { class: "back", href: "#/" }, "‹ All requests");
  const refused = (...children: HTMLElement[]) => [back, h("h1", { tabindex: "-1" }, "This request cannot be shown"), ...children];
  try {
    const bytes = await relay.bundle(id);
    if (bytes === null) return refused(notice("", "The relay has it no longer: it has expired, or was never there."));
    const found = await review(bytes);
    return [back, head(found), ...sections(found), decision(id, found)];
  } catch (error) {
    return refused(problem(error), h("p", {}, "There is nothing to approve here: the wallet signs only what it has decoded completely. Ask the requester for a new one."));
  }
}

function head(found: Review): HTMLElement {
  const [first] = found.statements;
  const until = earliest(found);
  const left = badge(remaining(until, now()) === "expired" ? "over" : "soon", remaining(until, now()));
  left.dataset["until"] = String(until);
  return h(
    "div",
    { class: "card" },
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title(first.request.operation)), left),
    h("p", {}, h("bdi", {}, visible(requesterName(first))), ` asks, until ${moment(until)}.`),
    h("p", { class: "exact quiet" }, handles(found).map(visible).join(" ")),
  );
}

function decision(id: string, found: Review): HTMLElement {
  const result = h("div", { role: "alert" });
  const made = history().find((one) => one.challenge === hex(found.challenge));
  if (made) return card("Your decision", notice(made.decision === "approve" ? "good" : "", `You ${made.decision === "approve" ? "approved" : "refused"} this request at ${moment(Number(made.at))}.`));
  const known = passkeys().map((one) => one.credential);
  const who = found.policy === null ? null : standing(found.policy, found.statements[0], known, location.origin);
  const yes = h("button", { type: "button", class: "primary", "data-action": "approve" }, "Approve with passkey") as HTMLButtonElement;
  const no = h("button", { type: "button", "data-action": "refuse" }, "Refuse") as HTMLButtonElement;
  const buttons = [no, yes];
  const section = card("Your decision", ...reasons(found, who, known.length), h("div", { class: "actions" }, ...(mayApprove(found, who, known.length) ? [yes] : []), no), result);
  section.classList.add("decision");
  const decide = async (what: "approve" | "refuse") => {
    result.replaceChildren();
    buttons.forEach((button) => (button.disabled = true));
    try {
      await relay.answer(id, what === "approve" ? await signed(found, who ? [who.credential] : known) : refusal(found.challenge));
      record(found, what);
      section.replaceWith(decision(id, found));
      say(what === "approve" ? "Approved and sent." : "Refused.");
    } catch (error) {
      result.replaceChildren(problem(error));
      buttons.forEach((button) => (button.disabled = false));
    }
  };
  yes.addEventListener("click", () => void decide("approve"));
  no.addEventListener("click", () => void decide("refuse"));
  return section;
}

async function signed(found: Review, credentials: Parameters<typeof approve>[1]): Promise<string> {
  return approval(await approve(found.challenge, credentials), found.challenge);
}

function mayApprove(found: Review, who: Standing | null, passkeyCount: number): boolean {
  if (earliest(found) <= now() || passkeyCount === 0) return false;
  return found.policy === null || who !== null;
}

function reasons(found: Review, who: Standing | null, passkeyCount: number): HTMLElement[] {
  if (earliest(found) <= now()) return [notice("bad", "It has expired: no vault takes an approval of it any more.")];
  if (passkeyCount === 0) return [notice("bad", "This browser has no passkey. Register one first.")];
  if (found.policy === null) {
    return [notice("", "The requester cannot read the key's policy and did not send it. Vaults judge by the policy whose hash is shown above; whether it names you, they know.")];
  }
  if (who === null) return [notice("bad", "The key's policy names none of this browser's passkeys: no vault would count an approval by them.")];
  const as = who.person === "owner" ? "You confirm this as the key's owner." : `You approve as ${visible(who.person ?? "")}.`;
  return [h("p", {}, as), ...(who.isRequester ? [notice("warn", "You are the requester: vaults do not count your own approval.")] : [])];
}

function record(found: Review, decision: "approve" | "refuse"): void {
  const [first] = found.statements;
  remember({
    at: String(now()),
    decision,
    challenge: hex(found.challenge),
    title: title(first.request.operation),
    handles: handles(found).join(" "),
    requester: requesterName(first),
    vaults: String(found.statements.length),
  });
}
