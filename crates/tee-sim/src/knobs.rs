//! Everything about a simulated platform that may be wrong.

use crate::collateral::{CollateralPart, SimTcb, Spec};
use crate::error::SimError;
use crate::machine::SimMachine;
use crate::platform::SimPlatform;
use crate::quote::{QE_MRSIGNER, Report};
use crate::td::SimTd;
use std::time::Duration;
use vault_tee::Svns;

/// INIT and MODE64BIT.
const ATTRIBUTES: u64 = 0x05;
const DEBUG: u64 = 0x02;
/// MRSIGNER of a simulated enclave unless another one is given.
const MRSIGNER: [u8; 32] = *b"tee-sim default enclave's signer";

/// What the revocation lists name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Revoked {
    /// The platform's certificate.
    Pck,
    /// The CA that issued it.
    PlatformCa,
    /// The signer of TCB info and QE identity.
    TcbSigner,
}

/// How the quoting service behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Quoting {
    /// It answers.
    #[default]
    Works,
    /// Every call ends in `QuoteError::Timeout`.
    TimesOut,
    /// Every call ends in `QuoteError::Unavailable`.
    Unavailable,
}

/// Builds a [`SimPlatform`]. Without any knob, it is up to date and verifies.
#[derive(Clone, Debug)]
#[must_use]
pub struct SimBuilder {
    pub(crate) machine: SimMachine,
    pub(crate) report: Report,
    pub(crate) td: Option<SimTd>,
    pub(crate) flipped: Vec<usize>,
    pub(crate) collateral: Spec,
    pub(crate) qe_mrsigner: [u8; 32],
    pub(crate) platform_instance_id: [u8; 16],
    pub(crate) sgx_extension: bool,
    pub(crate) now: Option<u64>,
    pub(crate) latency: Duration,
    pub(crate) quoting: Quoting,
    pub(crate) egetkey: Option<Svns>,
}

impl SimPlatform {
    /// An enclave of this measurement on this machine.
    pub fn builder(machine: &SimMachine, measurement: [u8; 32]) -> SimBuilder {
        SimBuilder {
            machine: machine.clone(),
            report: Report {
                misc_select: 0,
                attributes: ATTRIBUTES,
                xfrm: 0xe7,
                mrenclave: measurement,
                mrsigner: MRSIGNER,
                isv_prod_id: 0,
                isv_svn: 0,
            },
            td: None,
            flipped: Vec::new(),
            collateral: Spec {
                fmspc: machine.fmspc(),
                pce_id: [0; 2],
                module: None,
                tcb: SimTcb::UpToDate,
                advisories: Vec::new(),
                number: 17,
                crl_number: 1,
                expired: Vec::new(),
                from_the_future: Vec::new(),
                revoked: None,
            },
            qe_mrsigner: QE_MRSIGNER,
            platform_instance_id: machine.platform_instance_id(),
            sgx_extension: true,
            now: None,
            latency: Duration::ZERO,
            quoting: Quoting::Works,
            egetkey: None,
        }
    }
}

impl SimBuilder {
    /// Makes the platform: issues its certificate and its collateral.
    pub fn build(self) -> Result<SimPlatform, SimError> {
        SimPlatform::new(self)
    }

    /// A trust domain in the place of the enclave: its quotes are TDX quotes, and its collateral that of TDX. What
    /// it seals stays that of the enclave.
    pub fn td(mut self, td: SimTd) -> Self {
        self.collateral.module = Some(td.module);
        self.td = Some(td);
        self
    }

    /// TCB info and QE identity of the other kind of TEE.
    pub fn collateral_of_other_tee(mut self) -> Self {
        self.collateral.module = match self.collateral.module {
            None => Some(SimTcb::UpToDate),
            Some(_) => None,
        };
        self
    }

    /// Stops the host's clock at this Unix time; otherwise it is the real one.
    pub fn now(mut self, now: u64) -> Self {
        self.now = Some(now);
        self
    }

    /// MRSIGNER.
    pub fn mrsigner(mut self, mrsigner: [u8; 32]) -> Self {
        self.report.mrsigner = mrsigner;
        self
    }

