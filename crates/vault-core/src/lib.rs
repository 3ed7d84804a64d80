//! The vault as a deterministic state machine: authenticate, permit, operate, record.
//!
//! Sans-IO: no clock, no disk, no network, no randomness of its own. The caller must
//! - read the host's clock and hand the reading in ([`TimeReading`]), and hand in an [`Rng`];
//! - take every call through [`Vault::authorize`], [`Authorized::operate`] (outside any lock) and
//!   [`Vault::record`];
//! - commit groups in their order ([`Vault::take_group`], [`commit`], [`Vault::settle`]), end the
//!   process on a [`CommitFault`], and only then release replies ([`Pending::release`]);
//! - now and then take a view of the state ([`Vault::view`]) and encode it elsewhere: bundles into the
//!   archive, snapshot, the entry that commits to it, and only then [`Vault::forget_leaves`].

pub mod api;
mod approve;
mod archive;
pub mod authn;
mod authorize;
mod boot;
mod caller;
mod carried;
mod change;
mod codec;
mod commit;
mod config;
mod due;
mod group;
mod head;
mod idempotency;
mod inspect;
mod keyring;
mod leaf;
mod leaves;
pub mod limits;
mod operate;
mod ops;
mod parts;
mod pending;
mod permit;
mod quota;
mod rates;
mod reconfigure;
mod record;
mod request_form;
mod restore;
mod snapshot;
mod standing;
mod state;
mod stop;
mod strangers;
mod time;
mod vault;

pub use api::{Answer, CallContext, Code, Head, Receipt, Refusal, Reply, Request};
pub use archive::{ArchivedLeaves, Bundle, BundlePlace, LostLeaves};
pub use authorize::Authorized;
pub use boot::{BootError, BootInput, LoggedGroup, OpenedSnapshot};
pub use caller::{Caller, Principal};
pub use carried::{CarriedHead, CarriedHeads, HEADS_PER_CALL, NOTE_BYTES};
pub use commit::{CommitFault, Committed, DurableLog, commit};
pub use config::{RoleNames, VaultConfig};
pub use group::{CheckpointSigner, Group, Position};
pub use head::Contradicted;
pub use limits::{Limits, Quota, RateLimits};
pub use operate::Operated;
pub use parts::{OneByOne, Part, Workers};
pub use pending::Pending;
pub use rates::{Cost, Rates};
pub use reconfigure::{GovernedChange, InForce, LoggedEvent};
pub use snapshot::{Snapshot, SnapshotView};
pub use time::{TimeMode, TimeReading};
pub use vault::{Vault, VaultInfo};
pub use vault_keys::{Rng, SignatureFormat};
