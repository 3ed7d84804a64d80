//! Verify a signature with the public half of a key.

use crate::error::KeyError;
use crate::parsed::{ParsedKey, Secret};
use crate::sign::SignInput;
use crate::signature::{FIXED_LEN, SignatureFormat, fixed_to_der};
use aws_lc_rs::digest::Digest;
use aws_lc_rs::signature::ParsedPublicKey;
use vault_policy::{Operation, Permit};

impl ParsedKey {
    /// Spends a permit for [`Operation::Verify`]. `Ok(false)` for whatever is not a signature by
    /// this key over this input in this format, malformed bytes included.
    pub fn verify(
        &self,
        permit: Permit,
        input: SignInput<'_>,
        format: SignatureFormat,
        signature: &[u8],
    ) -> Result<bool, KeyError> {
        self.spend(permit, Operation::Verify)?;
        match (&self.secret, input) {
            (Secret::P256(key), input) => Ok(p256_is_valid(
                &key.public,
                &input.sha256()?,
                format,
                signature,
            )),
            (Secret::Ed25519(key), SignInput::Message(message)) => {
                self.require_format(format)?;
                Ok(ed25519_is_valid(&key.public, message, signature))
            }
            _ => Err(self.not_of_type(input.sign_operation())),
        }
    }
}

/// `public` must verify DER.
pub(crate) fn p256_is_valid(
    public: &ParsedPublicKey,
    digest: &Digest,
    format: SignatureFormat,
    signature: &[u8],
) -> bool {
    match format {
        SignatureFormat::Der => public.verify_digest_sig(digest, signature).is_ok(),
        SignatureFormat::P1363 => fixed_to_der(signature)
            .is_some_and(|der| public.verify_digest_sig(digest, der.as_ref()).is_ok()),
    }
}

/// RFC 8032, 5.1.7, without the cofactor: S below the order, R compared as encoded. The public
/// key is our own, so it is never of small order, and these checks are the strict ones.
pub(crate) fn ed25519_is_valid(public: &ParsedPublicKey, message: &[u8], signature: &[u8]) -> bool {
    signature.len() == FIXED_LEN && public.verify_sig(message, signature).is_ok()
}
