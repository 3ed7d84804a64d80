//! The verification library, and its reasons in our words.
//!
//! `dcap-qvl` is pinned to one version, because its reasons are texts. A text that is not known
//! here refuses all the same, as `Unclassified`.

use crate::error::{
    AppraisalError, CertificateFault, CollateralFault, EnclaveFault, PlatformFault, QeFault,
    TcbFault,
};
use crate::quote::PckChain;
use crate::trust_root::TrustRoot;
use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::{QuoteClaims, QuoteCollateralV3, QuotePolicy};
use vault_policy::UnixSeconds;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

/// Texts of the library, the first one that occurs decides.
const REASONS: [(&str, AppraisalError); 33] = {
    use AppraisalError::{
        Certificate, Collateral, Enclave, Platform, QuoteSignature, QuotingEnclave, Tcb,
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
    chain: &PckChain,
    collateral: &QuoteCollateralV3,
    root: &TrustRoot,
    now: UnixSeconds,
) -> Result<QuoteClaims, AppraisalError> {
    QuoteVerifier::new(root.der().to_vec())
        .verify_with_policy(quote, collateral, now.0, &QuotePolicy::claims_only(now.0))
        .map_err(|error| match classify(&format!("{error:#}")) {
            AppraisalError::Certificate(CertificateFault::SignerRevoked) => {
                whose_revocation(chain, collateral).into()
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
