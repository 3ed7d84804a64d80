//! Keys in the form that the cryptographic library computes with.

use crate::error::KeyError;
use crate::material::{KeyMaterial, SecretBytes, zeros};
use crate::p256;
use crate::xaes::XaesKey;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use vault_encoding::Hash;
use vault_policy::{
    Action, KeyHandle, KeySubject, KeyType, KeyVersion, Lineage, Operation, Permit, type_allows,
};

/// Which version of which key: what a permit must name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyIdentity {
    /// The key.
    pub handle: KeyHandle,
    /// The version.
    pub version: KeyVersion,
    /// Its origin.
    pub lineage: Lineage,
}

impl KeyIdentity {
    pub(crate) const UNNAMED: Self = Self {
        handle: KeyHandle([0; 16]),
        version: KeyVersion(0),
        lineage: Lineage(Hash([0; 32])),
    };

    /// The identity inside a permit's subject.
    pub fn of_subject(subject: &KeySubject) -> Self {
        Self {
            handle: subject.handle,
            version: subject.version,
            lineage: subject.lineage,
        }
    }
}

/// One version of one key, ready to be used. Parsing a private key costs more than half a
/// signature, so it is done once and kept in a [`crate::KeyCache`].
///
/// INVARIANT: what holds key bytes or a key schedule is on the heap, so that moving a parsed key
/// copies pointers only.
pub struct ParsedKey {
    identity: KeyIdentity,
    pub(crate) secret: Secret,
}

pub(crate) enum Secret {
    P256(Box<P256Key>),
    Ed25519(Box<Ed25519Key>),
    Aes256Gcm(XaesKey),
    HmacSha256(Box<hmac::Key>),
    RawShare(SecretBytes),
}

/// Signs and emits DER; `public` verifies DER.
pub(crate) struct P256Key {
    pub(crate) private: EcdsaKeyPair,
    pub(crate) public: ParsedPublicKey,
}

pub(crate) struct Ed25519Key {
    pub(crate) private: Ed25519KeyPair,
    pub(crate) public: ParsedPublicKey,
}

impl ParsedKey {
    /// Loads the key; the public half is computed from the secret.
    pub fn parse(identity: KeyIdentity, material: &KeyMaterial) -> Result<Self, KeyError> {
        let secret = match material.key_type() {
            KeyType::P256Signing => Secret::P256(Box::new(p256::parse(material.fixed_secret()?)?)),
            KeyType::Ed25519Signing => Secret::Ed25519(Box::new(parse_ed25519(material)?)),
            KeyType::Aes256Gcm => Secret::Aes256Gcm(XaesKey::new(material.fixed_secret()?)?),
            KeyType::HmacSha256 => Secret::HmacSha256(Box::new(hmac::Key::new(
                hmac::HMAC_SHA256,
                material.fixed_secret()?,
            ))),
            KeyType::RawShare => Secret::RawShare(copy(material.secret())),
        };
        Ok(Self { identity, secret })
    }

    /// The type.
    pub fn key_type(&self) -> KeyType {
        match self.secret {
            Secret::P256(_) => KeyType::P256Signing,
            Secret::Ed25519(_) => KeyType::Ed25519Signing,
            Secret::Aes256Gcm(_) => KeyType::Aes256Gcm,
            Secret::HmacSha256(_) => KeyType::HmacSha256,
            Secret::RawShare(_) => KeyType::RawShare,
        }
    }

    /// Which version of which key this is.
    pub fn identity(&self) -> KeyIdentity {
        self.identity
    }

    /// Spends the permit, if it is for this operation on this version of this key, and checks
    /// that keys of this type can do it.
    pub(crate) fn spend(&self, permit: Permit, operation: Operation) -> Result<(), KeyError> {
        if permit.action() != Action::Operation(operation) {
            let permitted = permit.action();
            return Err(KeyError::PermitForOtherAction {
                permitted,
                needed: operation,
            });
        }
        if KeyIdentity::of_subject(permit.subject()) != self.identity {
            return Err(KeyError::PermitForOtherKey);
        }
        if !type_allows(self.key_type(), operation) {
            return Err(self.not_of_type(operation));
        }
        Ok(())
    }

    pub(crate) fn not_of_type(&self, operation: Operation) -> KeyError {
        KeyError::NotOfType {
            key_type: self.key_type(),
            operation,
        }
    }

    pub(crate) fn spki(&self) -> Result<Option<Vec<u8>>, KeyError> {
        let public = match &self.secret {
            Secret::P256(key) => &key.public,
            Secret::Ed25519(key) => &key.public,
            Secret::Aes256Gcm(_) | Secret::HmacSha256(_) | Secret::RawShare(_) => return Ok(None),
        };
        Ok(Some(public.as_der()?.as_ref().to_vec()))
    }
}

fn copy(bytes: &[u8]) -> SecretBytes {
    let mut copy = zeros(bytes.len());
    copy.copy_from_slice(bytes);
    copy
}

fn parse_ed25519(material: &KeyMaterial) -> Result<Ed25519Key, KeyError> {
    let rejected = |_| KeyError::MaterialRejected {
        key_type: KeyType::Ed25519Signing,
    };
    let private =
        Ed25519KeyPair::from_seed_unchecked(material.fixed_secret()?).map_err(rejected)?;
    let public = ParsedPublicKey::new(&signature::ED25519, private.public_key().as_ref())
        .map_err(rejected)?;
    Ok(Ed25519Key { private, public })
}
