//! The certificates of the development PKI: root, PCK Platform CA, TCB signer, PCK.

use crate::error::SimError;
use crate::key::SimKey;
use crate::pck_extension::{PckFacts, SGX_EXTENSION, sgx_extension};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DistinguishedName, DnType,
    IsCa, Issuer, KeyUsagePurpose, date_time_ymd,
};

/// What the name of every certificate of the simulation holds.
const WARNING: &str = "DEVELOPMENT ONLY - protects nothing";

/// The self-signed root.
pub(crate) fn root(key: &SimKey) -> Result<Certificate, SimError> {
    Ok(ca_params("Root CA", key, 1).self_signed(key)?)
}

/// The CA that issues platforms' certificates.
pub(crate) fn platform_ca(key: &SimKey, root: &SimKey) -> Result<Certificate, SimError> {
    Ok(ca_params("PCK Platform CA", key, 0).signed_by(key, &root_issuer(root))?)
}

/// The signer of TCB info and QE identity.
pub(crate) fn tcb_signer(key: &SimKey, root: &SimKey) -> Result<Certificate, SimError> {
    Ok(end_params("TCB Signing", key).signed_by(key, &root_issuer(root))?)
}

/// A platform's certificate; without facts it does not describe one.
pub(crate) fn pck(
    key: &SimKey,
    platform_ca: &SimKey,
    facts: Option<&PckFacts>,
) -> Result<Certificate, SimError> {
    let mut params = end_params("PCK Certificate", key);
    params.custom_extensions.extend(
        facts.map(|facts| CustomExtension::from_oid_content(SGX_EXTENSION, sgx_extension(facts))),
    );
    Ok(params.signed_by(key, &platform_ca_issuer(platform_ca))?)
}

/// The root as issuer.
pub(crate) fn root_issuer(key: &SimKey) -> Issuer<'static, &SimKey> {
    Issuer::new(ca_params("Root CA", key, 1), key)
}

/// The PCK Platform CA as issuer.
pub(crate) fn platform_ca_issuer(key: &SimKey) -> Issuer<'static, &SimKey> {
    Issuer::new(ca_params("PCK Platform CA", key, 0), key)
}

fn ca_params(name: &str, key: &SimKey, below: u8) -> CertificateParams {
    let mut params = params(name, key);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn end_params(name: &str, key: &SimKey) -> CertificateParams {
    let mut params = params(name, key);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::ContentCommitment,
    ];
    params
}

fn params(name: &str, key: &SimKey) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, format!("Simulated SGX {name}"));
    subject.push(DnType::OrganizationName, WARNING);
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.serial_number = Some(key.serial());
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.use_authority_key_identifier_extension = true;
    params
}
