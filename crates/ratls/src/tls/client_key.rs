//! A certificate that a client shows without being an enclave: tokens can be bound to it
//! (RFC 8705).

use crate::{LeafError, LeafKey};
use rcgen::{CertificateParams, DistinguishedName, DnType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt;
use vault_encoding::{Hash, sha256};
use zeroize::Zeroizing;

/// A client certificate and its private key. Nobody looks at what the certificate says: the vault
/// learns that the client holds its key.
pub struct ClientKey {
    certificate: Vec<u8>,
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
            pkcs8: key.into_pkcs8(),
        })
    }

    /// A certificate in DER and its key in PKCS #8: P-256, P-384 or Ed25519.
    pub fn new(certificate: Vec<u8>, pkcs8: Zeroizing<Vec<u8>>) -> Self {
        Self { certificate, pkcs8 }
    }

    /// SHA-256 of the certificate: what `cnf.x5t#S256` names.
    pub fn hash(&self) -> Hash {
        sha256(&self.certificate)
    }

    pub(super) fn certified(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from(self.certificate.clone());
        let key = PrivatePkcs8KeyDer::from(self.pkcs8.to_vec());
        (vec![certificate], key.into())
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("hash", &self.hash())
            .finish_non_exhaustive()
    }
}
