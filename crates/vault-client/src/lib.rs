//! The Rust SDK, in three layers:
//!
//! - [`registry::RegistryClient`] asks registries where vaults are, and believes nothing of it;
//! - [`Client`] is one attested session to one vault, and what must be remembered between calls;
//! - [`Constellation`] is all vaults of one manifest, which the governance keys have signed: it
//!   finds them, asks several at once, and tells what became of each; [`secret`] splits secrets
//!   over them.
//!
//! There is one way to a vault, [`Client::connect`], and what it returns is attested: the vault's
//! evidence was appraised on this very connection under an explicit trust root, and it is the
//! vault that the configuration pins. Nothing here redials behind the caller's back: a lost
//! connection is replaced by the client with a new preamble and a new appraisal, or the call
//! fails. Every answer is covered by a checkpoint that the vault's identity key signed, and is
//! compared with what was seen before; the memory is a directory ([`HeadStore`]), and a client
//! without a durable one cannot notice a rollback.
//!
//! ```no_run
//! use std::sync::Arc;
//! use vault_client::token::{Kept, TokenCommand};
//! use vault_client::{Client, ClientConfig, HeadStore, Input, Result, VaultPins};
//!
//! # async fn example(vault: VaultPins) -> Result<()> {
//! let trust = ratls::TrustRoot::intel();
//! let tokens = Kept::new(TokenCommand(vec!["my-token".into()]));
//! let config = ClientConfig::new("vault.example.com:7443", vault, trust, HeadStore::new("state"))
//!     .tokens(Arc::new(tokens));
//! let client = Client::connect(config).await?;
//! let key = client.find_key("release").await?;
//! let message = Input::Message(b"release 1.0".to_vec());
//! let signed = client.sign(key.handle.into(), message, true).await?;
//! println!("{:02x?}, entry {:?}", signed.value.signature, signed.receipt.logged);
//! # Ok(())
//! # }
//! ```

pub mod approval;
mod calls;
mod client;
mod config;
pub mod constellation;
mod error;
mod heads;
mod key;
mod manifest;
mod receipt;
pub mod registry;
pub mod secret;
mod session;
pub mod token;
mod track;

pub use calls::{
    AuditLog, BatchAnswer, BatchCall, CreateKey, Deleted, Input, LogPage, LogReader, NewPolicy,
    PendingProfile, ReconfigureOffer, Reconfigured, ServedConfig, Signed, Simulated, VaultInfo,
    Versioned, WhoAmI,
};
pub use client::Client;
pub use config::{ClientConfig, VaultPins};
pub use constellation::{Constellation, ConstellationConfig};
pub use error::{Blame, Error, ErrorCode, Heads, Report, Result, Retry};
pub use heads::{
    Boot, CarriedNote, GoOnWith, HeadStore, KeptEvidence, KeyPin, LogPosition, RememberedManifest,
    SeenHead, SeenManifest, ToldHead,
};
pub use key::{KeyInfo, KeyName, KeyState};
pub use manifest::load_manifest;
pub use receipt::{Answer, Logged, Receipt};
pub use session::Peer;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;
