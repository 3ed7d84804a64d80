//! Signatures that the vault makes, checked with the library alone.

use crate::sim::invariants::Violation;
use crate::sim::memory::KnownKey;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use vault_core::api::Sign;
use vault_policy::KeyType;

pub(crate) fn check_signature(
    key: &KnownKey,
    sign: &Sign,
    signature: &[u8],
) -> Result<(), Violation> {
    let algorithm: &'static dyn aws_lc_rs::signature::VerificationAlgorithm = match key.key_type {
        KeyType::P256Signing => &ECDSA_P256_SHA256_FIXED,
        _ => &ED25519,
    };
    ParsedPublicKey::new_checked(algorithm, &key.public_key)
        .and_then(|public| public.verify(sign.input.bytes(), signature))
        .map_err(|()| Violation::of("answers_are_right", "the signature does not verify"))
}

trait Checked: Sized {
    fn new_checked(
        algorithm: &'static dyn aws_lc_rs::signature::VerificationAlgorithm,
        spki: &[u8],
    ) -> Result<Self, ()>;
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), ()>;
}

impl Checked for ParsedPublicKey {
    fn new_checked(
        algorithm: &'static dyn aws_lc_rs::signature::VerificationAlgorithm,
        spki: &[u8],
    ) -> Result<Self, ()> {
        Self::new(algorithm, spki).map_err(|_| ())
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), ()> {
        self.verify_sig(message, signature).map_err(|_| ())
    }
}
