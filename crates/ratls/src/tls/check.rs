//! Whether the other end's evidence holds for this connection.

use super::error::EvidenceError;
use crate::preamble::{Binding, EXPORTER_LABEL, Proof};
use crate::report_data::{Connection, Expected};
use crate::{
    AppraisalError, AppraisalPolicy, Appraised, Claims, Evidence, Role, TrustRoot, UnappraisedLeaf,
    appraise,
};
use rustls::pki_types::CertificateDer;
use vault_policy::{EvidenceClaims, UnixSeconds};

/// Whose evidence is believed, and which of it is accepted. There is no default.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The root of attestation.
    pub root: TrustRoot,
    /// What is accepted of genuine evidence.
    pub policy: AppraisalPolicy,
}

/// The connection at hand, as its verifier sees it.
pub(super) struct Seen {
    /// The role that the other end must have.
    pub(super) role: Role,
    /// This end's nonce.
    pub(super) nonce: [u8; 32],
    /// [`EXPORTER_LABEL`] with that nonce as context.
    pub(super) exporter: [u8; 32],
    /// What the other end proved to hold the key of.
    pub(super) certificate: Option<CertificateDer<'static>>,
}

/// Evidence that holds for the connection.
pub(super) struct Held {
    pub(super) claims: Claims,
    pub(super) appraised: Appraised,
}

/// Checks evidence off the async threads: two quotes take milliseconds.
pub(super) async fn check(
    seen: Seen,
    proof: Proof,
    trust: Trust,
    now: UnixSeconds,
) -> Result<Held, EvidenceError> {
    tokio::task::spawn_blocking(move || check_now(&seen, proof, &trust, now))
        .await
        .unwrap_or(Err(EvidenceError::Appraisal(AppraisalError::Unclassified)))
}

fn check_now(
    seen: &Seen,
    proof: Proof,
    trust: &Trust,
    now: UnixSeconds,
) -> Result<Held, EvidenceError> {
    // 1. The certificate is a leaf whose claims name its key; the handshake proved the key.
    let certificate = seen
        .certificate
        .as_ref()
        .ok_or(EvidenceError::NoCertificate)?;
    let leaf = UnappraisedLeaf::parse(certificate, now)?;
    let claims = leaf.claims();
    // 2. The preamble is about the same claims, in the role that is expected here.
    if proof.claims != claims.to_bytes() {
        return Err(EvidenceError::OtherClaims);
    }
    if claims.role != seen.role {
        return Err(EvidenceError::Role);
    }
    // 3. The batch holds the binding of this connection.
    if !proof
        .place
        .holds(&Binding::new(&seen.connection(claims), &claims.hash()))
    {
        return Err(EvidenceError::Binding);
    }
    // 4. The quote is genuine, acceptable, and over that batch.
    let Trust { root, policy } = trust;
    let evidence = Evidence {
        quote: proof.quote,
        collateral: proof.collateral,
    };
    let expected = Expected::batch(claims, &proof.place.root);
    let appraised =
        appraise(&evidence, root, policy, &expected, now).map_err(EvidenceError::Appraisal)?;
    // 5. So is the quote of the certificate, and it is that of the same enclave.
    let of_leaf = leaf
        .appraise(&evidence.collateral, root, policy, now)
        .map_err(EvidenceError::LeafAppraisal)?;
    if !same_enclave(appraised.evidence.claims(), of_leaf.evidence.claims()) {
        return Err(EvidenceError::OtherEnclave);
    }
    Ok(Held {
        claims: claims.clone(),
        appraised,
    })
}

impl Seen {
    fn connection<'a>(&'a self, claims: &'a Claims) -> Connection<'a> {
        Connection {
            role: self.role,
            nonce: &self.nonce,
            exporter: &self.exporter,
            spki_hash: &claims.spki_hash,
        }
    }
}

fn same_enclave(a: &EvidenceClaims, b: &EvidenceClaims) -> bool {
    (&a.tee, a.platform_id) == (&b.tee, b.platform_id)
}

/// The exporter of this connection for a nonce; `None` if the library gives none.
pub(super) fn exporter<D>(
    connection: &rustls::ConnectionCommon<D>,
    nonce: &[u8; 32],
) -> Option<[u8; 32]> {
    connection
        .export_keying_material([0; 32], EXPORTER_LABEL, Some(nonce))
        .ok()
}

/// 32 fresh random bytes.
pub(super) fn fresh_nonce() -> Option<[u8; 32]> {
    let mut nonce = [0; 32];
    aws_lc_rs::rand::fill(&mut nonce).ok()?;
    Some(nonce)
}
