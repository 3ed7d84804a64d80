//! The vocabulary of access, and the decision whether a call is allowed.
//!
//! Sans-IO and pure: `now` is an argument, nothing is read from the machine. The caller must
//! authenticate first (facts are taken as proven) and must spend the [`Permit`] at once, on the
//! key version that it names.

mod evidence;
mod facts;
mod ids;
mod operation;
mod permit;
mod time;

pub use evidence::{EvidenceClaims, TcbStatus, TeeKind, VerifiedEvidence};
pub use facts::{Facts, TokenFacts};
pub use ids::{
    IdError, KeyHandle, KeyVersion, Lineage, Measurement, PlatformId, PolicyHash, PolicyVersion,
    VaultId,
};
pub use operation::{Action, KeyType, Operation};
pub use permit::{KeySubject, Permit};
pub use time::{UnixSeconds, VaultTime};
