//! Sign: permit → signature → self-verification → the format that was asked for.

use crate::error::KeyError;
use crate::parsed::{Ed25519Key, P256Key, ParsedKey, Secret};
use crate::signature::{SignatureBytes, SignatureFormat, der_to_fixed};
use aws_lc_rs::digest::{Digest, SHA256, digest};
use vault_policy::{Operation, Permit};

/// What is signed or verified.
#[derive(Clone, Copy, Debug)]
pub enum SignInput<'a> {
    /// Hashed inside.
    Message(&'a [u8]),
    /// A SHA-256 digest, signed as it is: an operation of its own. P-256 only.
    Digest(&'a [u8]),
}

impl SignInput<'_> {
    /// The operation that signing this needs.
    pub fn sign_operation(&self) -> Operation {
        match self {
            Self::Message(_) => Operation::Sign,
            Self::Digest(_) => Operation::SignDigest,
        }
    }

    pub(crate) fn sha256(&self) -> Result<Digest, KeyError> {
        match self {
            Self::Message(message) => Ok(digest(&SHA256, message)),
            Self::Digest(bytes) => Digest::import_less_safe(bytes, &SHA256)
                .map_err(|_| KeyError::DigestLength { given: bytes.len() }),
        }
    }
}

impl ParsedKey {
    /// Spends a permit for [`Operation::Sign`] (message) or [`Operation::SignDigest`] (digest).
    ///
    /// ECDSA nonces are hedged by the library: drawn from its generator with SHA-512 of private
    /// key and digest mixed in, so that a repeated generator state does not repeat a nonce for
    /// another message. Ed25519 is deterministic (RFC 8032). Every signature is verified with
    /// the public key before it is released: [`KeyError::SignatureWithheld`].
    pub fn sign(
        &self,
        permit: Permit,
        input: SignInput<'_>,
        format: SignatureFormat,
    ) -> Result<SignatureBytes, KeyError> {
        self.spend(permit, input.sign_operation())?;
        match (&self.secret, input) {
            (Secret::P256(key), input) => key.sign(input, format),
            (Secret::Ed25519(key), SignInput::Message(message)) => {
                self.require_format(format)?;
                key.sign(message)
            }
            _ => Err(self.not_of_type(input.sign_operation())),
        }
    }

    /// Ed25519 signatures have one format.
    pub(crate) fn require_format(&self, format: SignatureFormat) -> Result<(), KeyError> {
        match format {
            SignatureFormat::P1363 => Ok(()),
            SignatureFormat::Der => Err(KeyError::FormatNotOfType {
                key_type: self.key_type(),
                format,
            }),
        }
    }
}

impl P256Key {
    pub(crate) fn sign(
        &self,
        input: SignInput<'_>,
        format: SignatureFormat,
    ) -> Result<SignatureBytes, KeyError> {
        let digest = input.sha256()?;
        let der = self.private.sign_digest(&digest)?;
        self.public
            .verify_digest_sig(&digest, der.as_ref())
            .map_err(|_| KeyError::SignatureWithheld)?;
        match format {
            SignatureFormat::Der => SignatureBytes::from_slice(der.as_ref()),
            SignatureFormat::P1363 => der_to_fixed(der.as_ref()),
        }
        .ok_or(KeyError::Library)
    }
}

impl Ed25519Key {
    pub(crate) fn sign(&self, message: &[u8]) -> Result<SignatureBytes, KeyError> {
        let signature = self.private.try_sign(message)?;
        self.public
            .verify_sig(message, signature.as_ref())
            .map_err(|_| KeyError::SignatureWithheld)?;
        SignatureBytes::from_slice(signature.as_ref()).ok_or(KeyError::Library)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material::{KeyMaterial, SecretAccess};
    use crate::parsed::KeyIdentity;
    use crate::testing;
    use vault_policy::KeyType;

    /// Parsed from `secret`, but with the public half of `secret` with one bit flipped: what a
    /// fault in the scalar, or in the computation with it, looks like.
    fn faulty(key_type: KeyType, bit: usize) -> ParsedKey {
        let parse = |secret: [u8; 32]| {
            let material =
                KeyMaterial::from_secret_bytes(key_type, &secret, SecretAccess::granted()).unwrap();
            let identity = KeyIdentity::of_subject(&testing::subject());
            ParsedKey::parse(identity, &material).unwrap()
        };
        let mut flipped = [0x11; 32];
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (mut key, other) = (parse([0x11; 32]), parse(flipped));
        match (&mut key.secret, other.secret) {
            (Secret::P256(key), Secret::P256(other)) => key.public = other.public,
            (Secret::Ed25519(key), Secret::Ed25519(other)) => key.public = other.public,
            _ => panic!("not a signing type"),
        }
        key
    }

    #[test]
    fn a_signature_by_a_flipped_scalar_is_withheld() {
        for bit in 0..256 {
            for format in [SignatureFormat::P1363, SignatureFormat::Der] {
                let key = faulty(KeyType::P256Signing, bit);
                let message = SignInput::Message(b"message");
                let signed = key.sign(testing::permit(Operation::Sign), message, format);
                assert_eq!(signed, Err(KeyError::SignatureWithheld));
                let digest = SignInput::Digest(&[1; 32]);
                let signed = key.sign(testing::permit(Operation::SignDigest), digest, format);
                assert_eq!(signed, Err(KeyError::SignatureWithheld));
            }
            let key = faulty(KeyType::Ed25519Signing, bit);
            let permit = testing::permit(Operation::Sign);
            let signed = key.sign(
                permit,
                SignInput::Message(b"message"),
                SignatureFormat::P1363,
            );
            assert_eq!(signed, Err(KeyError::SignatureWithheld));
        }
    }
}
