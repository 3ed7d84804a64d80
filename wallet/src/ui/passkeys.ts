/** Registering a passkey, and the principal that goes into a policy. */
import { mailbox } from "../core/answer.js";
import { canonicalText } from "../core/canonical.js";
import { managerYaml, principal } from "../core/credential.js";
import { visible, visibleLines } from "../core/visible.js";
import { labelled, register } from "./ceremony.js";
import { block, card, h, notice, say } from "./dom.js";
import { problem } from "./problem.js";
import { keepPasskeys, passkeys, type Passkey } from "./store.js";

export async function passkeysPage(redraw: () => void): Promise<HTMLElement[]> {
  const known = passkeys();
  return [
    h("h1", { tabindex: "-1" }, "Passkeys"),
    form(known, redraw),
    ...(await Promise.all(known.map((passkey) => shown(passkey, known, redraw)))),
  ];
}

function form(known: Passkey[], redraw: () => void): HTMLElement {
  const input = h("input", { id: "person", name: "person", autocomplete: "off", required: true, maxlength: "64", spellcheck: "false" }) as HTMLInputElement;
  const button = h("button", { class: "primary", type: "submit" }, "Register a passkey") as HTMLButtonElement;
  const result = h("div", { role: "alert" });
  const submit = async (event: Event) => {
    event.preventDefault();
    result.replaceChildren();
    if (!labelled(input.value)) return void result.append(notice("bad", "Write the name that the policy gives you, of at most 64 bytes."));
    button.disabled = true;
    try {
      const credential = await register(input.value.trim(), known.map((one) => one.credential));
      keepPasskeys([...known, { label: input.value.trim(), credential }]);
      say("The passkey is registered.");
      redraw();
    } catch (error) {
      result.append(problem(error));
    } finally {
      button.disabled = false;
    }
  };
  return card(
    "Register a passkey",
    h("p", {}, "The key stays in your device or security key. What it gives out is a principal: hand it to the owner of a key, who writes it into the key's policy."),
    h("form", { submit, class: "form" }, h("div", { class: "field" }, h("label", { for: "person" }, "Your name in the policy"), input), h("p", { class: "quiet" }, `It works on this site alone: ${location.origin}`), h("div", { class: "actions" }, button)),
    result,
  );
}

async function shown(passkey: Passkey, known: Passkey[], redraw: () => void): Promise<HTMLElement> {
  const { label, credential } = passkey;
  const yaml = managerYaml(label, credential);
  const json = canonicalText(principal(credential));
  const forget = () => {
    keepPasskeys(known.filter((other) => other !== passkey));
    say("The passkey is forgotten here. It is still in your device, and in policies that name it.");
    redraw();
  };
  const name = visible(label);
  return card(
    name,
    h("p", {}, "For ", h("span", { class: "exact" }, "principals.managers"), " of a policy:"),
    block(`Principal of ${name} as YAML`, visibleLines(yaml), { "data-principal": "yaml" }),
    h("div", { class: "actions" }, copy("Copy YAML", yaml), copy("Copy JSON", json)),
    h(
      "details",
      {},
      h("summary", {}, "JSON, mailbox, and forgetting it"),
      block(`Principal of ${name} as JSON`, visibleLines(json), { "data-principal": "json" }),
      h("p", {}, "Mailbox at the relay: ", h("span", { class: "exact" }, await mailbox(credential.id))),
      h("div", { class: "actions" }, h("button", { type: "button", click: forget }, "Forget in this browser")),
    ),
  );
}

function copy(label: string, text: string): HTMLElement {
  const button = h("button", { type: "button", click: () => void copied() }, label);
  const copied = async () => {
    await navigator.clipboard.writeText(text);
    say("Copied.");
    button.textContent = "Copied";
  };
  return button;
}
