//! Attestation evidence: appraised in numbered steps, issued in X.509, bound to a connection.
//!
//! Verification is offline: `now` is an argument and collateral travels with the evidence. The
//! caller must choose a [`TrustRoot`] and must compare the claims that it gets back with what it
//! wanted; a quote that verifies says only that some genuine platform made it.

mod appraise;
mod cbor;
mod claims;
pub mod config_tree;
mod error;
mod evidence;
mod floors;
mod leaf;
mod library;
mod policy;
pub mod preamble;
mod quote;
pub mod report_data;
pub mod tls;
mod trust_root;

pub use appraise::{Appraised, appraise, platform_id};
pub use claims::{Claims, ClaimsError, MAX_OID_TEXT, MAX_OID_VALUE, MAX_OIDS, Role};
pub use error::{
    AppraisalError, CertificateFault, CollateralFault, EnclaveFault, FloorFault, FormatFault,
    PlatformFault, QeFault, TcbFault, TdFault,
};
pub use evidence::{Evidence, MAX_COLLATERAL, MAX_QUOTE};
pub use floors::{FamilyFloor, Floors};
pub use leaf::{
    IssueError, Leaf, LeafError, LeafKey, MAX_LEAF, MAX_VALIDITY, UnappraisedLeaf, Validity,
};
pub use policy::AppraisalPolicy;
pub use quote::without_padding;
pub use report_data::Expected;
pub use trust_root::{TrustRoot, TrustRootError};

/// Parsers of this crate, open to the fuzzer alone.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    pub use crate::tls::client_certificate;
}
