//! Collateral: TCB info, QE identity and revocation lists, as the simulated vendor signs them.

use crate::certificates::{platform_ca, platform_ca_issuer, root_issuer, tcb_signer};
use crate::error::SimError;
use crate::key::SimKey;
use crate::knobs::Revoked;
use crate::pem;
use crate::quote::{PCE_SVN, PLATFORM_SVN, QE_ISV_SVN, QE_MRSIGNER, qe_product};
use crate::root::SimRoot;
use crate::td::{LATE_SVN, MODULE_SVN, MODULE_VERSION};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, RevokedCertParams, SerialNumber,
};
use serde_json::json;
use std::fmt::Write;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How long collateral is valid, and how long before "now" it was issued.
pub(crate) const LIFETIME: u64 = 30 * 24 * 3600;
const ISSUED_BEFORE: u64 = 3600;

/// The state that TCB info gives to the platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SimTcb {
    /// `UpToDate`
    UpToDate,
    /// `SWHardeningNeeded`
    SwHardeningNeeded,
    /// `ConfigurationNeeded`
    ConfigurationNeeded,
    /// `ConfigurationAndSWHardeningNeeded`
    ConfigurationAndSwHardeningNeeded,
    /// `OutOfDate`
    OutOfDate,
    /// `OutOfDateConfigurationNeeded`
    OutOfDateConfigurationNeeded,
    /// `Revoked`
    Revoked,
    /// The platform is older than every level.
    NoLevel,
}

impl SimTcb {
    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::UpToDate => "UpToDate",
            Self::SwHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSwHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::Revoked => "Revoked",
            Self::NoLevel => return None,
        })
    }
}

/// A part of the collateral that has dates of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CollateralPart {
    /// TCB info.
    TcbInfo,
    /// QE identity.
    QeIdentity,
    /// The root's revocation list.
    RootCrl,
    /// The PCK Platform CA's revocation list.
    PckCrl,
}

/// What the collateral of one platform says.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) fmspc: [u8; 6],
    pub(crate) pce_id: [u8; 2],
    /// Of TDX, the state of the TDX module; of SGX, none.
    pub(crate) module: Option<SimTcb>,
    pub(crate) tcb: SimTcb,
    pub(crate) advisories: Vec<String>,
    pub(crate) number: u32,
    pub(crate) crl_number: u32,
    pub(crate) expired: Vec<CollateralPart>,
    pub(crate) from_the_future: Vec<CollateralPart>,
    pub(crate) revoked: Option<Revoked>,
}

/// From when to when a part is valid.
struct Window {
    issued: OffsetDateTime,
    next: OffsetDateTime,
}

/// JSON of `QuoteCollateralV3`, byte strings in hex, issued around `now`.
pub(crate) fn issue(
    root: &SimRoot,
    pck: &SimKey,
    spec: &Spec,
    now: u64,
) -> Result<Vec<u8>, SimError> {
    let signer = root.tcb_signer();
    let tcb_info = tcb_info(spec, &window(spec, CollateralPart::TcbInfo, now)?)?;
    let qe_identity = qe_identity(spec, &window(spec, CollateralPart::QeIdentity, now)?)?;
    let signer_certificate = tcb_signer(signer, root.root_key())?;
    let signer_chain = pem::chain([signer_certificate.der(), root.root_der()]);
    let ca_certificate = platform_ca(root.platform_ca(), root.root_key())?;
    let ca_chain = pem::chain([ca_certificate.der(), root.root_der()]);
    let collateral = json!({
        "pck_crl_issuer_chain": ca_chain,
        "root_ca_crl": hex(&root_crl(root, spec, now)?),
        "pck_crl": hex(&pck_crl(root, pck, spec, now)?),
        "tcb_info_issuer_chain": signer_chain,
        "tcb_info_signature": hex(&signer.sign_fixed(tcb_info.as_bytes())?),
        "tcb_info": tcb_info,
        "qe_identity_issuer_chain": signer_chain,
        "qe_identity_signature": hex(&signer.sign_fixed(qe_identity.as_bytes())?),
        "qe_identity": qe_identity,
    });
    Ok(collateral.to_string().into_bytes())
}

fn tcb_info(spec: &Spec, window: &Window) -> Result<String, SimError> {
    // The level above the platform's makes every state but UpToDate plausible.
    let mut levels = vec![level(spec, PLATFORM_SVN + 1, "UpToDate", &[])];
    if let Some(status) = spec.tcb.name() {
        levels.push(level(spec, PLATFORM_SVN, status, &spec.advisories));
    }
    let mut info = json!({
        "id": if spec.module.is_some() { "TDX" } else { "SGX" },
        "version": 3,
        "issueDate": date(window.issued)?,
        "nextUpdate": date(window.next)?,
        "fmspc": hex(&spec.fmspc).to_uppercase(),
        "pceId": hex(&spec.pce_id).to_uppercase(),
        "tcbType": 0,
        "tcbEvaluationDataNumber": spec.number,
        "tcbLevels": levels,
    });
    if let (Some(module), Some(members)) = (spec.module, info.as_object_mut()) {
        members.insert("tdxModule".to_owned(), module_identity(None, &[]));
        let identity = module_identity(Some(MODULE_VERSION), &module_levels(module));
        members.insert("tdxModuleIdentities".to_owned(), json!([identity]));
    }
    Ok(info.to_string())
}

