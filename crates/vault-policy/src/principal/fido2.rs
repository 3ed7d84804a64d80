//! A FIDO2 credential that a policy names.

use crate::facts::{Approved, Approver};
use std::collections::BTreeSet;

/// The algorithms of credentials.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fido2Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    Eddsa,
}

impl Fido2Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::Es256, Self::Eddsa];

    /// The name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "es256",
            Self::Eddsa => "eddsa",
        }
    }

    /// The algorithm of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Whether this has the form of a public key: an uncompressed SEC1 point, or 32 bytes.
    pub fn has_form(self, public_key: &[u8]) -> bool {
        match self {
            Self::Es256 => public_key.len() == 65 && public_key.first() == Some(&4),
            Self::Eddsa => public_key.len() == 32,
        }
    }
}

/// A credential with everything that is needed to verify its assertions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fido2Credential {
    /// How it signs.
    pub algorithm: Fido2Algorithm,
    /// Its id, 1 to 1023 bytes.
    pub credential_id: Vec<u8>,
    /// The origins whose pages may ask for an assertion, 1 to 8.
    pub origins: BTreeSet<String>,
    /// Its public key.
    pub public_key: Vec<u8>,
    /// The relying party that it was made for.
    pub rp_id: String,
}

impl Fido2Credential {
    /// Bytes of a credential id.
    pub const MAX_ID: usize = 1023;
    /// Origins of one credential.
    pub const MAX_ORIGINS: usize = 8;

    /// Whether it is this credential that approved.
    pub fn approved(&self, approval: &Approved) -> bool {
        match &approval.by {
            Approver::Fido2 {
                credential_id,
                public_key,
            } => *credential_id == self.credential_id && *public_key == self.public_key,
            Approver::Oidc(_) => false,
        }
    }

    /// Whether both are one authenticator's: the id or the key is the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.credential_id == other.credential_id || self.public_key == other.public_key
    }
}
