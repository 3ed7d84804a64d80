//! Stable names of the reasons that come from the appraisal and from the leaf.

use crate::{
    AppraisalError, CertificateFault, ClaimsError, CollateralFault, EnclaveFault, FloorFault,
    FormatFault, LeafError, PlatformFault, QeFault, TcbFault, TdFault,
};

pub(super) fn of_appraisal(error: AppraisalError) -> &'static str {
    match error {
        AppraisalError::Format(fault) => of_format(fault),
        AppraisalError::Certificate(fault) => of_certificate(fault),
        AppraisalError::Collateral(fault) => of_collateral(fault),
        AppraisalError::QuotingEnclave(QeFault::ReportSignature) => "qe_report_signature",
        AppraisalError::QuotingEnclave(QeFault::KeyNotBound) => "qe_key_not_bound",
        AppraisalError::QuotingEnclave(QeFault::Identity) => "qe_identity",
        AppraisalError::QuoteSignature => "quote_signature",
        AppraisalError::Tcb(TcbFault::Revoked) => "tcb_revoked",
        AppraisalError::Tcb(TcbFault::NoLevel) => "tcb_no_level",
        AppraisalError::Tcb(TcbFault::Status(_)) => "tcb_status",
        AppraisalError::Tcb(TcbFault::Advisory) => "tcb_advisory",
        AppraisalError::Enclave(EnclaveFault::Debug) => "enclave_debug",
        AppraisalError::Enclave(EnclaveFault::Attributes) => "enclave_attributes",
        AppraisalError::Enclave(EnclaveFault::Xfrm) => "enclave_xfrm",
        AppraisalError::Enclave(EnclaveFault::MiscSelect) => "enclave_misc_select",
        AppraisalError::Enclave(EnclaveFault::Reserved) => "enclave_reserved",
        AppraisalError::Td(fault) => of_td(fault),
        AppraisalError::ReportData => "report_data",
        AppraisalError::Measurement => "measurement",
        AppraisalError::Platform(PlatformFault::OtherFamily) => "platform_other_family",
        AppraisalError::Platform(PlatformFault::OtherPce) => "platform_other_pce",
        AppraisalError::Platform(PlatformFault::Unidentified) => "platform_unidentified",
        AppraisalError::Platform(PlatformFault::NotListed) => "platform_not_listed",
        AppraisalError::Floor(FloorFault::TcbEvaluationDataNumber) => "floor_tcb",
        AppraisalError::Floor(FloorFault::PckCrl) => "floor_pck_crl",
        AppraisalError::Floor(FloorFault::RootCrl) => "floor_root_crl",
        AppraisalError::Unclassified => "quote_unclassified",
    }
}

fn of_format(fault: FormatFault) -> &'static str {
    match fault {
        FormatFault::TooLong => "quote_too_long",
        FormatFault::Truncated => "quote_truncated",
        FormatFault::TrailingBytes => "quote_trailing_bytes",
        FormatFault::Version => "quote_version",
        FormatFault::Tdx => "quote_tdx",
        FormatFault::TdReport => "quote_td_report",
        FormatFault::TeeType => "quote_tee_type",
        FormatFault::AttestationKeyType => "quote_key_type",
        FormatFault::QeVendor => "quote_qe_vendor",
        FormatFault::AuthData => "quote_auth_data",
        FormatFault::CertificationData => "quote_certification_data",
        FormatFault::ChainText => "quote_chain_text",
        FormatFault::EmbeddedRoot => "quote_embedded_root",
    }
}

fn of_td(fault: TdFault) -> &'static str {
    match fault {
        TdFault::Debug => "td_debug",
        TdFault::Attributes => "td_attributes",
        TdFault::Xfam => "td_xfam",
        TdFault::Module => "td_module",
        TdFault::Seam => "td_seam",
        TdFault::ServiceTd => "td_service_td",
        TdFault::Owner => "td_owner",
    }
}

fn of_certificate(fault: CertificateFault) -> &'static str {
    match fault {
        CertificateFault::Chain => "pck_chain",
        CertificateFault::Expired => "pck_expired",
        CertificateFault::NotYetValid => "pck_not_yet_valid",
        CertificateFault::PckRevoked => "pck_revoked",
        CertificateFault::CaRevoked => "pck_ca_revoked",
        CertificateFault::SignerRevoked => "collateral_signer_revoked",
        CertificateFault::CrlExpired => "crl_expired",
        CertificateFault::Crl => "crl",
        CertificateFault::PckExtension => "pck_extension",
    }
}

fn of_collateral(fault: CollateralFault) -> &'static str {
    match fault {
        CollateralFault::TooLong => "collateral_too_long",
        CollateralFault::Malformed => "collateral_malformed",
        CollateralFault::ReplacesChain => "collateral_replaces_chain",
        CollateralFault::TcbInfoSignature => "tcb_info_signature",
        CollateralFault::TcbInfoExpired => "tcb_info_expired",
        CollateralFault::QeIdentitySignature => "qe_identity_signature",
        CollateralFault::QeIdentityExpired => "qe_identity_expired",
        CollateralFault::FromTheFuture => "collateral_from_the_future",
        CollateralFault::OtherTee => "collateral_other_tee",
    }
}

pub(super) fn of_leaf(error: LeafError) -> &'static str {
    match error {
        LeafError::NotDer => "leaf_not_der",
        LeafError::Signature => "leaf_signature",
        LeafError::NotValidNow => "leaf_not_valid_now",
        LeafError::ValidTooLong => "leaf_valid_too_long",
        LeafError::NoEvidence => "leaf_no_evidence",
        LeafError::Claims(ClaimsError::NotCanonical) => "claims_not_canonical",
        LeafError::Claims(ClaimsError::Format) => "claims_format",
        LeafError::Claims(ClaimsError::Role) => "claims_role",
        LeafError::Claims(ClaimsError::Oid) => "claims_oid",
        LeafError::OtherKey => "leaf_other_key",
        LeafError::OtherClaims => "leaf_other_claims",
        LeafError::Crypto => "leaf_crypto",
    }
}
