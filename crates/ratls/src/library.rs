//! The verification library, and its reasons in our words.
//!
//! `dcap-qvl` is pinned to one version, because its reasons are texts. A text that is not known
//! here refuses all the same, as `Unclassified`.

use crate::error::{
    AppraisalError, CertificateFault, CollateralFault, EnclaveFault, PlatformFault, QeFault,
    TcbFault, TdFault,
};
use crate::quote::{Body, Form, PckChain};
use crate::trust_root::TrustRoot;
use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::{QuoteClaims, QuoteCollateralV3, QuotePolicy};
use vault_policy::UnixSeconds;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

/// Texts of the library, the first one that occurs decides.
const REASONS: [(&str, AppraisalError); 45] = {
    use AppraisalError::{
        Certificate, Collateral, Enclave, Platform, QuoteSignature, QuotingEnclave, Tcb, Td,
    };
    [
        ("TCB status is invalid: Revoked", Tcb(TcbFault::Revoked)),
        ("No matching TCB level found", Tcb(TcbFault::NoLevel)),
        (
            "TCBInfo expired",
            Collateral(CollateralFault::TcbInfoExpired),
        ),
        (
            "QE Identity expired",
            Collateral(CollateralFault::QeIdentityExpired),
        ),
        (
            "issue date is in the future",
            Collateral(CollateralFault::FromTheFuture),
        ),
        (
            "invalid for tcb_info",
            Collateral(CollateralFault::TcbInfoSignature),
        ),
        (
            "invalid for qe_identity",
            Collateral(CollateralFault::QeIdentitySignature),
        ),
        (
            "invalid for qe_report",
            QuotingEnclave(QeFault::ReportSignature),
        ),
        (
            "QE report hash mismatch",
            QuotingEnclave(QeFault::KeyNotBound),
        ),
        ("ISV enclave report signature is invalid", QuoteSignature),
        ("Fmspc mismatch", Platform(PlatformFault::OtherFamily)),
        ("non-SGX TCB info", Collateral(CollateralFault::OtherTee)),
        ("non-TDX TCB info", Collateral(CollateralFault::OtherTee)),
        ("missing tdxModule", Collateral(CollateralFault::Malformed)),
        ("TDX module MRSIGNER", Td(TdFault::Module)),
        ("TDX module SEAMATTRIBUTES", Td(TdFault::Seam)),
        ("No TDX module identity", Td(TdFault::Module)),
        ("TDX module ISVSVN", Tcb(TcbFault::NoLevel)),
        ("TD profiling is enabled", Td(TdFault::Attributes)),
        ("bits in TD attributes are set", Td(TdFault::Attributes)),
        ("TD migration is enabled", Td(TdFault::Attributes)),
        ("SEPT_VE_DISABLE", Td(TdFault::Attributes)),
        ("SERVTD_EXT", Td(TdFault::Attributes)),
        ("MR service TD", Td(TdFault::ServiceTd)),
        (
            "Unsupported QE Identity",
            Collateral(CollateralFault::OtherTee),
        ),
        (
            "QE report validation failed",
            QuotingEnclave(QeFault::Identity),
        ),
        ("QE MRSIGNER", QuotingEnclave(QeFault::Identity)),
        ("QE ISVPRODID", QuotingEnclave(QeFault::Identity)),
        ("QE MISCSELECT", QuotingEnclave(QeFault::Identity)),
        ("QE ATTRIBUTES", QuotingEnclave(QeFault::Identity)),
        ("QE ISVSVN", QuotingEnclave(QeFault::Identity)),
        ("Debug mode is enabled", Enclave(EnclaveFault::Debug)),
        (
            "Intel extension",
            Certificate(CertificateFault::PckExtension),
        ),
        ("CertRevoked", Certificate(CertificateFault::SignerRevoked)),
        ("CrlExpired", Certificate(CertificateFault::CrlExpired)),
        ("CertExpired", Certificate(CertificateFault::Expired)),
        (
            "CertNotValidYet",
            Certificate(CertificateFault::NotYetValid),
        ),
        ("CRL", Certificate(CertificateFault::Crl)),
        ("Crl", Certificate(CertificateFault::Crl)),
        (
            "UnknownRevocationStatus",
            Certificate(CertificateFault::Crl),
        ),
        (
            "Failed to verify certificate chain",
            Certificate(CertificateFault::Chain),
        ),
        ("ertificate", Certificate(CertificateFault::Chain)),
        (
            "issued directly by the root",
            Certificate(CertificateFault::Chain),
        ),
        ("TcbInfo", Collateral(CollateralFault::Malformed)),
        ("QeIdentity", Collateral(CollateralFault::Malformed)),
    ]
};

/// Verifies all signatures, dates and revocations, and matches the platform to its TCB level.
pub(crate) fn verify(
    quote: &[u8],
    form: &Form,
    collateral: &QuoteCollateralV3,
    root: &TrustRoot,
    now: UnixSeconds,
) -> Result<QuoteClaims, AppraisalError> {
    QuoteVerifier::new(root.der().to_vec())
        .verify_with_policy(quote, collateral, now.0, &QuotePolicy::claims_only(now.0))
        .map_err(|error| match classify(&format!("{error:#}")) {
            AppraisalError::Certificate(CertificateFault::SignerRevoked) => {
                whose_revocation(&form.chain, collateral).into()
            }
            AppraisalError::Enclave(EnclaveFault::Debug) if form.body == Body::Td => {
                TdFault::Debug.into()
            }
            other => other,
        })
}

fn classify(text: &str) -> AppraisalError {
    REASONS
        .iter()
        .find(|(part, _)| text.contains(part))
        .map_or(AppraisalError::Unclassified, |(_, reason)| *reason)
}

/// The library says only that something is revoked; the lists say what.
fn whose_revocation(chain: &PckChain, collateral: &QuoteCollateralV3) -> CertificateFault {
    if lists(&collateral.pck_crl, &chain.leaf) {
        CertificateFault::PckRevoked
    } else if lists(&collateral.root_ca_crl, &chain.issuer) {
        CertificateFault::CaRevoked
    } else {
        CertificateFault::SignerRevoked
    }
}

fn lists(crl: &[u8], certificate: &[u8]) -> bool {
    let (Ok((_, crl)), Ok((_, certificate))) = (
        CertificateRevocationList::from_der(crl),
        X509Certificate::from_der(certificate),
    ) else {
        return false;
    };
    crl.iter_revoked_certificates()
        .any(|revoked| revoked.raw_serial() == certificate.raw_serial())
}
