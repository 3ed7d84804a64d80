//! The root of attestation that a verifier believes.

use std::sync::Arc;
use vault_encoding::{Hash, sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Intel's root CA for SGX and TDX, as Intel publishes it.
const INTEL: &[u8] = include_bytes!("intel_sgx_root_ca.der");
/// What the subject of every development root holds.
const DEVELOPMENT: &str = "DEVELOPMENT ONLY";

/// A root certificate. There is no default: every verifier names its root.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustRoot {
    der: Arc<[u8]>,
    development: bool,
}

/// Why a file is not a root certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TrustRootError {
    /// Not one X.509 certificate in DER.
    #[error("not one X.509 certificate in DER")]
    NotDer,
    /// Not a self-issued CA certificate.
    #[error("not a self-issued CA certificate")]
    NotARoot,
}

impl TrustRoot {
    /// Intel's root CA: genuine hardware.
    pub fn intel() -> Self {
        Self {
            der: Arc::from(INTEL),
            development: false,
        }
    }

    /// Another root. It may be that of a software TEE, which protects nothing.
    pub fn from_der(der: &[u8]) -> Result<Self, TrustRootError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| TrustRootError::NotDer)?;
        if !rest.is_empty() {
            return Err(TrustRootError::NotDer);
        }
        if !certificate.is_ca() || certificate.subject() != certificate.issuer() {
            return Err(TrustRootError::NotARoot);
        }
        Ok(Self {
            der: Arc::from(der),
            development: certificate.subject().to_string().contains(DEVELOPMENT),
        })
    }

    /// The certificate.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> Hash {
        sha256(&self.der)
    }

    /// Whether its subject says that it is for development. For display only.
    pub fn is_development(&self) -> bool {
        self.development
    }
}

impl std::fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustRoot")
            .field("fingerprint", &self.fingerprint())
            .field("development", &self.development)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intels_root_is_a_root_and_no_development_root() {
        let root = TrustRoot::from_der(INTEL).unwrap();
        assert_eq!(root, TrustRoot::intel());
        assert!(!root.is_development());
        // Published by Intel as the SHA-256 fingerprint of the SGX root CA.
        assert_eq!(
            root.fingerprint().to_string(),
            "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"
        );
    }

    #[test]
    fn refuses_bytes_behind_the_certificate_and_what_is_none() {
        let longer = [INTEL, &[0]].concat();
        assert_eq!(TrustRoot::from_der(&longer), Err(TrustRootError::NotDer));
        assert_eq!(TrustRoot::from_der(b""), Err(TrustRootError::NotDer));
        assert_eq!(
            TrustRoot::from_der(&INTEL[1..]),
            Err(TrustRootError::NotDer)
        );
    }
}
