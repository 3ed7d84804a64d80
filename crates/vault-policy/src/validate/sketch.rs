//! Evidence made up so that it matches given profiles.

use crate::evidence::{EvidenceClaims, SgxFacts, TcbStatus, TdxFacts, Tee, VerifiedEvidence};
use crate::ids::{Measurement, PlatformId, TdMeasurement};
use crate::model::KeyPolicy;
use crate::profile::AttestationProfile;
use crate::time::UnixSeconds;
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::Hash;

/// What evidence must say to match every profile taken in so far.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sketch {
    mrenclave: Option<Measurement>,
    signer: Option<(Measurement, u16)>,
    mrtd: Option<TdMeasurement>,
    rtmrs: BTreeMap<u8, TdMeasurement>,
    isv_svn: u16,
    config_merkle_root: Option<Hash>,
    oids: BTreeSet<(String, Vec<u8>)>,
    platforms: Option<BTreeSet<PlatformId>>,
    statuses: BTreeSet<TcbStatus>,
    evaluation_data_number: u32,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            mrenclave: None,
            signer: None,
            mrtd: None,
            rtmrs: BTreeMap::new(),
            isv_svn: 0,
            config_merkle_root: None,
            oids: BTreeSet::new(),
            platforms: None,
            statuses: TcbStatus::ALL.into(),
            evaluation_data_number: 0,
        }
    }
}

impl Sketch {
    /// `None` if nothing can match all of them.
    pub(super) fn with(&self, profile: &AttestationProfile) -> Option<Self> {
        let signer = profile
            .signer
            .map(|signer| (signer.mrsigner, signer.isv_prod_id));
        let svn = profile.signer.map_or(0, |signer| signer.min_isv_svn);
        let required = profile.required_oids.iter();
        let required = required.map(|required| (required.oid.clone(), required.value.clone()));
        let number = profile.tcb.min_evaluation_data_number;
        let sketch = Self {
            mrenclave: agree(self.mrenclave, profile.mrenclave)?,
            signer: agree(self.signer, signer)?,
            mrtd: agree(self.mrtd, profile.mrtd)?,
            rtmrs: joined(&self.rtmrs, &profile.rtmrs)?,
            isv_svn: self.isv_svn.max(svn),
            config_merkle_root: agree(self.config_merkle_root, profile.config_merkle_root)?,
            oids: self.oids.iter().cloned().chain(required).collect(),
            platforms: common(self.platforms.as_ref(), &profile.platforms),
            statuses: self
                .statuses
                .intersection(&profile.tcb.statuses)
                .copied()
                .collect(),
            evaluation_data_number: self.evaluation_data_number.max(number),
        };
        let nowhere = sketch.platforms.as_ref().is_some_and(BTreeSet::is_empty);
        let fits = sketch.oids.len() <= KeyPolicy::MAX_OIDS;
        let enclave = sketch.mrenclave.is_some() || sketch.signer.is_some();
        let one_kind = !(enclave && sketch.mrtd.is_some());
        (fits && one_kind && !nowhere && !sketch.statuses.is_empty()).then_some(sketch)
    }

    fn tee(&self) -> Tee {
        let other = TdMeasurement([0xff; 48]);
        if let Some(mrtd) = self.mrtd {
            let rtmr = |index| self.rtmrs.get(&index).copied().unwrap_or(other);
            return Tee::Tdx(Box::new(TdxFacts {
                mrtd,
                rtmrs: [0, 1, 2, 3].map(rtmr),
                mr_config_id: TdMeasurement([0; 48]),
                attributes: 0,
                xfam: 0,
            }));
        }
        let (mrsigner, isv_prod_id) = self.signer.unwrap_or((Measurement(OTHER), 0));
        Tee::Sgx(SgxFacts {
            mrenclave: self.mrenclave.unwrap_or(Measurement(OTHER)),
            mrsigner,
            isv_prod_id,
            isv_svn: self.isv_svn,
        })
    }

    /// The evidence.
    pub(super) fn evidence(self) -> VerifiedEvidence {
        let tee = self.tee();
        let platform = self.platforms.iter().flatten().next().copied();
        let status = self.statuses.into_iter().next();
        VerifiedEvidence::hypothetical(EvidenceClaims {
            tee,
            platform_id: platform.unwrap_or(PlatformId(OTHER)),
            config_merkle_root: self.config_merkle_root,
            oids: self.oids.into_iter().collect(),
            tcb_status: status.unwrap_or(TcbStatus::UpToDate),
            advisories: Vec::new(),
            tcb_evaluation_data_number: self.evaluation_data_number,
            tcb_date: UnixSeconds(0),
            collateral_issued_at: UnixSeconds(0),
            simulated: true,
        })
    }
}

const OTHER: Hash = Hash([0xff; 32]);

/// Every register of both; `None` if they differ in one.
fn joined(
    one: &BTreeMap<u8, TdMeasurement>,
    other: &BTreeMap<u8, TdMeasurement>,
) -> Option<BTreeMap<u8, TdMeasurement>> {
    let differs = |(index, rtmr)| one.get(index).is_some_and(|known| known != rtmr);
    if other.iter().any(differs) {
        return None;
    }
    let all = one.iter().chain(other);
    Some(all.map(|(index, rtmr)| (*index, *rtmr)).collect())
}

/// The value that satisfies both; `None` if they differ.
fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> Option<Option<T>> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then_some(Some(one)),
        (one, other) => Some(one.or(other)),
    }
}

/// An empty list of a profile is every platform.
fn common(
    so_far: Option<&BTreeSet<PlatformId>>,
    listed: &BTreeSet<PlatformId>,
) -> Option<BTreeSet<PlatformId>> {
    match so_far {
        _ if listed.is_empty() => so_far.cloned(),
        None => Some(listed.clone()),
        Some(known) => Some(known.intersection(listed).copied().collect()),
    }
}
