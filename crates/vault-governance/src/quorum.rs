//! Who must sign, and whether they have.

use crate::fields::{Fields, count, parse};
use crate::{FormatError, GovernanceError, GovernanceKey};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use vault_encoding::{Canonical, text};

/// Keys of one quorum.
pub const MOST_KEYS: usize = 16;
/// Signatures under one text.
pub const MOST_SIGNATURES: usize = 16;

/// At least `threshold` of these keys. INVARIANT: 1 to 16 distinct keys, sorted;
/// 1 ≤ threshold ≤ keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quorum {
    keys: Vec<GovernanceKey>,
    threshold: u8,
}

impl Quorum {
    /// The quorum of `threshold` of these keys, in any order.
    pub fn new(mut keys: Vec<GovernanceKey>, threshold: u8) -> Result<Self, FormatError> {
        keys.sort_unstable();
        Self::of_sorted(keys, threshold)
    }

    fn of_sorted(keys: Vec<GovernanceKey>, threshold: u8) -> Result<Self, FormatError> {
        count("governance keys", keys.len(), MOST_KEYS)?;
        for (earlier, later) in keys.iter().zip(keys.iter().skip(1)) {
            if earlier == later {
                return Err(FormatError::DuplicateKey(*earlier));
            }
            if earlier > later {
                return Err(FormatError::NotSorted("governance keys"));
            }
        }
        let keys_there = keys.len();
        if threshold == 0 || usize::from(threshold) > keys_there {
            let keys = keys_there;
            return Err(FormatError::Threshold { threshold, keys });
        }
        Ok(Self { keys, threshold })
    }

    /// The keys, sorted.
    pub fn keys(&self) -> &[GovernanceKey] {
        &self.keys
    }

    /// How many of them must sign.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Whether enough of the keys signed `message`; gives those that did, sorted. Every signature
    /// must be one of this quorum's and verify; a key that signs twice counts once.
    pub fn verify(
        &self,
        message: &[u8],
        signatures: &[GovernanceSignature],
    ) -> Result<Vec<GovernanceKey>, GovernanceError> {
        let (found, most) = (signatures.len(), MOST_SIGNATURES);
        if found > most {
            return Err(GovernanceError::TooManySignatures { found, most });
        }
        let mut signers = BTreeSet::new();
        for GovernanceSignature { key, signature } in signatures {
            if !self.keys.contains(key) {
                return Err(GovernanceError::NotAGovernanceKey(*key));
            }
            UnparsedPublicKey::new(&ED25519, &key.0)
                .verify(message, signature)
                .map_err(|_| GovernanceError::BadSignature(*key))?;
            signers.insert(*key);
        }
        let (need, have) = (
            self.threshold,
            u8::try_from(signers.len()).unwrap_or(u8::MAX),
        );
        if have < need {
            return Err(GovernanceError::QuorumNotMet { need, have });
        }
        Ok(signers.into_iter().collect())
    }

    /// `{"keys":[…],"threshold":"…"}`.
    pub fn to_canonical(&self) -> Canonical {
        Canonical::map([
            (
                "keys",
                Canonical::list(self.keys.iter().map(Canonical::text)),
            ),
            ("threshold", Canonical::text(self.threshold)),
        ])
    }

    /// Reads what [`Quorum::to_canonical`] gives, and nothing else.
    pub fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut fields = Fields::of(value, "governance")?;
        let keys = fields
            .list("keys")?
            .iter()
            .map(key)
            .collect::<Result<_, _>>()?;
        let threshold = fields.number("threshold")?;
        fields.end()?;
        Self::of_sorted(keys, threshold)
    }
}

fn key(value: &Canonical) -> Result<GovernanceKey, FormatError> {
    let text = value
        .as_text()
        .ok_or(FormatError::Missing("governance key"))?;
    parse(text, "governance key")
}

/// One signature under a manifest or a statement.
#[derive(Clone, PartialEq, Eq)]
pub struct GovernanceSignature {
    /// Whose.
    pub key: GovernanceKey,
    /// Ed25519, over the text's message.
    pub signature: [u8; 64],
}

impl GovernanceSignature {
    pub(crate) fn to_canonical(&self) -> Canonical {
        Canonical::map([
            ("key", Canonical::text(self.key)),
            ("signature", Canonical::text(text::hex(&self.signature))),
        ])
    }

    pub(crate) fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut fields = Fields::of(value, "signature")?;
        let key = fields.parsed("key")?;
        let Signature64(signature) = fields.parsed("signature")?;
        fields.end()?;
        Ok(Self { key, signature })
    }
}

impl fmt::Debug for GovernanceSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GovernanceSignature({})", self.key)
    }
}

struct Signature64([u8; 64]);

impl FromStr for Signature64 {
    type Err = ();

    fn from_str(hex: &str) -> Result<Self, ()> {
        text::unhex(hex).map(Self).ok_or(())
    }
}
