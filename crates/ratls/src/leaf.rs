//! The self-signed certificate that carries a quote over its own key.
//!
//! The quote stands in the extension 2.23.133.5.4.9 (TCG DICE tagged evidence) beside the claims
//! that it commits to; its collateral travels in the preamble, because it would triple the
//! certificate.

mod issue;
mod key;
mod parse;

pub use issue::{IssueError, Leaf, Validity};
pub use key::LeafKey;
pub use parse::UnappraisedLeaf;

/// TCG DICE tagged evidence.
const EVIDENCE_OID: [u64; 6] = [2, 23, 133, 5, 4, 9];
/// Longest validity, in seconds.
pub const MAX_VALIDITY: u64 = 24 * 3600;
/// Longest certificate, in bytes.
pub const MAX_LEAF: usize = 16 * 1024;

/// Why a certificate is not a leaf, or none could be issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LeafError {
    /// Not one X.509 certificate in DER, or longer than [`MAX_LEAF`].
    #[error("not one X.509 certificate in DER")]
    NotDer,
    /// Not signed with its own P-256 key.
    #[error("the certificate is not signed with its own P-256 key")]
    Signature,
    /// Outside its validity.
    #[error("the certificate is not valid now")]
    NotValidNow,
    /// Valid for longer than a day.
    #[error("the certificate is valid for longer than a day")]
    ValidTooLong,
    /// No evidence extension, more than one, or not the one encoding of it.
    #[error("the certificate carries no evidence")]
    NoEvidence,
    /// The claims cannot be read.
    #[error("{0}")]
    Claims(#[from] crate::claims::ClaimsError),
    /// The claims name another key than the certificate's.
    #[error("the claims name another key than the certificate's")]
    OtherKey,
    /// The quote is not over these claims.
    #[error("the quote is not over these claims")]
    OtherClaims,
    /// Key generation or signing failed.
    #[error("the certificate could not be made")]
    Crypto,
}
