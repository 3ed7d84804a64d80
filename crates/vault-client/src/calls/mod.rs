//! The calls of the protocol, one file per service.

mod approval;
mod audit;
pub(crate) mod batch;
mod crypto;
pub(crate) mod exchange;
pub(crate) mod form;
mod governance;
mod key;
pub(crate) mod listing;
mod log_reader;
mod policy;
mod profile;
pub(crate) mod rpc;
mod share;
mod vault;

pub(crate) use approval::to_wire as approval_to_wire;
pub use audit::{AuditLog, LogPage};
pub use batch::{BatchAnswer, BatchCall};
pub use crypto::{Input, Signed, Versioned};
pub use governance::{ReconfigureOffer, Reconfigured};
pub use key::{CreateKey, Deleted};
pub use log_reader::LogReader;
pub use policy::{NewPolicy, Simulated};
pub use profile::PendingProfile;
pub(crate) use vault::canonical_value;
pub use vault::{ServedConfig, VaultInfo, WhoAmI};
