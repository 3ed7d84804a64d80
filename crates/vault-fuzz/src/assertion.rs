//! Client data and authenticator data, signed as they are by the credential's own key: what is accepted then says
//! what it must, as a second reader of JSON has it; and nothing is accepted under a changed signature.
//!
//! The first two bytes are the length of the client data; the rest is authenticator data.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use serde_json::Value;
use std::sync::LazyLock;
use vault_approval::{ApprovalFault, Assertion, Fido2Algorithm, Fido2Credential, verify_assertion};
use vault_encoding::{Hash, sha256, text::base64url};

/// What the seeds were made for.
pub const CHALLENGE: Hash = Hash([0x42; 32]);

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[3; 32]).expect("a seed"));

static CREDENTIAL: LazyLock<Fido2Credential> = LazyLock::new(|| Fido2Credential {
    algorithm: Fido2Algorithm::Eddsa,
    credential_id: vec![1; 16],
    origins: ["http://localhost:8443".to_owned()].into(),
    public_key: KEY.public_key().as_ref().to_vec(),
    rp_id: "localhost".into(),
});

/// One input.
pub fn run(data: &[u8]) {
    let Some((client, authenticator, mut assertion)) = signed(data) else {
        return;
    };
    if verify_assertion(&assertion, &CREDENTIAL, &CHALLENGE).is_ok() {
        says_what_it_must(client, authenticator);
    }
    assertion.signature[usize::from(data[1]) % 64] ^= 1 << (data[0] % 8);
    assert!(verify_assertion(&assertion, &CREDENTIAL, &CHALLENGE).is_err());
}

/// What the verifier makes of an input; `None` for one that is too short to be one.
pub fn verdict(data: &[u8]) -> Option<Result<u32, ApprovalFault>> {
    let (_, _, assertion) = signed(data)?;
    Some(verify_assertion(&assertion, &CREDENTIAL, &CHALLENGE))
}

/// Client data, authenticator data, and both under the credential's signature.
fn signed(data: &[u8]) -> Option<(&[u8], &[u8], Assertion)> {
    let (length, rest) = data.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
    let (client, authenticator) = rest.split_at(length);
    let message = [authenticator, sha256(client).as_bytes()].concat();
    let assertion = Assertion {
        credential_id: CREDENTIAL.credential_id.clone(),
        authenticator_data: authenticator.to_vec(),
        client_data_json: client.to_vec(),
        signature: KEY.sign(&message).as_ref().to_vec(),
    };
    Some((client, authenticator, assertion))
}

fn says_what_it_must(client: &[u8], authenticator: &[u8]) {
    // A number beyond what a double holds is JSON to one reader only.
    let Ok(said) = serde_json::from_slice::<Value>(client) else {
        return;
    };
    assert_eq!(said["type"], "webauthn.get");
    assert_eq!(said["challenge"], base64url(CHALLENGE.as_bytes()));
    assert!(CREDENTIAL.origins.contains(said["origin"].as_str().unwrap()));
    assert!(matches!(
        said.get("crossOrigin"),
        None | Some(Value::Bool(false))
    ));
    assert!(said.get("topOrigin").is_none());
    assert_eq!(&authenticator[..32], sha256(b"localhost").as_bytes());
    assert_eq!(authenticator[32] & 0b0100_0101, 0b0000_0101);
    assert_eq!(authenticator[32] & 0x80 != 0, authenticator.len() > 37);
}
