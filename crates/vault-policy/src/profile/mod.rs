//! Attestation profiles: which enclave, on which platforms, in which state.

mod matching;
mod tcb;

pub use tcb::TcbRule;

use crate::error::PolicyError;
use crate::ids::{Measurement, PlatformId, TdMeasurement};
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::{Canonical, Domain, Hash, Json};

/// What evidence must say. Its name is also the name of a principal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttestationProfile {
    /// The name in rules and conditions; unique among callers and profiles.
    pub name: String,
    /// The exact build.
    pub mrenclave: Option<Measurement>,
    /// Any build of a signer, from a version on.
    pub signer: Option<SignerMatch>,
    /// The exact build of a trust domain. Beside it stands neither a build nor a signer of enclaves.
    pub mrtd: Option<TdMeasurement>,
    /// Its runtime measurements, by their number (0 to 3). One that is left out may have any value.
    pub rtmrs: BTreeMap<u8, TdMeasurement>,
    /// Merkle root of the enclave's trust configuration.
    pub config_merkle_root: Option<Hash>,
    /// What the claims of the enclave's leaf must hold; it only narrows.
    pub required_oids: BTreeSet<RequiredOid>,
    /// The machines; empty for every machine.
    pub platforms: BTreeSet<PlatformId>,
    /// Which states of the platform are accepted.
    pub tcb: TcbRule,
}

impl AttestationProfile {
    /// Reads the canonical form of a profile alone, and refuses every other spelling.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, PolicyError> {
        crate::read::canonical_profile(bytes)
    }

    /// Reads what people write: defaults may be left out.
    pub fn from_json(document: &Json) -> Result<Self, PolicyError> {
        crate::read::profile(document)
    }

    /// The canonical form, as it also stands in a policy.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        self.to_canonical().to_bytes()
    }

    /// The canonical form as a value, for printing.
    pub fn to_canonical(&self) -> Canonical {
        crate::write::profile(self)
    }

    /// Hash of the canonical form: what a promotion is bound to.
    pub fn digest(&self) -> Hash {
        Domain::AttestationProfile.hash(&[&self.canonical_bytes()])
    }
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
