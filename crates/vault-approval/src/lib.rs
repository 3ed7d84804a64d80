//! Approvals: what a manager signs is a statement of one exact request to one vault, good once and only for
//! whoever asked.
//!
//! Pure: bytes in, decisions out. A vault must
//! - draw the nonces, keep them in memory ([`Nonces`]) and take one out before it looks at anything else of the
//!   call that brings it;
//! - build the [`Statement`] anew from the call that it has received, never from what the call says of it, and
//!   hold the approval to that ([`verify_approval`]);
//! - spend the result on that very call.
//!
//! Who asks puts the statements of its vaults into a [`Bundle`], and the answer of each manager
//! ([`ApprovalAnswer`]) into the [`Approval`] of each vault.

mod answer;
mod authenticator;
mod bundle;
mod cbor;
mod counters;
mod error;
mod fields;
mod nonces;
mod request;
mod statement;
mod token;
mod tree;
mod verify;
mod webauthn;

pub use answer::{ApprovalAnswer, Decision, MAX_ANSWER};
pub use authenticator::MAX_AUTHENTICATOR_DATA;
pub use bundle::{Bundle, Context, MAX_BUNDLE, MAX_NOTE, Salted};
pub use counters::Counters;
pub use error::{ApprovalFault, FormatError};
pub use nonces::{Beginner, Full, NONCES, NONCES_PER_PRINCIPAL, Nonces, Opened};
pub use request::{ApprovalRequest, Digested, MAX_REQUEST, SignatureForm, SignedInput};
pub use statement::{
    MAX_STATEMENT, MOST_PRINCIPALS, Nonce, Requester, RequesterPrincipal, Statement,
};
pub use token::{OidcApproval, token_message};
pub use tree::{ApprovalTree, LEAVES, PATH, challenge_of, padding_leaf, root_of, statement_leaf};
pub use vault_policy::{Approved, Approver, Fido2Algorithm, Fido2Credential};
pub use verify::{Approval, Approvals, Held, MOST_PROOFS, Proof, digest, verify_approval};
pub use webauthn::{Assertion, MAX_CLIENT_DATA, verify_assertion};

use vault_encoding::{Domain, Hash};

/// Where a relay keeps what waits for this credential.
pub fn mailbox(credential_id: &[u8]) -> Hash {
    Domain::Mailbox.hash(&[credential_id])
}
