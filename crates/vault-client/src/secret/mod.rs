//! Secrets that are split over independent vaults: any `threshold` of them give it back, fewer
//! learn nothing, and no vault can tell what it holds a share of.
//!
//! [`Secrets`] is an owner's directory of records, one for each secret, under the owner key.
//! What is stored on the vaults goes through [`ShareHolder`]. The formats are in
//! `docs/secrets.md`.

mod attested;
mod blind;
mod blob;
mod body;
mod clear;
mod collect;
mod deal;
mod holder;
mod layout;
mod owner;
mod owner_file;
mod payload;
mod policy;
mod record;
mod record_text;
mod recover;
mod report;
mod reshare;
mod seal;
mod secrets;
mod store;

pub use blob::{ShareMetadata, open_share};
pub use holder::ShareHolder;
pub use owner::OwnerKey;
pub use owner_file::OwnerKeyFile;
pub use policy::agreed_policy;
pub use record::{Begun, Member, Preparing, SetId, SetRecord};
pub use report::{
    Activated, Collected, Failed, Reconstructed, RecoveredSet, Recovery, Share, Wait,
};
pub use secrets::Secrets;
