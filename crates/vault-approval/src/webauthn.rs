//! Verifies a WebAuthn assertion (Web Authentication Level 3, section 7.2) against a credential that the
//! policy names. Steps in their order; the numbers are those of that section.
//!
//! - 11: the type is `webauthn.get`
//! - 12: the challenge
//! - 13: the origin is one of the credential's
//! - 14: `crossOrigin` absent or false; `topOrigin` absent
//! - 15: the hash of the relying party's id
//! - 16, 17: the user was present, and verified
//! - 18: a credential that is not eligible for backup is not backed up
//! - 20, 21: the signature over authenticator data and the hash of the client data
//!
//! Step 22, the counter, is reported: only who remembers can tell that it went back. Who may approve follows
//! from the policy, so that nothing is asked of attestation or of a user handle.

use crate::authenticator::AuthenticatorData;
use crate::{ApprovalFault, Fido2Algorithm, Fido2Credential};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};
use vault_encoding::{Hash, Json, Limits, sha256, text::base64url};

/// Bytes of client data.
pub const MAX_CLIENT_DATA: usize = 4 << 10;

const LIMITS: Limits = Limits {
    bytes: MAX_CLIENT_DATA,
    depth: 8,
    nodes: 128,
};

/// What `navigator.credentials.get` gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assertion {
    /// Which credential.
    pub credential_id: Vec<u8>,
    /// As the authenticator signed it.
    pub authenticator_data: Vec<u8>,
    /// As the client hashed it.
    pub client_data_json: Vec<u8>,
    /// Over both; ES256 in ASN.1, EdDSA as 64 bytes.
    pub signature: Vec<u8>,
}

/// Verifies an assertion over this challenge; gives the signature counter.
pub fn verify_assertion(
    assertion: &Assertion,
    credential: &Fido2Credential,
    challenge: &Hash,
) -> Result<u32, ApprovalFault> {
    if assertion.credential_id != credential.credential_id {
        return Err(ApprovalFault::UnknownCredential);
    }
    client_data(&assertion.client_data_json, credential, challenge)?;
    let data = AuthenticatorData::parse(&assertion.authenticator_data)?;
    if data.rp_id_hash != sha256(credential.rp_id.as_bytes()) {
        return Err(ApprovalFault::RelyingParty);
    }
    if !data.user_present {
        return Err(ApprovalFault::UserPresence);
    }
    if !data.user_verified {
        return Err(ApprovalFault::UserVerification);
    }
    let hash = sha256(&assertion.client_data_json);
    let message = [assertion.authenticator_data.as_slice(), hash.as_bytes()].concat();
    UnparsedPublicKey::new(algorithm(credential.algorithm), &credential.public_key)
        .verify(&message, &assertion.signature)
        .map_err(|_| ApprovalFault::Signature)?;
    Ok(data.counter)
}

fn algorithm(of: Fido2Algorithm) -> &'static dyn VerificationAlgorithm {
    match of {
        Fido2Algorithm::Es256 => &ECDSA_P256_SHA256_ASN1,
        Fido2Algorithm::Eddsa => &ED25519,
    }
}

fn client_data(
    bytes: &[u8],
    credential: &Fido2Credential,
    challenge: &Hash,
) -> Result<(), ApprovalFault> {
    let data = Json::parse(bytes, LIMITS).map_err(|_| ApprovalFault::ClientData)?;
    let text = |name| {
        let value = data.get(name).and_then(Json::as_text);
        value.ok_or(ApprovalFault::ClientData)
    };
    if text("type")? != "webauthn.get" {
        return Err(ApprovalFault::Type);
    }
    if text("challenge")? != base64url(challenge.as_bytes()) {
        return Err(ApprovalFault::Challenge);
    }
    if !credential.origins.contains(text("origin")?) {
        return Err(ApprovalFault::Origin);
    }
    match (data.get("crossOrigin"), data.get("topOrigin")) {
        (None | Some(Json::Bool(false)), None) => Ok(()),
        (None | Some(Json::Bool(_)), _) => Err(ApprovalFault::CrossOrigin),
        (Some(_), _) => Err(ApprovalFault::ClientData),
    }
}
