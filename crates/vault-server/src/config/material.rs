//! What the configuration names, read from its files and parsed.

use super::{ConfigError, IssuerConfig, ServerConfig, TypSetting};
use ratls::{AppraisalPolicy, TrustRoot};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::BTreeSet;
use std::path::Path;
use vault_core::authn::token::{IssuerRules, TokenType};
use vault_policy::TcbStatus;

/// An issuer with its certificates.
#[derive(Clone)]
pub(crate) struct TrustedIssuer {
    pub(crate) config: IssuerConfig,
    pub(crate) roots: Vec<CertificateDer<'static>>,
}

/// Everything that is needed of the disk, so that the configuration tree is over contents and
/// not over paths.
pub(crate) struct Material {
    pub(crate) root: TrustRoot,
    pub(crate) callers: AppraisalPolicy,
    /// Sorted by URL.
    pub(crate) issuers: Vec<TrustedIssuer>,
}

impl Material {
    pub(crate) fn load(config: &ServerConfig) -> Result<Self, ConfigError> {
        let mut issuers = Vec::new();
        for (index, issuer) in config.issuers.iter().enumerate() {
            issuers.push(TrustedIssuer {
                roots: roots(&issuer.roots, &format!("issuers[{index}].roots"))?,
                config: issuer.clone(),
            });
        }
        issuers.sort_by(|a, b| a.config.url.cmp(&b.config.url));
        Ok(Self {
            root: trust_root(&config.attestation.root)?,
            callers: callers(config)?,
            issuers,
        })
    }
}

impl TrustedIssuer {
    pub(crate) fn rules(&self) -> IssuerRules {
        let config = &self.config;
        IssuerRules {
            url: config.url.clone(),
            audience: config.audience.clone(),
            types: config.typ.iter().copied().map(token_type).collect(),
            role_claim: config.role_claim.clone(),
            roles: config.grants.iter().cloned().collect::<BTreeSet<_>>(),
        }
    }
}

fn token_type(setting: TypSetting) -> TokenType {
    match setting {
        TypSetting::AtJwt => TokenType::AccessToken,
        TypSetting::Jwt => TokenType::Jwt,
        TypSetting::Absent => TokenType::Absent,
    }
}

fn callers(config: &ServerConfig) -> Result<AppraisalPolicy, ConfigError> {
    let mut policy = AppraisalPolicy::strict();
    policy.statuses.clear();
    for name in &config.attestation.statuses {
        let status = TcbStatus::from_name(name)
            .ok_or_else(|| value("attestation.statuses", "names an unknown status"))?;
        policy.statuses.insert(status);
    }
    policy.advisories = config.attestation.advisories.iter().cloned().collect();
    Ok(policy)
}

fn trust_root(setting: &str) -> Result<TrustRoot, ConfigError> {
    if setting == "intel" {
        return Ok(TrustRoot::intel());
    }
    let path = Path::new(setting);
    let der = std::fs::read(path).map_err(|error| unreadable(path, error))?;
    TrustRoot::from_der(&der).map_err(|_| value("attestation.root", "is not a root certificate"))
}

/// The certificates of a PEM text, or of a PEM file.
fn roots(setting: &str, at: &str) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let text = if setting.contains("-----BEGIN") {
        setting.as_bytes().to_vec()
    } else {
        let path = Path::new(setting);
        std::fs::read(path).map_err(|error| unreadable(path, error))?
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|_| value(at, "is not PEM"))?;
    match certificates.is_empty() {
        true => Err(value(at, "holds no certificate")),
        false => Ok(certificates),
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> ConfigError {
    ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    }
}

fn value(path: &str, problem: &'static str) -> ConfigError {
    ConfigError::Value {
        path: path.to_owned(),
        problem,
    }
}
