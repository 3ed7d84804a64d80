//! Names of things, each a type of its own.

use std::fmt;
use std::str::FromStr;
use vault_encoding::{Domain, Hash, text};

/// A text that does not name what it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a {expected}")]
pub struct IdError {
    /// What it should have been.
    pub expected: &'static str,
}

/// 128 random bits chosen by a key's creator: `k-` and 26 characters of base32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHandle(pub [u8; 16]);

impl fmt::Display for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k-{}", text::base32(&self.0))
    }
}

impl fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyHandle {
    type Err = IdError;

    fn from_str(handle: &str) -> Result<Self, IdError> {
        handle
            .strip_prefix("k-")
            .and_then(text::unbase32)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(IdError {
                expected: "key handle",
            })
    }
}

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Hash);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(hex: &str) -> Result<Self, IdError> {
                Hash::from_hex(hex).map(Self).ok_or(IdError { expected: $expected })
            }
        }
    };
}

hash_id!(
    /// Where a key comes from: origin vault and hash of its creation leaf. Fixed for life.
    Lineage,
    "lineage"
);
hash_id!(
    /// Hash of a policy's canonical form.
    PolicyHash,
    "policy hash"
);
hash_id!(
    /// MRENCLAVE or MRSIGNER.
    Measurement,
    "measurement"
);
hash_id!(
    /// A machine: hash of its platform instance id, else of its PPID.
    PlatformId,
    "platform id"
);
hash_id!(
    /// A vault: hash of its identity key's SubjectPublicKeyInfo.
    VaultId,
    "vault id"
);

/// MRTD, a runtime measurement (RTMR) or MRCONFIGID of a trust domain: 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TdMeasurement(pub [u8; 48]);

impl fmt::Display for TdMeasurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::hex(&self.0))
    }
}

impl fmt::Debug for TdMeasurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TdMeasurement {
    type Err = IdError;

    fn from_str(hex: &str) -> Result<Self, IdError> {
        text::unhex(hex).map(Self).ok_or(IdError {
            expected: "measurement of a trust domain",
        })
    }
}

impl Lineage {
    /// The lineage of a key created on `origin` by the leaf with this RFC 6962 hash.
    pub fn derive(origin: &VaultId, creation_leaf: &Hash) -> Self {
        Self(Domain::Lineage.hash(&[origin.0.as_bytes(), creation_leaf.as_bytes()]))
    }
}

impl VaultId {
    /// The id of the vault with this identity key (SubjectPublicKeyInfo, DER).
    pub fn derive(identity_spki: &[u8]) -> Self {
        Self(Domain::VaultId.hash(&[identity_spki]))
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// A key's version; the first is 1.
    KeyVersion,
    u32
);
counter!(
    /// A policy's version; the first is 1.
    PolicyVersion,
    u64
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_has_one_text() {
        let handle = KeyHandle([0xff; 16]);
        let text = handle.to_string();
        assert_eq!(text.len(), 28);
        assert_eq!(text.parse(), Ok(handle));
        for bad in [
            text.to_uppercase(),
            text.replace("k-", "h-"),
            format!("{text}a"),
            "k-".into(),
        ] {
            assert!(bad.parse::<KeyHandle>().is_err(), "{bad}");
        }
    }
}
