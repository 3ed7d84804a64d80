//! Approvals: what managers sign, once for all vaults.
//!
//! A [`Gesture`] is the statements of the vaults in question, which are one request; a wallet, or a
//! [`SoftwareCredential`], answers its challenge; each vault is then given its own part.
//!
//! ```no_run
//! use vault_approval::{ApprovalAnswer, Decision, Digested, SignatureForm};
//! use vault_client::approval::{ApprovalRequest, Gesture, Context, SoftwareCredential};
//! use vault_client::{Constellation, Input, KeyName, Result};
//! use vault_policy::{KeyVersion, VaultId};
//!
//! # async fn example(vaults: Constellation, keys: Vec<(VaultId, KeyName)>, grace: SoftwareCredential) -> Result<()> {
//! let message = b"release 1.0".to_vec();
//! let request = ApprovalRequest::Sign {
//!     key_version: KeyVersion(1),
//!     payload: Digested::of(&message),
//!     format: SignatureForm::Der,
//! };
//! let begun = vaults.begin_approval(&keys, &request, 0, Context::default()).await?;
//! let answer = grace.approve(&begun.gesture)?;
//! let approvals = begun.gesture.approvals(&[answer])?;
//! let signed = vaults
//!     .each_approved(&approvals, |vault| {
//!         let (keys, message) = (&keys, message.clone());
//!         async move {
//!             let (_, key) = keys.iter().find(|(id, _)| *id == vault.vault_id()).unwrap();
//!             vault.sign(*key, Input::Message(message), true).await
//!         }
//!     })
//!     .await;
//! for (vault, error) in signed.failed() {
//!     println!("{vault}: {error}");
//! }
//! # Ok(())
//! # }
//! ```

mod gesture;
mod relay;
mod software;
#[cfg(test)]
mod tests;

pub use gesture::Gesture;
pub use relay::{Relay, Waiting};
#[cfg(feature = "fuzzing")]
pub use relay::{Relayed, relayed};
pub use software::SoftwareCredential;
pub use vault_approval::{
    Approval, ApprovalAnswer, ApprovalRequest, Bundle, Context, Decision, Digested, OidcApproval,
    SignatureForm, SignedInput, Statement, mailbox,
};