    /// ISVPRODID.
    pub fn isv_prod_id(mut self, isv_prod_id: u16) -> Self {
        self.report.isv_prod_id = isv_prod_id;
        self
    }

    /// ISVSVN.
    pub fn isv_svn(mut self, isv_svn: u16) -> Self {
        self.report.isv_svn = isv_svn;
        self
    }

    /// Sets the DEBUG attribute.
    pub fn debug(mut self) -> Self {
        self.report.attributes |= DEBUG;
        self
    }

    /// All attribute flags.
    pub fn attributes(mut self, flags: u64) -> Self {
        self.report.attributes = flags;
        self
    }

    /// XFRM.
    pub fn xfrm(mut self, xfrm: u64) -> Self {
        self.report.xfrm = xfrm;
        self
    }

    /// MISCSELECT.
    pub fn misc_select(mut self, misc_select: u32) -> Self {
        self.report.misc_select = misc_select;
        self
    }

    /// Flips one bit of the report body (bit 0 is the lowest of byte 0) before it is signed.
    pub fn flip_report_bit(mut self, bit: usize) -> Self {
        self.flipped.push(bit);
        self
    }

    /// The state that TCB info gives to the platform, with these advisories.
    pub fn tcb(mut self, tcb: SimTcb, advisories: &[&str]) -> Self {
        self.collateral.tcb = tcb;
        self.collateral.advisories = advisories.iter().map(ToString::to_string).collect();
        self
    }

    /// `tcbEvaluationDataNumber`; 17 otherwise.
    pub fn tcb_evaluation_data_number(mut self, number: u32) -> Self {
        self.collateral.number = number;
        self
    }

    /// Number of both revocation lists; 1 otherwise.
    pub fn crl_number(mut self, number: u32) -> Self {
        self.collateral.crl_number = number;
        self
    }

    /// A part of the collateral that has expired.
    pub fn expired(mut self, part: CollateralPart) -> Self {
        self.collateral.expired.push(part);
        self
    }

    /// A part of the collateral that is issued after now.
    pub fn from_the_future(mut self, part: CollateralPart) -> Self {
        self.collateral.from_the_future.push(part);
        self
    }

    /// What the revocation lists name.
    pub fn revoked(mut self, revoked: Revoked) -> Self {
        self.collateral.revoked = Some(revoked);
        self
    }

    /// TCB info for another PCEID than the certificate's 0000.
    pub fn collateral_pce_id(mut self, pce_id: [u8; 2]) -> Self {
        self.collateral.pce_id = pce_id;
        self
    }

    /// TCB info for another FMSPC than the machine's.
    pub fn collateral_fmspc(mut self, fmspc: [u8; 6]) -> Self {
        self.collateral.fmspc = fmspc;
        self
    }

    /// MRSIGNER of the quoting enclave; another one is not the published QE.
    pub fn qe_mrsigner(mut self, mrsigner: [u8; 32]) -> Self {
        self.qe_mrsigner = mrsigner;
        self
    }

    /// The platform instance id in the PCK certificate; otherwise the machine's own.
    pub fn platform_instance_id(mut self, id: [u8; 16]) -> Self {
        self.platform_instance_id = id;
        self
    }

    /// A PCK certificate that does not describe a platform, as that of a TCB signer.
    pub fn without_sgx_extension(mut self) -> Self {
        self.sgx_extension = false;
        self
    }

    /// How long every quote takes.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Gives the CPU's keys by EGETKEY, with these versions of microcode and configuration and the ISVSVN of the
    /// report. Quotes go on to show the simulator's own CPUSVN.
    pub fn egetkey(mut self, cpu: [u8; 16], config: u16) -> Self {
        let isv = self.report.isv_svn;
        self.egetkey = Some(Svns { cpu, isv, config });
        self
    }

    /// How the quoting service behaves from the start.
    pub fn quoting(mut self, quoting: Quoting) -> Self {
        self.quoting = quoting;
        self
    }
}
