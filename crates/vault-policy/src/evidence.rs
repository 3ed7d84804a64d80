//! What appraised attestation evidence says.

use crate::ids::{Measurement, PlatformId, TdMeasurement};
use crate::time::UnixSeconds;
use vault_encoding::Hash;

/// What runs, by the kind of its trusted execution environment. One kind never stands for another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tee {
    /// An Intel SGX enclave.
    Sgx(SgxFacts),
    /// An Intel TDX trust domain.
    Tdx(Box<TdxFacts>),
}

/// What an enclave's report says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SgxFacts {
    /// MRENCLAVE.
    pub mrenclave: Measurement,
    /// MRSIGNER.
    pub mrsigner: Measurement,
    /// ISVPRODID.
    pub isv_prod_id: u16,
    /// ISVSVN.
    pub isv_svn: u16,
}

/// What a trust domain's report says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TdxFacts {
    /// MRTD: what the domain was built from.
    pub mrtd: TdMeasurement,
    /// RTMR0 to RTMR3: what was loaded after.
    pub rtmrs: [TdMeasurement; 4],
    /// MRCONFIGID: what the host configured it with. Zero where it did not.
    pub mr_config_id: TdMeasurement,
    /// TD attributes.
    pub attributes: u64,
    /// Extended features that it may use.
    pub xfam: u64,
}

/// Status of a platform's trusted computing base, as its vendor publishes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TcbStatus {
    /// Everything that is known is fixed.
    UpToDate,
    /// Software must be built with mitigations.
    SwHardeningNeeded,
    /// The platform must be configured differently.
    ConfigurationNeeded,
    /// Both of the above.
    ConfigurationAndSwHardeningNeeded,
    /// Fixes are missing.
    OutOfDate,
    /// Fixes and configuration are missing.
    OutOfDateConfigurationNeeded,
}

impl TcbStatus {
    /// Every status that evidence can carry into a decision; `Revoked` is refused before.
    pub const ALL: [Self; 6] = [
        Self::UpToDate,
        Self::SwHardeningNeeded,
        Self::ConfigurationNeeded,
        Self::ConfigurationAndSwHardeningNeeded,
        Self::OutOfDate,
        Self::OutOfDateConfigurationNeeded,
    ];

    /// The vendor's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SwHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSwHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// The contents of evidence. Plain data: says nothing about having been verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvidenceClaims {
    /// What runs.
    pub tee: Tee,
    /// The machine.
    pub platform_id: PlatformId,
    /// Merkle root of the trust configuration that the claims of the leaf commit to.
    pub config_merkle_root: Option<Hash>,
    /// (dotted OID, value) pairs that the claims of the leaf commit to, sorted.
    pub oids: Vec<(String, Vec<u8>)>,
    /// Status of the platform.
    pub tcb_status: TcbStatus,
    /// Advisories that apply, sorted.
    pub advisories: Vec<String>,
    /// `tcbEvaluationDataNumber` of the collateral.
    pub tcb_evaluation_data_number: u32,
    /// When the status became known to be outdated (`tcbDate` of the level).
    pub tcb_date: UnixSeconds,
    /// Latest issue date of the collateral: a lower bound of "now".
    pub collateral_issued_at: UnixSeconds,
    /// Whether the attestation root is a development root. For display only.
    pub simulated: bool,
}

impl EvidenceClaims {
    /// The facts of an enclave; `None` of anything else.
    pub fn sgx(&self) -> Option<&SgxFacts> {
        match &self.tee {
            Tee::Sgx(sgx) => Some(sgx),
            Tee::Tdx(_) => None,
        }
    }

    /// The facts of a trust domain; `None` of anything else.
    pub fn tdx(&self) -> Option<&TdxFacts> {
        match &self.tee {
            Tee::Tdx(tdx) => Some(tdx),
            Tee::Sgx(_) => None,
        }
    }

    /// MRENCLAVE; `None` of what is no enclave.
    pub fn mrenclave(&self) -> Option<Measurement> {
        self.sgx().map(|sgx| sgx.mrenclave)
    }
}

/// Evidence that was appraised on the connection at hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedEvidence(EvidenceClaims);

impl VerifiedEvidence {
    /// Asserts that every step of the appraisal passed. Only `ratls::appraise` may call this
    /// outside tests (`xtask layers` checks).
    pub fn assertion(claims: EvidenceClaims) -> Self {
        Self(claims)
    }

    /// Evidence that nobody presented, for asking the decision what it would say. It must not
    /// leave this crate.
    pub(crate) fn hypothetical(claims: EvidenceClaims) -> Self {
        Self(claims)
    }

    /// What the evidence says.
    pub fn claims(&self) -> &EvidenceClaims {
        &self.0
    }
}
