//! An authenticator in software, and the client in front of it. Makes assertions as a browser and a security
//! key do, and every field of them can be falsified before it is signed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test cannot go on without its authenticator"
)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use vault_approval::{Assertion, Fido2Algorithm, Fido2Credential};
use vault_encoding::{Hash, sha256, text::base64url};

/// The user touched it.
pub const USER_PRESENT: u8 = 1;
/// The user was recognised.
pub const USER_VERIFIED: u8 = 1 << 2;
/// The credential may be backed up.
pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
/// It is.
pub const BACKED_UP: u8 = 1 << 4;
/// A credential follows.
pub const ATTESTED_CREDENTIAL: u8 = 1 << 6;
/// Extensions follow.
pub const EXTENSIONS: u8 = 1 << 7;

enum Key {
    Es256(EcdsaKeyPair),
    Eddsa(Ed25519KeyPair),
}

/// One credential with its private key.
pub struct Authenticator {
    key: Key,
    credential: Fido2Credential,
    counter: AtomicU32,
}

/// An assertion before it is signed: what a client and an authenticator would say, and anything else.
#[derive(Clone, Debug)]
pub struct Unsigned {
    /// `type`.
    pub kind: String,
    /// `challenge`, as text.
    pub challenge: String,
    /// `origin`.
    pub origin: String,
    /// `crossOrigin`, as JSON.
    pub cross_origin: Option<String>,
    /// `topOrigin`.
    pub top_origin: Option<String>,
    /// Further members, as JSON with a comma in front.
    pub further: String,
    /// Hash of this.
    pub rp_id: String,
    /// Flags.
    pub flags: u8,
    /// Counter.
    pub counter: u32,
    /// Behind the counter.
    pub extensions: Vec<u8>,
    /// The credential that is named.
    pub credential_id: Vec<u8>,
}

impl Authenticator {
    /// A new credential for this relying party, used on pages of this origin.
    pub fn new(algorithm: Fido2Algorithm, rp_id: &str, origin: &str) -> Self {
        let key = match algorithm {
            Fido2Algorithm::Es256 => Key::Es256(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a P-256 key"),
            ),
            Fido2Algorithm::Eddsa => {
                Key::Eddsa(Ed25519KeyPair::generate().expect("an Ed25519 key"))
            }
        };
        let public_key = match &key {
            Key::Es256(pair) => pair.public_key().as_ref().to_vec(),
            Key::Eddsa(pair) => pair.public_key().as_ref().to_vec(),
        };
        let credential = Fido2Credential {
            algorithm,
            credential_id: sha256(&public_key).0[..20].to_vec(),
            origins: [origin.to_owned()].into(),
            public_key,
            rp_id: rp_id.to_owned(),
        };
        Self {
            key,
            credential,
            counter: AtomicU32::new(0),
        }
    }

    /// What a policy names.
    pub fn credential(&self) -> &Fido2Credential {
        &self.credential
    }

    /// The user approves.
    pub fn assert(&self, challenge: &Hash) -> Assertion {
        self.assert_with(challenge, |_| {})
    }

    /// The same, with something else signed.
    pub fn assert_with(&self, challenge: &Hash, change: impl FnOnce(&mut Unsigned)) -> Assertion {
        let mut unsigned = Unsigned {
            kind: "webauthn.get".into(),
            challenge: base64url(challenge.as_bytes()),
            origin: self.credential.origins.first().cloned().unwrap_or_default(),
            cross_origin: Some("false".into()),
            top_origin: None,
            further: String::new(),
            rp_id: self.credential.rp_id.clone(),
            flags: USER_PRESENT | USER_VERIFIED,
            counter: self.counter.fetch_add(1, Ordering::SeqCst) + 1,
            extensions: Vec::new(),
            credential_id: self.credential.credential_id.clone(),
        };
        change(&mut unsigned);
        self.sign(
            unsigned.authenticator_data(),
            unsigned.client_data(),
            unsigned.credential_id,
        )
    }

    /// Signs these bytes as they are.
    pub fn sign(
        &self,
        authenticator_data: Vec<u8>,
        client_data_json: Vec<u8>,
        credential_id: Vec<u8>,
    ) -> Assertion {
        let hash = sha256(&client_data_json);
        let message = [authenticator_data.as_slice(), hash.as_bytes()].concat();
        let signature = match &self.key {
            Key::Es256(pair) => {
                let signed = pair.sign(&SystemRandom::new(), &message);
                signed.expect("a signature").as_ref().to_vec()
            }
            Key::Eddsa(pair) => pair.sign(&message).as_ref().to_vec(),
        };
        Assertion {
            credential_id,
            authenticator_data,
            client_data_json,
            signature,
        }
    }
}

impl Unsigned {
    /// As an authenticator writes it.
    pub fn authenticator_data(&self) -> Vec<u8> {
        let hash = sha256(self.rp_id.as_bytes());
        let counter = self.counter.to_be_bytes();
        [
            hash.as_bytes(),
            &[self.flags][..],
            &counter,
            &self.extensions,
        ]
        .concat()
    }

    /// As a browser writes it.
    pub fn client_data(&self) -> Vec<u8> {
        let Self {
            kind,
            challenge,
            origin,
            cross_origin,
            top_origin,
            further,
            ..
        } = self;
        let cross = cross_origin.as_ref();
        let cross = cross.map_or_else(String::new, |value| format!(",\"crossOrigin\":{value}"));
        let top = top_origin.as_ref();
        let top = top.map_or_else(String::new, |value| format!(",\"topOrigin\":\"{value}\""));
        let text = format!(
            "{{\"type\":\"{kind}\",\"challenge\":\"{challenge}\",\"origin\":\"{origin}\"{cross}{top}{further}}}"
        );
        text.into_bytes()
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = base64url(&self.credential.credential_id);
        write!(f, "Authenticator({id})")
    }
}
