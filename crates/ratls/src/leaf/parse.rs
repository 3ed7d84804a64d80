//! A leaf is read: everything about it is checked but the quote.

use super::{EVIDENCE_OID, LeafError, MAX_LEAF, MAX_VALIDITY};
use crate::appraise::{Appraised, appraise};
use crate::claims::Claims;
use crate::error::AppraisalError;
use crate::evidence::Evidence;
use crate::policy::AppraisalPolicy;
use crate::report_data::Expected;
use crate::trust_root::TrustRoot;
use crate::{cbor, quote, report_data};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use vault_encoding::sha256;
use vault_policy::UnixSeconds;
use x509_parser::oid_registry::{OID_EC_P256, OID_SIG_ECDSA_WITH_SHA256, Oid};
use x509_parser::prelude::{FromDer, X509Certificate};

/// AlgorithmIdentifier of ECDSA with SHA-256 (RFC 5758, 3.2).
const ECDSA_WITH_SHA256: [u8; 12] = [
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
];

/// A well-formed leaf. Its claims are unproven until [`UnappraisedLeaf::appraise`] passed, and
/// even then say nothing about the connection: that takes the preamble.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnappraisedLeaf {
    claims: Claims,
    quote: Vec<u8>,
    not_after: UnixSeconds,
}

impl UnappraisedLeaf {
    /// Reads a certificate: one DER, signed with its own P-256 key, valid now and for no longer
    /// than a day, with one evidence extension whose claims name its key and are those of the
    /// quote.
    pub fn parse(cert_der: &[u8], now: UnixSeconds) -> Result<Self, LeafError> {
        if cert_der.len() > MAX_LEAF {
            return Err(LeafError::NotDer);
        }
        let (rest, certificate) =
            X509Certificate::from_der(cert_der).map_err(|_| LeafError::NotDer)?;
        if !rest.is_empty() || frame(&certificate).as_deref() != Some(cert_der) {
            return Err(LeafError::NotDer);
        }
        check_signature(&certificate)?;
        let not_after = check_validity(&certificate, now)?;
        let (quote, claims) = evidence(&certificate)?;
        if claims.spki_hash != sha256(certificate.public_key().raw) {
            return Err(LeafError::OtherKey);
        }
        if quote::report_data(&quote) != Some(report_data::leaf(&claims.hash())) {
            return Err(LeafError::OtherClaims);
        }
        Ok(Self {
            claims,
            quote,
            not_after,
        })
    }

    /// What the prover says of itself.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The quote inside the certificate.
    pub fn quote(&self) -> &[u8] {
        &self.quote
    }

    /// The last second at which the certificate is valid.
    pub fn not_after(&self) -> UnixSeconds {
        self.not_after
    }

    /// Appraises the quote of the certificate with collateral that came beside it.
    pub fn appraise(
        &self,
        collateral: &[u8],
        root: &TrustRoot,
        policy: &AppraisalPolicy,
        now: UnixSeconds,
    ) -> Result<Appraised, AppraisalError> {
        let evidence = Evidence {
            quote: self.quote.clone(),
            collateral: collateral.to_vec(),
        };
        appraise(&evidence, root, policy, &Expected::leaf(&self.claims), now)
    }
}

/// The one DER around the signed part and the signature (RFC 5280, 4.1): the parser takes other
/// tags and lengths, and the signature does not cover them.
fn frame(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    let signature = &certificate.signature_value.data;
    let bits = u8::try_from(signature.len() + 1)
        .ok()
        .filter(|length| *length < 0x80)?;
    let content = [
        certificate.tbs_certificate.as_ref(),
        &ECDSA_WITH_SHA256,
        &[0x03, bits, 0],
        signature,
    ]
    .concat();
    let [high, low] = u16::try_from(content.len()).ok()?.to_be_bytes();
    // A certificate with a quote is longer than 255 bytes: two bytes of length.
    Some([&[0x30, 0x82, high, low][..], &content].concat())
}

fn check_signature(certificate: &X509Certificate<'_>) -> Result<(), LeafError> {
    let key = certificate.public_key();
    let curve = key
        .algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| Oid::try_from(parameters).ok());
    if certificate.tbs_certificate.signature.algorithm != OID_SIG_ECDSA_WITH_SHA256
        || curve != Some(OID_EC_P256)
    {
        return Err(LeafError::Signature);
    }
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.subject_public_key.data)
        .verify(
            certificate.tbs_certificate.as_ref(),
            &certificate.signature_value.data,
        )
        .map_err(|_| LeafError::Signature)
}

fn check_validity(
    certificate: &X509Certificate<'_>,
    now: UnixSeconds,
) -> Result<UnixSeconds, LeafError> {
    let seconds = |at: i64| u64::try_from(at).map_err(|_| LeafError::NotValidNow);
    let from = seconds(certificate.validity().not_before.timestamp())?;
    let until = seconds(certificate.validity().not_after.timestamp())?;
    if !(from..=until).contains(&now.0) {
        return Err(LeafError::NotValidNow);
    }
    if until - from > MAX_VALIDITY {
        return Err(LeafError::ValidTooLong);
    }
    Ok(UnixSeconds(until))
}

fn evidence(certificate: &X509Certificate<'_>) -> Result<(Vec<u8>, Claims), LeafError> {
    let oid = Oid::from(&EVIDENCE_OID).map_err(|_| LeafError::NoEvidence)?;
    let extension = certificate
        .get_extension_unique(&oid)
        .map_err(|_| LeafError::NoEvidence)?
        .ok_or(LeafError::NoEvidence)?;
    let (quote, claims) = cbor::read(extension.value).ok_or(LeafError::NoEvidence)?;
    Ok((quote.to_vec(), Claims::from_bytes(claims)?))
}
