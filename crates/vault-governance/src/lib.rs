//! What the governance keys of a constellation sign: manifests, and changes of a vault's trust
//! configuration.
//!
//! Pure: bytes in, decisions out. The caller keeps the files, draws nonces and seeds, remembers the
//! highest version that it has seen, and gives every text to be signed to whoever holds the keys.
//!
//! A client starts from an [`Anchor`], reads a [`ManifestChain`] and believes what
//! [`verify_chain`] gives. A vault holds an incoming [`Reconfiguration`] to what it has sealed with
//! [`Reconfiguration::verify`].

mod anchor;
mod chain;
mod error;
mod fields;
mod ids;
mod manifest;
mod quorum;
mod reconfiguration;
mod signing;

pub use anchor::Anchor;
pub use chain::{MOST_VERSIONS, ManifestChain, SignedManifest, verify_chain};
pub use error::{FormatError, GovernanceError};
pub use ids::{ConstellationId, GovernanceKey};
pub use manifest::{LONGEST_OPERATOR, MOST_MEMBERS, Manifest, Member};
pub use quorum::{GovernanceSignature, MOST_KEYS, MOST_SIGNATURES, Quorum};
pub use reconfiguration::{Expected, MAX_STATEMENT, Reconfiguration};
pub use signing::{PemError, SigningKey};
