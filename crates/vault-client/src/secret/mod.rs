//! Secrets that are split over independent vaults: any `threshold` of them give it back, fewer
//! learn nothing, and no vault can tell what it holds a share of.
//!
//! [`Secrets`] is an owner's directory of records, one for each secret, under the owner key.
//! What is stored on the vaults goes through [`ShareHolder`]. The formats are in
//! `docs/secrets.md`.

mod holder;
mod owner;
mod owner_file;
mod record;
mod report;
mod secrets;

pub use holder::ShareHolder;
pub use owner::OwnerKey;
pub use owner_file::OwnerKeyFile;
pub use record::{Member, Preparing, SetId, SetRecord};
pub use report::{
    Activated, Collected, Failed, Reconstructed, RecoveredSet, Recovery, Share, Wait,
};
pub use secrets::Secrets;
