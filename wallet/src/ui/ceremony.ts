/** The two things that an authenticator is asked for. User verification is required of both. */
import { checkAssertion, type Assertion } from "../core/assertion.js";
import { same, utf8, type Bytes } from "../core/bytes.js";
import type { Credential } from "../core/credential.js";
import { Refused, must } from "../core/refused.js";
import { readRegistration } from "../core/registration.js";
import { visible } from "../core/visible.js";

const TIMEOUT = 120_000;

/** A new passkey of this origin. */
export async function register(label: string, known: Credential[]): Promise<Credential> {
  const rpId = location.hostname;
  const created = await asked(
    navigator.credentials.create({
      publicKey: {
        rp: { id: rpId, name: "Enclave Vaults approvals" },
        user: { id: crypto.getRandomValues(new Uint8Array(16)), name: label, displayName: label },
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        pubKeyCredParams: [-7, -8].map((alg) => ({ type: "public-key" as const, alg })),
        authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
        excludeCredentials: known.map((credential) => ({ type: "public-key", id: credential.id })),
        attestation: "none",
        timeout: TIMEOUT,
      },
    }),
  );
  must(created.response instanceof AuthenticatorAttestationResponse, "ceremony", "no passkey was made");
  const credential = await readRegistration(bytes(created.response.attestationObject), rpId, location.origin);
  must(same(credential.id, bytes(created.rawId)), "ceremony", "the passkey has another id than it says");
  return credential;
}

/** One of these passkeys over the challenge, checked as vaults will check it. */
export async function approve(challenge: Bytes, passkeys: Credential[]): Promise<Assertion> {
  const given = await asked(
    navigator.credentials.get({
      publicKey: {
        challenge,
        rpId: location.hostname,
        allowCredentials: passkeys.map((credential) => ({ type: "public-key", id: credential.id })),
        userVerification: "required",
        timeout: TIMEOUT,
      },
    }),
  );
  must(given.response instanceof AuthenticatorAssertionResponse, "ceremony", "the passkey did not sign");
  const { authenticatorData, clientDataJSON, signature } = given.response;
  const assertion: Assertion = {
    credentialId: bytes(given.rawId),
    authenticatorData: bytes(authenticatorData),
    clientData: bytes(clientDataJSON),
    signature: bytes(signature),
  };
  const used = passkeys.find((passkey) => same(passkey.id, assertion.credentialId));
  must(used !== undefined, "other_credential", "another passkey answered");
  await checkAssertion(assertion, used, challenge);
  return assertion;
}

async function asked(ceremony: Promise<Credential_ | null>): Promise<PublicKeyCredential> {
  try {
    const found = await ceremony;
    if (found instanceof PublicKeyCredential) return found;
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "InvalidStateError") throw new Refused("ceremony", "this authenticator has a passkey of this wallet already");
    throw new Refused("ceremony", "the passkey was not used: it was cancelled, not verified, or not there");
  }
  throw new Refused("ceremony", "the passkey was not used");
}

/** The platform's type; ours has the same name. */
type Credential_ = globalThis.Credential;

const bytes = (buffer: ArrayBuffer): Bytes => new Uint8Array(buffer);
/** Whether a policy can have a person of this name, and everybody sees which it is. */
export const labelled = (text: string): boolean => utf8(text.trim()).length >= 1 && utf8(text).length <= 64 && visible(text.trim()) === text.trim() && text.normalize("NFC") === text;
