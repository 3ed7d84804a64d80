//! Messages and services of the wire, their limits, and their mapping to the vocabulary of
//! `vault-policy`.
//!
//! The code under `src/gen` is written by `tools/proto-gen` from `proto/` and committed, so that
//! a build needs no generator. Messages are not the model: whatever arrives is mapped, and
//! unknown enum values are refused on the way.

mod error;
mod limits;
mod vocabulary;

#[allow(
    missing_docs,
    unreachable_pub,
    mismatched_lifetime_syntaxes,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    rustdoc::all,
    reason = "generated"
)]
#[rustfmt::skip]
#[path = "gen/mod.rs"]
mod generated;

/// The messages, services and clients of package `enclavevaults.v1`.
pub use generated::enclavevaults::v1;

pub use error::{ERROR_DETAIL, code_name, detail_of, rpc_code, to_connect_error};
pub use limits::{
    AFTER_AUTHENTICATION, BATCH, BATCH_CALLS, BATCH_RESPONSE, BEFORE_AUTHENTICATION,
    ELEMENT_MEMORY, IDEMPOTENCY_KEY, LABELS, NAME, OPERATE_CALLS, OPERATE_MESSAGE, PAGE, POLICY,
    batch_limits, operate_limits, request_limits, response_limits,
};
pub use vocabulary::{
    WireError, hash, key_handle, key_state_name, key_type, lineage, optional_hash, to_key_type,
};
