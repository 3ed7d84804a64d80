//! Names of a constellation and of those who govern it.

use std::fmt;
use std::str::FromStr;
use vault_encoding::{Hash, text};
use vault_policy::IdError;

/// A constellation: 32 random bytes, drawn before its first vault starts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConstellationId(pub Hash);

impl ConstellationId {
    /// From 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Hash(bytes))
    }
}

impl fmt::Display for ConstellationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ConstellationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ConstellationId {
    type Err = IdError;

    fn from_str(hex: &str) -> Result<Self, IdError> {
        let expected = "constellation id";
        Hash::from_hex(hex).map(Self).ok_or(IdError { expected })
    }
}

/// An Ed25519 public key whose holder takes part in governance. Prints as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GovernanceKey(pub [u8; 32]);

impl fmt::Display for GovernanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::hex(&self.0))
    }
}

impl fmt::Debug for GovernanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for GovernanceKey {
    type Err = IdError;

    fn from_str(hex: &str) -> Result<Self, IdError> {
        let expected = "governance key";
        text::unhex(hex).map(Self).ok_or(IdError { expected })
    }
}
