//! Certificates that a client shows, before anything of it is known: nobody vouches who was not shown and has not
//! signed, and what is looked at is bounded.

use crate::golden::change;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use ratls::fuzzing::client_certificate;
use ratls::tls::ClientCertificate;
use std::sync::LazyLock;
use vault_encoding::sha256;
use vault_policy::UnixSeconds;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// A leaf, the authority that signed it, and the one above.
static GENUINE: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| shown(include_bytes!("../../../fuzz/corpus/chain/seed-genuine")));
static FACTS: LazyLock<ClientCertificate> =
    LazyLock::new(|| client_certificate(&GENUINE, NOW).expect("a chain"));

/// One input: changes of a genuine chain, or a chain; its certificates stand each behind its length (2).
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    if mode % 2 == 1 {
        facts(&shown(body));
        return;
    }
    assert_eq!(FACTS.issuers.len(), 2);
    let mut chain = GENUINE.clone();
    let which = usize::from(*mode / 2) % chain.len();
    change(&mut chain[which], body);
    let Some(found) = facts(&chain) else {
        return;
    };
    if chain[0] == GENUINE[0] {
        assert!(found.issuers.is_subset(&FACTS.issuers), "who has not signed vouches");
        assert_eq!((found.spki_hash, &found.sans), (FACTS.spki_hash, &FACTS.sans));
    } else {
        assert!(found.issuers.is_empty(), "a changed leaf is vouched for");
    }
}

/// What a chain proves, within the bounds.
fn facts(chain: &[Vec<u8>]) -> Option<ClientCertificate> {
    let found = client_certificate(chain, NOW)?;
    assert_eq!(found.hash, sha256(&chain[0]));
    assert!(found.sans.len() <= 64 && found.issuers.len() < chain.len());
    assert!(chain.len() <= 5 || found.issuers.is_empty());
    let kinds = ["dns:", "uri:", "email:", "ip:"];
    assert!(found.sans.iter().all(|name| kinds.iter().any(|kind| name.starts_with(kind))));
    Some(found)
}

fn shown(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chain = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (certificate, rest) = rest.split_at(length);
        chain.push(certificate.to_vec());
        bytes = rest;
    }
    chain
}

/// A chain for the corpus: keys are new every time.
pub fn genuine() -> Vec<u8> {
    let top = authority("top", None);
    let middle = authority("middle", Some(&top));
    let mut params = params("client");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![
        SanType::DnsName("client.test".try_into().expect("a name")),
        SanType::URI("spiffe://test/client".try_into().expect("a name")),
        SanType::Rfc822Name("client@test".try_into().expect("a name")),
        SanType::IpAddress([10, 0, 0, 1].into()),
    ];
    let key = KeyPair::generate().expect("a key");
    let leaf = params.signed_by(&key, &middle).expect("a leaf");
    let chain: [&[u8]; 3] = [leaf.der(), middle.der(), top.der()];
    let field = |one: &[u8]| [&(one.len() as u16).to_be_bytes(), one].concat();
    chain.map(field).concat()
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str, above: Option<&Authority>) -> Authority {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(2));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("test".into())],
        excluded_subtrees: vec![GeneralSubtree::DnsName("other.test".into())],
    });
    let key = KeyPair::generate().expect("a key");
    match above {
        Some(above) => CertifiedIssuer::signed_by(params, key, above),
        None => CertifiedIssuer::self_signed(params, key),
    }
    .expect("an authority")
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params
}
