//! A leaf is issued: key, claims, quote over the claims, certificate.

use super::{EVIDENCE_OID, LeafError, LeafKey, MAX_LEAF, MAX_VALIDITY};
use crate::claims::Claims;
use crate::evidence::Evidence;
use crate::{cbor, quote, report_data};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    KeyUsagePurpose, SerialNumber,
};
use std::time::Duration;
use vault_encoding::Hash;
use vault_policy::UnixSeconds;
use zeroize::Zeroizing;

/// How far before "now" a validity begins, for verifiers whose clock is behind.
const BACKDATED: u64 = 300;

/// When a leaf is valid, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// The first second.
    pub not_before: UnixSeconds,
    /// The last second.
    pub not_after: UnixSeconds,
}

impl Validity {
    /// A day, which begins five minutes before `now`.
    pub fn from_now(now: UnixSeconds) -> Self {
        let not_before = now.0.saturating_sub(BACKDATED);
        Self {
            not_before: UnixSeconds(not_before),
            not_after: UnixSeconds(not_before.saturating_add(MAX_VALIDITY)),
        }
    }
}

/// A leaf, its private key, and the evidence of which it carries the quote.
pub struct Leaf {
    /// The certificate, DER.
    pub cert_der: Vec<u8>,
    /// The private key, PKCS #8. It is never stored.
    pub key_pkcs8: Zeroizing<Vec<u8>>,
    /// What the quote commits to.
    pub claims: Claims,
    /// The quote of the certificate with its collateral.
    pub evidence: Evidence,
    /// When it must be replaced at the latest.
    pub not_after: UnixSeconds,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaf")
            .field("claims", &self.claims)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Why no leaf was issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IssueError<E> {
    /// The claims or the validity cannot be certified, or cryptography failed.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// The platform gave no quote.
    #[error("no quote")]
    Quote(E),
}

impl Leaf {
    /// Issues a leaf for `key`, whose hash the claims must name. `quote` is asked once for
    /// evidence over the 64 bytes that it is given.
    pub fn issue<E>(
        key: LeafKey,
        claims: Claims,
        validity: Validity,
        quote: impl FnOnce([u8; 64]) -> Result<Evidence, E>,
    ) -> Result<Self, IssueError<E>> {
        check(&key, &claims, validity)?;
        let report_data = report_data::leaf(&claims.hash());
        let mut evidence = quote(report_data).map_err(IssueError::Quote)?;
        evidence.quote = quote::without_padding(evidence.quote);
        if quote::report_data(&evidence.quote) != Some(report_data) {
            return Err(LeafError::OtherClaims.into());
        }
        let cert_der = certify(&key, &claims, validity, &evidence.quote)?;
        Ok(Self {
            cert_der,
            key_pkcs8: key.into_pkcs8(),
            claims,
            evidence,
            not_after: validity.not_after,
        })
    }
}

fn check(key: &LeafKey, claims: &Claims, validity: Validity) -> Result<(), LeafError> {
    claims.check()?;
    if claims.spki_hash != key.spki_hash() {
        return Err(LeafError::OtherKey);
    }
    match validity.not_after.0.checked_sub(validity.not_before.0) {
        Some(0..=MAX_VALIDITY) => Ok(()),
        Some(_) => Err(LeafError::ValidTooLong),
        None => Err(LeafError::NotValidNow),
    }
}

fn certify(
    key: &LeafKey,
    claims: &Claims,
    validity: Validity,
    quote: &[u8],
) -> Result<Vec<u8>, LeafError> {
    let evidence = cbor::write(quote, &claims.to_bytes()).ok_or(LeafError::NoEvidence)?;
    let params = params(claims.hash(), validity, evidence)?;
    let certificate = params.self_signed(key).map_err(|_| LeafError::Crypto)?;
    let der = certificate.der().to_vec();
    if der.len() > MAX_LEAF {
        return Err(LeafError::NotDer);
    }
    Ok(der)
}

fn params(
    serial: Hash,
    validity: Validity,
    evidence: Vec<u8>,
) -> Result<CertificateParams, LeafError> {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, "Enclave Vaults");
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.not_before = date(validity.not_before)?;
    params.not_after = date(validity.not_after)?;
    params.serial_number = Some(SerialNumber::from_slice(&serial_bytes(&serial)));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
        .custom_extensions
        .push(CustomExtension::from_oid_content(&EVIDENCE_OID, evidence));
    Ok(params)
}

/// 16 bytes, positive and not zero (RFC 5280, section 4.1.2.2).
fn serial_bytes(hash: &Hash) -> [u8; 16] {
    let mut serial = [0; 16];
    for (to, from) in serial.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    let [first, ..] = &mut serial;
    *first = (*first & 0x3f) | 0x40;
    serial
}

fn date(at: UnixSeconds) -> Result<time::OffsetDateTime, LeafError> {
    time::OffsetDateTime::UNIX_EPOCH
        .checked_add(
            time::Duration::try_from(Duration::from_secs(at.0))
                .map_err(|_| LeafError::NotValidNow)?,
        )
        .ok_or(LeafError::NotValidNow)
}
