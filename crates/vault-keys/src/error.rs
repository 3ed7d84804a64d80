//! What can go wrong with a key.

use crate::signature::SignatureFormat;
use vault_policy::{Action, KeyType, KeyVersion, Operation};

/// Why an operation gave no result. Holds no secret and no text of the caller's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// The permit allows something else. A defect of the calling code.
    #[error("the permit allows {permitted}, not {}", needed.name())]
    PermitForOtherAction {
        /// What it allows.
        permitted: Action,
        /// What was called.
        needed: Operation,
    },
    /// The permit names another key, lineage or version. A defect of the calling code.
    #[error("the permit names another key or version")]
    PermitForOtherKey,
    /// Keys of this type cannot do this. The caller's mistake.
    #[error("a key of type {} cannot {}", key_type.name(), operation.name())]
    NotOfType {
        /// The key's type.
        key_type: KeyType,
        /// What was asked.
        operation: Operation,
    },
    /// Signatures of this type have no such format. The caller's mistake.
    #[error("a key of type {} has no signatures in format {}", key_type.name(), format.name())]
    FormatNotOfType {
        /// The key's type.
        key_type: KeyType,
        /// What was asked.
        format: SignatureFormat,
    },
    /// A digest to be signed must have 32 bytes. The caller's mistake.
    #[error("a SHA-256 digest has 32 bytes, not {given}")]
    DigestLength {
        /// What was given.
        given: usize,
    },
    /// These bytes are not a secret of this type.
    #[error("the secret bytes are not a key of type {}", key_type.name())]
    MaterialRejected {
        /// The type that was asked for.
        key_type: KeyType,
    },
    /// The ciphertext is shorter than header, nonce and tag, or its header is of no known format.
    #[error("not a ciphertext of this vault's format")]
    NotWrapped,
    /// The ciphertext was made by a key of another lineage.
    #[error("the ciphertext was made by another key")]
    WrappedByOtherKey,
    /// The ciphertext was made by another version of this key.
    #[error("the ciphertext was made by version {version} of this key")]
    WrappedByOtherVersion {
        /// The version in the header.
        version: KeyVersion,
    },
    /// Ciphertext, header, associated data or key do not belong together.
    #[error("the ciphertext does not authenticate")]
    NotAuthentic,
    /// More bytes than one message may have.
    #[error("the message is too long for one key")]
    TooLong,
    /// A signature did not verify under its own key and was thrown away: a hardware fault.
    #[error("a signature was withheld because it does not verify")]
    SignatureWithheld,
    /// The cryptographic library refused. Out of memory, or a defect.
    #[error("the cryptographic library failed")]
    Library,
}

impl From<aws_lc_rs::error::Unspecified> for KeyError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Library
    }
}
