//! The Rust SDK: one attested session to one vault, and what must be remembered between calls.
//!
//! There is one entry point, [`Client::connect`], and what it returns is attested: the vault's
//! evidence was appraised on this very connection under an explicit trust root, and it is the
//! vault that the configuration pins. Nothing here redials behind the caller's back: a lost
//! connection is replaced by the client with a new preamble and a new appraisal, or the call
//! fails. Every answer is covered by a checkpoint that the vault's identity key signed, and is
//! compared with what was seen before; the memory is a directory ([`HeadStore`]), and a client
//! without a durable one cannot notice a rollback.

mod calls;
mod client;
mod config;
mod error;
mod heads;
mod key;
mod receipt;
mod session;
pub mod token;
mod track;

pub use calls::{
    AuditLog, CreateKey, Deleted, Input, LogPage, ServedConfig, Signed, VaultInfo, Versioned,
    WhoAmI,
};
pub use client::Client;
pub use config::{ClientConfig, VaultPins};
pub use error::{Blame, Error, ErrorCode, Heads, Report, Result, Retry};
pub use heads::{HeadStore, KeyPin, Remembered, SeenHead};
pub use key::{KeyInfo, KeyName, KeyState};
pub use receipt::{Answer, Logged, Receipt};
pub use session::Peer;
