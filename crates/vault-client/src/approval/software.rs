//! A manager's credential in software: a key in a file. Whoever reads the file can approve in the
//! manager's name; an authenticator or a phone is better.

use super::Gesture;
use crate::client::random;
use crate::error::{Error, ErrorCode, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use std::fmt;
use vault_approval::{ApprovalAnswer, Assertion, Decision};
use vault_encoding::{Canonical, Hash, Json, Limits, sha256, text};
use zeroize::Zeroizing;

const FORMAT: &str = "enclave-vaults/software-credential/v1";

const LIMITS: Limits = Limits {
    bytes: 16 << 10,
    depth: 2,
    nodes: 16,
};

/// User present and user verified.
const PRESENT_AND_VERIFIED: u8 = 0x05;

/// A key that answers as an authenticator would, and says that its user was there. Its `Debug` shows
/// no key.
pub struct SoftwareCredential {
    credential_id: Vec<u8>,
    rp_id: String,
    origin: String,
    key: Key,
    pkcs8: Zeroizing<Vec<u8>>,
}

enum Key {
    Es256(EcdsaKeyPair),
    Eddsa(Ed25519KeyPair),
}

impl Key {
    fn read(algorithm: &str, pkcs8: &[u8]) -> Result<Self> {
        let broken = |_| malformed("private_key");
        match algorithm {
            "es256" => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8)
                .map(Self::Es256)
                .map_err(broken),
            "eddsa" => Ed25519KeyPair::from_pkcs8(pkcs8)
                .map(Self::Eddsa)
                .map_err(broken),
            _ => Err(malformed("algorithm")),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "es256",
            Self::Eddsa(_) => "eddsa",
        }
    }

    fn public(&self) -> &[u8] {
        match self {
            Self::Es256(key) => key.public_key().as_ref(),
            Self::Eddsa(key) => key.public_key().as_ref(),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Es256(key) => {
                let signed = key.sign(&SystemRandom::new(), message);
                Ok(signed.map_err(|_| unable())?.as_ref().to_vec())
            }
            Self::Eddsa(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl SoftwareCredential {
    /// A fresh one, P-256, for this relying party at this origin.
    pub fn generate(rp_id: impl Into<String>, origin: impl Into<String>) -> Result<Self> {
        let random_source = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random_source);
        let pkcs8 = Zeroizing::new(pkcs8.map_err(|_| unable())?.as_ref().to_vec());
        Ok(Self {
            credential_id: random::<32>()?.to_vec(),
            rp_id: rp_id.into(),
            origin: origin.into(),
            key: Key::read("es256", &pkcs8)?,
            pkcs8,
        })
    }

    /// Its file: JSON with the private key, for its user only.
    pub fn to_json(&self) -> Zeroizing<Vec<u8>> {
        let bytes = |bytes: &[u8]| Canonical::text(text::base64url(bytes));
        let value = Canonical::map([
            ("algorithm", Canonical::text(self.key.algorithm())),
            ("credential_id", bytes(&self.credential_id)),
            ("format", Canonical::text(FORMAT)),
            ("origin", Canonical::text(&self.origin)),
            ("private_key", bytes(&self.pkcs8)),
            ("rp_id", Canonical::text(&self.rp_id)),
        ]);
        Zeroizing::new(value.to_bytes())
    }

    /// Reads its file.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let json = Json::parse(json, LIMITS).map_err(|_| malformed("text"))?;
        let text = |name: &'static str| {
            let value = json.get(name).and_then(Json::as_text);
            value.ok_or_else(|| malformed(name))
        };
        let bytes =
            |name: &'static str| text::unbase64url(text(name)?).ok_or_else(|| malformed(name));
        if text("format")? != FORMAT {
            return Err(malformed("format"));
        }
        let pkcs8 = Zeroizing::new(bytes("private_key")?);
        Ok(Self {
            credential_id: bytes("credential_id")?,
            rp_id: text("rp_id")?.to_owned(),
            origin: text("origin")?.to_owned(),
            key: Key::read(text("algorithm")?, &pkcs8)?,
            pkcs8,
        })
    }

    /// Its id.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// What a policy says of it: one of a manager's `credentials`.
    pub fn principal(&self) -> Canonical {
        let bytes = |bytes: &[u8]| Canonical::text(text::base64url(bytes));
        let fields = Canonical::map([
            ("algorithm", Canonical::text(self.key.algorithm())),
            ("credential_id", bytes(&self.credential_id)),
            ("origins", Canonical::list([Canonical::text(&self.origin)])),
            ("public_key", bytes(self.key.public())),
            ("rp_id", Canonical::text(&self.rp_id)),
        ]);
        Canonical::map([("fido2", fields)])
    }

    /// The answer "yes" to all of a gesture.
    pub fn approve(&self, gesture: &Gesture) -> Result<ApprovalAnswer> {
        let challenge = gesture.challenge()?;
        Ok(ApprovalAnswer {
            challenge,
            decision: Decision::Approve(self.assert(&challenge)?),
        })
    }

    /// An assertion over this challenge (WebAuthn Level 3, section 6.3.3).
    pub fn assert(&self, challenge: &Hash) -> Result<Assertion> {
        let mut authenticator_data = sha256(self.rp_id.as_bytes()).0.to_vec();
        authenticator_data.push(PRESENT_AND_VERIFIED);
        authenticator_data.extend_from_slice(&0u32.to_be_bytes());
        let client_data_json = Canonical::map([
            ("challenge", Canonical::text(text::base64url(&challenge.0))),
            ("origin", Canonical::text(&self.origin)),
            ("type", Canonical::text("webauthn.get")),
        ])
        .to_bytes();
        let hash = sha256(&client_data_json);
        let message = [authenticator_data.as_slice(), &hash.0].concat();
        Ok(Assertion {
            credential_id: self.credential_id.clone(),
            authenticator_data,
            client_data_json,
            signature: self.key.sign(&message)?,
        })
    }
}

impl fmt::Debug for SoftwareCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareCredential")
            .field("rp_id", &self.rp_id)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument)
        .detail(format_args!("the software credential: no valid {what}"))
}

fn unable() -> Error {
    Error::new(ErrorCode::Internal).detail("the software credential could not sign")
}
