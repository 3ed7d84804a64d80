//! A quote of an enclave (version 3) or of a trust domain (version 4 or 5), as the simulated quoting enclave makes it.
//!
//! Layout: Intel, *Intel SGX ECDSA QuoteLibReference*, appendix A.4, and *Intel TDX DCAP Quoting Library API*,
//! appendices A.3 and A.4, little-endian.

use crate::error::SimError;
use crate::key::SimKey;
use crate::td::TdQuote;
use sha2::{Digest, Sha256};

/// Every component of the platform's CPUSVN.
pub(crate) const PLATFORM_SVN: u8 = 5;
/// SVN of the provisioning certification enclave.
pub(crate) const PCE_SVN: u16 = 13;
/// ISVSVN of the quoting enclave.
pub(crate) const QE_ISV_SVN: u16 = 8;
/// MRSIGNER of the quoting enclave.
pub(crate) const QE_MRSIGNER: [u8; 32] = *b"tee-sim quoting enclave's signer";
const VENDOR: [u8; 16] = [
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
];
const AUTH_DATA: [u8; 32] = *b"tee-sim authentication data v1\0\0";

/// The variable fields of an enclave's report.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) misc_select: u32,
    pub(crate) attributes: u64,
    pub(crate) xfrm: u64,
    pub(crate) mrenclave: [u8; 32],
    pub(crate) mrsigner: [u8; 32],
    pub(crate) isv_prod_id: u16,
    pub(crate) isv_svn: u16,
}

impl Report {
    /// The 384 bytes of the report body.
    pub(crate) fn to_bytes(&self, report_data: &[u8; 64]) -> Vec<u8> {
        let Self {
            misc_select,
            attributes,
            xfrm,
            mrenclave,
            mrsigner,
            isv_prod_id,
            isv_svn,
        } = self;
        [
            &[PLATFORM_SVN; 16][..],
            &misc_select.to_le_bytes(),
            &[0; 28],
            &attributes.to_le_bytes(),
            &xfrm.to_le_bytes(),
            mrenclave,
            &[0; 32],
            mrsigner,
            &[0; 96],
            &isv_prod_id.to_le_bytes(),
            &isv_svn.to_le_bytes(),
            &[0; 60],
            report_data,
        ]
        .concat()
    }
}

/// The quoting enclave of one machine: attestation key, and the platform's word for it.
pub(crate) struct QuotingEnclave {
    attestation: SimKey,
    form: Option<TdQuote>,
    /// Everything behind the attestation key's signature.
    certification: Vec<u8>,
}

impl QuotingEnclave {
    /// A quoting enclave with a fresh attestation key, whose report `pck` signs. It quotes trust domains in this
    /// form, or else enclaves.
    pub(crate) fn new(
        pck: &SimKey,
        mrsigner: [u8; 32],
        chain_pem: &str,
        form: Option<TdQuote>,
    ) -> Result<Self, SimError> {
        let attestation = SimKey::from_pkcs8(&SimKey::generate()?)?;
        let point = attestation.point()?;
        let report = qe_report(mrsigner, qe_product(form.is_some()), &point);
        // Intel's library counts the NUL behind the text.
        let chain = [chain_pem.as_bytes(), &[0]].concat();
        let certified = [
            &report[..],
            &pck.sign_fixed(&report)?,
            &32u16.to_le_bytes(),
            &AUTH_DATA,
            &5u16.to_le_bytes(),
            &length(&chain)?,
            &chain,
        ]
        .concat();
        let certification = match form {
            None => [&point[..], &certified].concat(),
            Some(_) => {
                let kind = 6u16.to_le_bytes();
                [&point[..], &kind, &length(&certified)?, &certified].concat()
            }
        };
        Ok(Self {
            attestation,
            form,
            certification,
        })
    }

    /// A quote over this report body.
    pub(crate) fn quote(&self, body: &[u8]) -> Result<Vec<u8>, SimError> {
        let described = match self.form {
            None | Some(TdQuote::V4) => Vec::new(),
            Some(TdQuote::V5Td10) => [&2u16.to_le_bytes()[..], &length(body)?].concat(),
            Some(TdQuote::V5Td15) => [&3u16.to_le_bytes()[..], &length(body)?].concat(),
        };
        let signed = [&header(self.form)[..], &described, body].concat();
        let signature = self.attestation.sign_fixed(&signed)?;
        let signature_data = [&signature[..], &self.certification].concat();
        Ok([&signed[..], &length(&signature_data)?, &signature_data].concat())
    }
}

fn header(form: Option<TdQuote>) -> Vec<u8> {
    let (version, tee_type) = match form {
        None => (3u16, 0u32),
        Some(TdQuote::V4) => (4, 0x81),
        Some(TdQuote::V5Td10 | TdQuote::V5Td15) => (5, 0x81),
    };
    [
        &version.to_le_bytes()[..],
        &2u16.to_le_bytes(),
        &tee_type.to_le_bytes(),
        &QE_ISV_SVN.to_le_bytes(),
        &PCE_SVN.to_le_bytes(),
        &VENDOR,
        b"SIMULATED\0\0\0\0\0\0\0\0\0\0\0",
    ]
    .concat()
}

/// ISVPRODID of the quoting enclave.
pub(crate) fn qe_product(of_domains: bool) -> u16 {
    if of_domains { 2 } else { 1 }
}

fn qe_report(mrsigner: [u8; 32], isv_prod_id: u16, point: &[u8; 64]) -> Vec<u8> {
    let mut report_data = [0; 64];
    let mut digest = Sha256::new();
    digest.update(point);
    digest.update(AUTH_DATA);
    if let Some(first) = report_data.first_chunk_mut::<32>() {
        *first = digest.finalize().into();
    }
    // INIT and PROVISIONKEY, as the published QE identity says.
    let report = Report {
        misc_select: 0,
        attributes: 0x11,
        xfrm: 0xe7,
        mrenclave: *b"tee-sim quoting enclave measured",
        mrsigner,
        isv_prod_id,
        isv_svn: QE_ISV_SVN,
    };
    report.to_bytes(&report_data)
}

fn length(bytes: &[u8]) -> Result<[u8; 4], SimError> {
    let length = u32::try_from(bytes.len()).map_err(|_| SimError::Crypto)?;
    Ok(length.to_le_bytes())
}
