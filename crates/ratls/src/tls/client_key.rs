//! A certificate that a client shows without being an enclave: policies can name it, and tokens can be bound
//! to it (RFC 8705).

use crate::{LeafError, LeafKey};
use rcgen::{CertificateParams, DistinguishedName, DnType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt;
use vault_encoding::{Hash, sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

/// A client certificate and its private key. The vault learns that the client holds its key, and which
/// of the authorities that are shown with it vouch for it.
pub struct ClientKey {
    certificate: Vec<u8>,
    issuers: Vec<Vec<u8>>,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl ClientKey {
    /// A fresh P-256 key under a self-signed certificate.
    pub fn generate() -> Result<Self, LeafError> {
        let key = LeafKey::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "Enclave Vaults client");
        let certificate = params.self_signed(&key).map_err(|_| LeafError::Crypto)?;
        Ok(Self {
            certificate: certificate.der().to_vec(),
            issuers: Vec::new(),
            pkcs8: key.into_pkcs8(),
        })
    }

    /// A certificate in DER and its key in PKCS #8: P-256, P-384 or Ed25519.
    pub fn new(certificate: Vec<u8>, pkcs8: Zeroizing<Vec<u8>>) -> Self {
        Self {
            certificate,
            issuers: Vec::new(),
            pkcs8,
        }
    }

    /// With the certificates of the authorities that vouch for it, in DER.
    #[must_use]
    pub fn issued_by(mut self, issuers: Vec<Vec<u8>>) -> Self {
        self.issuers = issuers;
        self
    }

    /// SHA-256 of the certificate: what `cnf.x5t#S256` names.
    pub fn hash(&self) -> Hash {
        sha256(&self.certificate)
    }

    /// SHA-256 of its SubjectPublicKeyInfo: what policies name as `spki`. `None` if the certificate does not
    /// read.
    pub fn spki_hash(&self) -> Option<Hash> {
        let (_, certificate) = X509Certificate::from_der(&self.certificate).ok()?;
        Some(sha256(certificate.public_key().raw))
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The private key, PKCS #8, for whoever keeps it.
    pub fn private_key(&self) -> &[u8] {
        &self.pkcs8
    }

    pub(super) fn certified(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let chain = std::iter::once(&self.certificate).chain(&self.issuers);
        let chain = chain.map(|der| CertificateDer::from(der.clone())).collect();
        let key = PrivatePkcs8KeyDer::from(self.pkcs8.to_vec());
        (chain, key.into())
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("hash", &self.hash())
            .finish_non_exhaustive()
    }
}
