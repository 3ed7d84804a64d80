//! A caller by client certificate, under the id that rules name.

use crate::facts::Facts;
use vault_encoding::Hash;

/// A caller by client certificate that rules can name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedCertificate {
    /// The name in rules; unique in the policy.
    pub id: String,
    /// Which certificate.
    pub identity: CertificateIdentity,
}

/// Which client certificates are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CertificateIdentity {
    /// Every certificate with this key: SHA-256 of its SubjectPublicKeyInfo.
    Spki(Hash),
    /// Every certificate with this name that a certificate authority issued.
    Ca {
        /// The subject alternative name: `dns:NAME`, `uri:…`, `email:…` or `ip:…`.
        san: String,
        /// SHA-256 of the authority's SubjectPublicKeyInfo.
        spki: Hash,
    },
}

impl CertificateIdentity {
    /// Whether the verified certificate of this connection proves it.
    pub fn proven(&self, facts: &Facts) -> bool {
        let Some(certificate) = &facts.certificate else {
            return false;
        };
        match self {
            Self::Spki(spki) => certificate.spki == *spki,
            Self::Ca { san, spki } => {
                certificate.issuers.contains(spki) && certificate.sans.contains(san)
            }
        }
    }
}

/// Whether the text names a subject alternative name.
pub(crate) fn is_san(text: &str) -> bool {
    let known = ["dns:", "uri:", "email:", "ip:"];
    let name = known.iter().find_map(|kind| text.strip_prefix(kind));
    name.is_some_and(|name| !name.is_empty())
}