fn level(spec: &Spec, svn: u8, status: &str, advisories: &[String]) -> serde_json::Value {
    let mut tcb = json!({
        "sgxtcbcomponents": vec![json!({ "svn": svn }); 16],
        "pcesvn": PCE_SVN,
    });
    if let (Some(_), Some(members)) = (spec.module, tcb.as_object_mut()) {
        let mut svns = [0; 16];
        let [module, _, late, ..] = &mut svns;
        (*module, *late) = (MODULE_SVN, LATE_SVN);
        let components = svns.map(|svn| json!({ "svn": svn }));
        members.insert("tdxtcbcomponents".to_owned(), json!(components));
    }
    json!({
        "tcb": tcb,
        "tcbDate": "2024-03-13T00:00:00Z",
        "tcbStatus": status,
        "advisoryIDs": advisories,
    })
}

/// Intel's modules have no signer, and no attribute of theirs is set.
fn module_identity(version: Option<u8>, levels: &[serde_json::Value]) -> serde_json::Value {
    let mut identity = json!({
        "mrsigner": "00".repeat(48),
        "attributes": "00".repeat(8),
        "attributesMask": "FF".repeat(8),
    });
    if let (Some(version), Some(members)) = (version, identity.as_object_mut()) {
        members.insert("id".to_owned(), json!(format!("TDX_{version:02X}")));
        members.insert("tcbLevels".to_owned(), json!(levels));
    }
    identity
}

/// The state of the module, and that of the one before it.
fn module_levels(status: SimTcb) -> Vec<serde_json::Value> {
    let level = |svn: u8, status: &str| {
        json!({
            "tcb": { "isvsvn": svn },
            "tcbDate": "2024-03-13T00:00:00Z",
            "tcbStatus": status,
        })
    };
    match status.name() {
        Some(status) => vec![
            level(MODULE_SVN, status),
            level(MODULE_SVN - 1, "OutOfDate"),
        ],
        None => vec![level(MODULE_SVN + 1, "UpToDate")],
    }
}

fn qe_identity(spec: &Spec, window: &Window) -> Result<String, SimError> {
    let of_domains = spec.module.is_some();
    Ok(json!({
        "id": if of_domains { "TD_QE" } else { "QE" },
        "version": 2,
        "issueDate": date(window.issued)?,
        "nextUpdate": date(window.next)?,
        "tcbEvaluationDataNumber": spec.number,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": "11000000000000000000000000000000",
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": hex(&QE_MRSIGNER).to_uppercase(),
        "isvprodid": qe_product(of_domains),
        "tcbLevels": [{
            "tcb": { "isvsvn": QE_ISV_SVN },
            "tcbDate": "2024-03-13T00:00:00Z",
            "tcbStatus": "UpToDate",
        }],
    })
    .to_string())
}

fn root_crl(root: &SimRoot, spec: &Spec, now: u64) -> Result<Vec<u8>, SimError> {
    let revoked = match spec.revoked {
        Some(Revoked::PlatformCa) => Some(root.platform_ca().serial()),
        Some(Revoked::TcbSigner) => Some(root.tcb_signer().serial()),
        Some(Revoked::Pck) | None => None,
    };
    let window = window(spec, CollateralPart::RootCrl, now)?;
    crl(&root_issuer(root.root_key()), spec, window, revoked)
}

fn pck_crl(root: &SimRoot, pck: &SimKey, spec: &Spec, now: u64) -> Result<Vec<u8>, SimError> {
    let revoked = (spec.revoked == Some(Revoked::Pck)).then(|| pck.serial());
    let window = window(spec, CollateralPart::PckCrl, now)?;
    crl(
        &platform_ca_issuer(root.platform_ca()),
        spec,
        window,
        revoked,
    )
}

fn crl(
    issuer: &Issuer<'_, &SimKey>,
    spec: &Spec,
    window: Window,
    revoked: Option<SerialNumber>,
) -> Result<Vec<u8>, SimError> {
    let params = CertificateRevocationListParams {
        this_update: window.issued,
        next_update: window.next,
        crl_number: SerialNumber::from(u64::from(spec.crl_number)),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .into_iter()
            .map(|serial_number| RevokedCertParams {
                serial_number,
                revocation_time: window.issued,
                reason_code: None,
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(issuer)?.der().to_vec())
}

fn window(spec: &Spec, part: CollateralPart, now: u64) -> Result<Window, SimError> {
    let issued = if spec.expired.contains(&part) {
        now.saturating_sub(2 * LIFETIME)
    } else if spec.from_the_future.contains(&part) {
        now.saturating_add(ISSUED_BEFORE)
    } else {
        now.saturating_sub(ISSUED_BEFORE)
    };
    Ok(Window {
        issued: at(issued)?,
        next: at(issued.saturating_add(LIFETIME))?,
    })
}

fn at(seconds: u64) -> Result<OffsetDateTime, SimError> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or(SimError::Crypto)
}

fn date(at: OffsetDateTime) -> Result<String, SimError> {
    at.format(&Rfc3339).map_err(|_| SimError::Crypto)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
