//! What the certificates that a client shows prove beside possession of the leaf's key: which
//! authorities vouch for it. Nobody is trusted here: who reads the facts names the authority whose
//! word counts.
//!
//! An authority counts by its key. Its own certificate only carries that key: anybody could have
//! made it, so nothing that it says is believed but that it is one, and valid now.

use super::facts::ClientCertificate;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use vault_encoding::{Hash, sha256};
use vault_policy::UnixSeconds;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// Certificates of one chain; of a longer one only the leaf is looked at.
const LONGEST: usize = 5;
/// Names of one leaf; one with more has none, and nobody vouches for it.
const NAMES: usize = 64;
/// Name constraints of one authority; one with more is none. Each is compared with each name.
const CONSTRAINTS: usize = 32;

/// The facts of what was presented, the leaf first. `None` if the leaf does not read.
pub(super) fn facts(
    presented: &[CertificateDer<'_>],
    now: UnixSeconds,
    provider: &Arc<CryptoProvider>,
) -> Option<ClientCertificate> {
    let (leaf, above) = presented.split_first()?;
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let looked_at = presented.len() <= LONGEST && has_few_names(&certificate);
    let above = if looked_at { above } else { &[] };
    let issuers = (0..above.len()).filter_map(|index| {
        let key = authority(above.get(index)?, now)?;
        vouches(leaf, above, index, now, provider).then_some(key)
    });
    Some(ClientCertificate {
        hash: sha256(leaf),
        spki_hash: sha256(certificate.public_key().raw),
        sans: names(&certificate),
        issuers: issuers.collect(),
    })
}

/// The key of an authority's certificate that is valid now and may sign certificates. Who is none
/// cannot stand between others either (RFC 5280, section 6.1.4 (k), (n)).
fn authority(der: &[u8], now: UnixSeconds) -> Option<Hash> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let now = ASN1Time::from_timestamp(i64::try_from(now.0).ok()?).ok()?;
    let usage = certificate.key_usage().ok()?;
    let signs = usage.is_none_or(|usage| usage.value.key_cert_sign());
    let signs = signs && has_few_constraints(&certificate);
    let counts = certificate.is_ca() && signs && certificate.validity().is_valid_at(now);
    counts.then(|| sha256(certificate.public_key().raw))
}

/// Whether a path of what was presented leads from the leaf to this authority (RFC 5280, section 6),
/// for the authentication of clients.
fn vouches(
    leaf: &CertificateDer<'_>,
    above: &[CertificateDer<'_>],
    index: usize,
    now: UnixSeconds,
    provider: &Arc<CryptoProvider>,
) -> bool {
    let mut roots = RootCertStore::empty();
    let mut between = above.to_vec();
    let anchor = between.remove(index);
    between.retain(|certificate| authority(certificate, now).is_some());
    if roots.add(anchor.into_owned()).is_err() {
        return false;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let Ok(verifier) = builder.build() else {
        return false;
    };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.0));
    verifier.verify_client_cert(leaf, &between, now).is_ok()
}

fn has_few_names(certificate: &X509Certificate<'_>) -> bool {
    match certificate.subject_alternative_name() {
        Ok(None) => true,
        Ok(Some(extension)) => extension.value.general_names.len() <= NAMES,
        Err(_) => false,
    }
}

fn has_few_constraints(certificate: &X509Certificate<'_>) -> bool {
    let Ok(found) = certificate.name_constraints() else {
        return false;
    };
    let count = found.map_or(0, |found| {
        let lists = [
            &found.value.permitted_subtrees,
            &found.value.excluded_subtrees,
        ];
        lists.into_iter().flatten().map(Vec::len).sum()
    });
    count <= CONSTRAINTS
}

fn names(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    match certificate.subject_alternative_name() {
        Ok(Some(extension)) if has_few_names(certificate) => {
            let names = extension.value.general_names.iter();
            names.filter_map(name).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// As policies write it; other kinds of names are none.
fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(format!("dns:{name}")),
        GeneralName::URI(name) => Some(format!("uri:{name}")),
        GeneralName::RFC822Name(name) => Some(format!("email:{name}")),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| format!("ip:{address}")),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(sixteen).to_string())
}

#[cfg(test)]
mod tests;
