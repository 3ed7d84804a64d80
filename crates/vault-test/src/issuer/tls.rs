//! The issuer's certificate authority and the certificate that it serves under.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// An authority for `localhost` and the loopback addresses.
pub struct Authority {
    pem: String,
    key: KeyPair,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority.
    pub fn generate() -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let pem = params().self_signed(&key)?.pem();
        Self::load(pem, &key.serialize_pem())
    }

    /// The authority of these PEM texts.
    pub fn load(pem: String, key_pem: &str) -> anyhow::Result<Self> {
        let issuer = Issuer::new(params(), KeyPair::from_pem(key_pem)?);
        Ok(Self {
            pem,
            key: KeyPair::from_pem(key_pem)?,
            issuer,
        })
    }

    /// Its certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its private key.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// A new certificate for these names: chain and private key, both PEM.
    pub fn issue(&self, names: &[&str]) -> anyhow::Result<(String, String)> {
        let (leaf, key) = self.leaf(names)?;
        Ok((leaf.pem(), key.serialize_pem()))
    }

    /// TLS for `localhost`.
    pub fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        self.acceptor_for(&["localhost", "127.0.0.1", "::1"])
    }

    /// TLS for these names.
    pub fn acceptor_for(&self, names: &[&str]) -> anyhow::Result<TlsAcceptor> {
        let (leaf, key) = self.leaf(names)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(leaf.der().to_vec())], private)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn leaf(&self, names: &[&str]) -> anyhow::Result<(Certificate, KeyPair)> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        Ok((leaf, key))
    }
}

/// The same for every authority: only their keys differ.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let name = "DEVELOPMENT ONLY issuer authority";
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
