//! Why a manifest or a change of configuration is refused.

use crate::{ConstellationId, GovernanceKey};
use vault_encoding::CanonicalError;
use vault_policy::VaultId;

/// A text, or a set of values, that is no manifest, chain, quorum or statement.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FormatError {
    /// Not canonical JSON within the limits.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Another format, or another version of it.
    #[error("the format is not {expected}")]
    Format {
        /// What it should have been.
        expected: &'static str,
    },
    /// A member that must be there is not, or has another type.
    #[error("{0} is missing or of another type")]
    Missing(&'static str),
    /// A member that does not belong there.
    #[error("the text has a member that its format does not know")]
    UnknownMember,
    /// A value that does not parse.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// Fewer than one, or more than allowed.
    #[error("{what}: {found} are not between 1 and {most}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A set that is not sorted.
    #[error("{0} are not sorted")]
    NotSorted(&'static str),
    /// Two members with one vault id.
    #[error("vault {0} is a member twice")]
    DuplicateMember(VaultId),
    /// A key twice.
    #[error("governance key {0} stands there twice")]
    DuplicateKey(GovernanceKey),
    /// A threshold that is zero, or more than the keys.
    #[error("the threshold is {threshold}, of {keys} keys")]
    Threshold {
        /// How many must sign.
        threshold: u8,
        /// How many could.
        keys: usize,
    },
    /// An operator's name that is empty, too long, or has control characters.
    #[error("an operator's name is empty, longer than 128 bytes, or has control characters")]
    Operator,
    /// A change from a trust root to itself.
    #[error("the new trust root is the old one")]
    SameRoot,
}

/// Why a text of good form is not believed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GovernanceError {
    /// Its form is not good.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It is about another constellation.
    #[error("constellation {found}, not {expected}")]
    WrongConstellation {
        /// What it should be about.
        expected: ConstellationId,
        /// What it is about.
        found: ConstellationId,
    },
    /// A version is missing, stands twice, or goes back.
    #[error("version {found} where version {expected} must stand")]
    WrongVersion {
        /// The one that follows.
        expected: u64,
        /// The one that is there.
        found: u64,
    },
    /// Too few signatures of distinct governance keys.
    #[error("{have} of {need} signatures of the governance quorum")]
    QuorumNotMet {
        /// The threshold.
        need: u8,
        /// Distinct keys that signed.
        have: u8,
    },
    /// More signatures than there may be.
    #[error("{found} signatures, of at most {most}")]
    TooManySignatures {
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A signature by a key that is not in the quorum.
    #[error("signed by {0}, which is not a governance key here")]
    NotAGovernanceKey(GovernanceKey),
    /// A signature that does not verify.
    #[error("the signature of {0} does not verify")]
    BadSignature(GovernanceKey),
    /// The statement is for another vault.
    #[error("the statement is for vault {found}, not {expected}")]
    WrongVault {
        /// The vault that was asked.
        expected: VaultId,
        /// The vault that is named.
        found: VaultId,
    },
    /// The statement starts from another trust root than the sealed one.
    #[error("the statement does not start from the sealed trust root")]
    WrongOldRoot,
    /// The statement leads to another trust root than that of the configuration that is there.
    #[error("the statement does not lead to the trust root of the present configuration")]
    WrongNewRoot,
    /// The nonce is not one that this vault gave out in this boot, or it is spent.
    #[error("the nonce is spent, or was never given out since this start")]
    UnknownNonce,
}
