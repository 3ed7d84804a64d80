//! A simulated trust domain: what its report says.

use crate::collateral::SimTcb;

/// SEPT_VE_DISABLE.
const ATTRIBUTES: u64 = 1 << 28;
const DEBUG: u64 = 1;
/// The version of the TDX module, which names its identity in TCB info.
pub(crate) const MODULE_VERSION: u8 = 1;
/// ISVSVN of the TDX module.
pub(crate) const MODULE_SVN: u8 = 5;
/// SVN of what loads late microcode.
pub(crate) const LATE_SVN: u8 = 5;

/// The form of a TDX quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TdQuote {
    /// Version 4, with a report of TDX 1.0.
    #[default]
    V4,
    /// Version 5, with a report of TDX 1.0.
    V5Td10,
    /// Version 5, with a report of TDX 1.5.
    V5Td15,
}

/// A trust domain in the place of an enclave. Without any knob, it verifies.
#[derive(Clone, Debug)]
#[must_use]
pub struct SimTd {
    pub(crate) form: TdQuote,
    pub(crate) module: SimTcb,
    tee_tcb_svn: [u8; 16],
    current_tcb_svn: [u8; 16],
    mr_signer_seam: [u8; 48],
    seam_attributes: u64,
    attributes: u64,
    xfam: u64,
    mrtd: [u8; 48],
    mr_config_id: [u8; 48],
    mr_owner: [u8; 48],
    mr_owner_config: [u8; 48],
    rtmrs: [[u8; 48]; 4],
    mr_service_td: [u8; 48],
}

impl SimTd {
    /// A domain with these measurements.
    pub fn new(mrtd: [u8; 48], rtmrs: [[u8; 48]; 4]) -> Self {
        let mut tee_tcb_svn = [0; 16];
        let [svn, version, late, ..] = &mut tee_tcb_svn;
        (*svn, *version, *late) = (MODULE_SVN, MODULE_VERSION, LATE_SVN);
        Self {
            form: TdQuote::default(),
            module: SimTcb::UpToDate,
            tee_tcb_svn,
            current_tcb_svn: tee_tcb_svn,
            mr_signer_seam: [0; 48],
            seam_attributes: 0,
            attributes: ATTRIBUTES,
            xfam: 0x0006_02e7,
            mrtd,
            mr_config_id: [0; 48],
            mr_owner: [0; 48],
            mr_owner_config: [0; 48],
            rtmrs,
            mr_service_td: [0; 48],
        }
    }

    /// The form of its quotes.
    pub fn form(mut self, form: TdQuote) -> Self {
        self.form = form;
        self
    }

    /// Sets the DEBUG attribute.
    pub fn debug(mut self) -> Self {
        self.attributes |= DEBUG;
        self
    }

    /// All attributes.
    pub fn attributes(mut self, attributes: u64) -> Self {
        self.attributes = attributes;
        self
    }

    /// XFAM.
    pub fn xfam(mut self, xfam: u64) -> Self {
        self.xfam = xfam;
        self
    }

    /// MRCONFIGID.
    pub fn mr_config_id(mut self, id: [u8; 48]) -> Self {
        self.mr_config_id = id;
        self
    }

    /// MROWNER.
    pub fn mr_owner(mut self, owner: [u8; 48]) -> Self {
        self.mr_owner = owner;
        self
    }

    /// MROWNERCONFIG.
    pub fn mr_owner_config(mut self, config: [u8; 48]) -> Self {
        self.mr_owner_config = config;
        self
    }

    /// MRSERVICETD, which only a report of TDX 1.5 has.
    pub fn mr_service_td(mut self, service: [u8; 48]) -> Self {
        self.mr_service_td = service;
        self
    }

    /// MRSIGNERSEAM; zero for Intel's modules.
    pub fn mr_signer_seam(mut self, signer: [u8; 48]) -> Self {
        self.mr_signer_seam = signer;
        self
    }

    /// SEAMATTRIBUTES.
    pub fn seam_attributes(mut self, attributes: u64) -> Self {
        self.seam_attributes = attributes;
        self
    }

    /// TEE_TCB_SVN: ISVSVN and version of the module, SVN of late microcode, and zeros.
    pub fn tee_tcb_svn(mut self, svn: [u8; 16]) -> Self {
        self.tee_tcb_svn = svn;
        self
    }

    /// TEE_TCB_SVN2: the same of the module that runs now, which only a report of TDX 1.5 has.
    pub fn current_tcb_svn(mut self, svn: [u8; 16]) -> Self {
        self.current_tcb_svn = svn;
        self
    }

    /// The state that TCB info gives to the module.
    pub fn module(mut self, status: SimTcb) -> Self {
        self.module = status;
        self
    }

    /// The bytes of the TD report.
    pub(crate) fn to_bytes(&self, report_data: &[u8; 64]) -> Vec<u8> {
        let [rtmr0, rtmr1, rtmr2, rtmr3] = &self.rtmrs;
        let report = [
            &self.tee_tcb_svn[..],
            b"tee-sim TDX module, measured -- protects nothing",
            &self.mr_signer_seam,
            &self.seam_attributes.to_le_bytes(),
            &self.attributes.to_le_bytes(),
            &self.xfam.to_le_bytes(),
            &self.mrtd,
            &self.mr_config_id,
            &self.mr_owner,
            &self.mr_owner_config,
            rtmr0,
            rtmr1,
            rtmr2,
            rtmr3,
            report_data,
        ]
        .concat();
        match self.form {
            TdQuote::V4 | TdQuote::V5Td10 => report,
            TdQuote::V5Td15 => [&report[..], &self.current_tcb_svn, &self.mr_service_td].concat(),
        }
    }
}
