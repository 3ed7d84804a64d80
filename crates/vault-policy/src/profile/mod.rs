//! Attestation profiles: which enclave, on which platforms, in which state.

mod matching;
mod tcb;

pub use tcb::TcbRule;

use crate::ids::{Measurement, PlatformId};
use crate::model::Reserved;
use std::collections::BTreeSet;
use vault_encoding::Hash;

/// What evidence must say. Its name is also the name of a principal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttestationProfile {
    /// The name in rules and conditions; unique among callers and profiles.
    pub name: String,
    /// The exact build.
    pub mrenclave: Option<Measurement>,
    /// Any build of a signer, from a version on.
    pub signer: Option<SignerMatch>,
    /// The exact build of a TD.
    pub mrtd: Reserved,
    /// Its runtime measurements.
    pub rtmrs: Reserved,
    /// Merkle root of the enclave's trust configuration.
    pub config_merkle_root: Option<Hash>,
    /// What the claims of the enclave's leaf must hold; it only narrows.
    pub required_oids: BTreeSet<RequiredOid>,
    /// The machines; empty for every machine.
    pub platforms: BTreeSet<PlatformId>,
    /// Which states of the platform are accepted.
    pub tcb: TcbRule,
}

/// Any build of a product, from a security version on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignerMatch {
    /// MRSIGNER.
    pub mrsigner: Measurement,
    /// ISVPRODID.
    pub isv_prod_id: u16,
    /// Lowest accepted ISVSVN.
    pub min_isv_svn: u16,
}

/// A claim that evidence must commit to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RequiredOid {
    /// Dotted decimal.
    pub oid: String,
    /// The exact bytes.
    pub value: Vec<u8>,
}
