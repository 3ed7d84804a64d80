use super::*;
use crate::tls::crypto::provider;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};

type Authority = CertifiedIssuer<'static, KeyPair>;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn root(name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    CertifiedIssuer::self_signed(authority_params(name), key).unwrap()
}

fn below(name: &str, above: &Authority) -> Authority {
    let key = KeyPair::generate().unwrap();
    CertifiedIssuer::signed_by(authority_params(name), key, above).unwrap()
}

fn leaf(above: &Authority) -> CertificateDer<'static> {
    let mut params = params("client");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![
        SanType::DnsName("client.test".try_into().unwrap()),
        SanType::URI("spiffe://test/client".try_into().unwrap()),
        SanType::Rfc822Name("client@test".try_into().unwrap()),
        SanType::IpAddress([10, 0, 0, 1].into()),
    ];
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, above).unwrap().der().clone()
}

fn key_of(authority: &Authority) -> Hash {
    let (_, certificate) = X509Certificate::from_der(authority.der()).unwrap();
    sha256(certificate.public_key().raw)
}

fn shown(presented: &[&CertificateDer<'static>], now: UnixSeconds) -> ClientCertificate {
    let presented: Vec<_> = presented.iter().map(|one| (*one).clone()).collect();
    facts(&presented, now, &provider()).unwrap()
}

#[test]
fn every_authority_of_a_chain_that_verifies_counts_and_the_names_are_the_leafs() {
    let top = root("top");
    let middle = below("middle", &top);
    let leaf = leaf(&middle);
    for presented in [
        [&leaf, middle.der(), top.der()],
        [&leaf, top.der(), middle.der()],
    ] {
        let facts = shown(&presented, NOW);
        assert_eq!(facts.issuers, [key_of(&middle), key_of(&top)].into());
        let names = [
            "dns:client.test",
            "uri:spiffe://test/client",
            "email:client@test",
            "ip:10.0.0.1",
        ];
        assert_eq!(facts.sans, names.map(str::to_owned).into());
    }
}

#[test]
fn who_has_not_signed_does_not_count_whatever_is_presented() {
    let (ours, other) = (root("ours"), root("other"));
    let namesake = root("ours");
    let leaf = leaf(&ours);
    assert_eq!(shown(&[&leaf], NOW).issuers, BTreeSet::new());
    let facts = shown(&[&leaf, other.der(), namesake.der()], NOW);
    assert_eq!(facts.issuers, BTreeSet::new());
    let facts = shown(&[&leaf, other.der(), ours.der()], NOW);
    assert_eq!(facts.issuers, [key_of(&ours)].into());
}

#[test]
fn a_client_is_no_authority_and_one_out_of_its_time_is_none() {
    let top = root("top");
    let client = leaf(&top);
    let key = KeyPair::generate().unwrap();
    let no_authority = CertifiedIssuer::signed_by(params("no authority"), key, &top).unwrap();
    let by_client = leaf(&no_authority);
    let facts = shown(&[&by_client, no_authority.der(), top.der()], NOW);
    assert_eq!(facts.issuers, BTreeSet::new());
    for out in [1_600_000_000, 1_900_000_000] {
        let facts = shown(&[&client, top.der()], UnixSeconds(out));
        assert_eq!(facts.issuers, BTreeSet::new());
    }
}

#[test]
fn of_a_chain_that_is_too_long_only_the_leaf_counts() {
    let top = root("top");
    let leaf = leaf(&top);
    let fill: Vec<_> = (0..LONGEST).map(|_| root("other")).collect();
    let mut presented = vec![&leaf, top.der()];
    presented.extend(fill.iter().map(|one| one.der()));
    assert_eq!(shown(&presented, NOW).issuers, BTreeSet::new());
    assert_eq!(
        shown(&presented[..LONGEST], NOW).issuers,
        [key_of(&top)].into()
    );
}

fn made(params: CertificateParams, above: &Authority) -> Authority {
    CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), above).unwrap()
}

#[test]
fn an_authority_that_may_not_sign_certificates_does_not_stand_between_others() {
    let top = root("top");
    for (usages, counts) in [
        (vec![KeyUsagePurpose::KeyCertSign], true),
        (Vec::new(), true),
        (vec![KeyUsagePurpose::CrlSign], false),
    ] {
        let mut params = authority_params("middle");
        params.key_usages = usages;
        let middle = made(params, &top);
        let leaf = leaf(&middle);
        let issuers = shown(&[&leaf, middle.der(), top.der()], NOW).issuers;
        assert_eq!(issuers.contains(&key_of(&top)), counts);
        assert_eq!(issuers.contains(&key_of(&middle)), counts);
    }
}

#[test]
fn nobody_vouches_for_more_names_or_by_more_constraints_than_are_looked_at() {
    let top = root("top");
    let host = |number: usize| format!("h{number}.test");
    let named = |count: usize| {
        let mut params = params("client");
        let names = (0..count).map(|it| SanType::DnsName(host(it).try_into().unwrap()));
        params.subject_alt_names = names.collect();
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, &top).unwrap().der().clone()
    };
    let facts = shown(&[&named(NAMES), top.der()], NOW);
    assert_eq!((facts.sans.len(), facts.issuers.len()), (NAMES, 1));
    let facts = shown(&[&named(NAMES + 1), top.der()], NOW);
    assert_eq!((facts.sans.len(), facts.issuers.len()), (0, 0));

    for (count, vouched) in [(CONSTRAINTS, 2), (CONSTRAINTS + 1, 0)] {
        let mut params = authority_params("middle");
        let excluded = (0..count).map(|number| GeneralSubtree::DnsName(host(number)));
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: Vec::new(),
            excluded_subtrees: excluded.collect(),
        });
        let middle = made(params, &top);
        let leaf = leaf(&middle);
        let issuers = shown(&[&leaf, middle.der(), top.der()], NOW).issuers;
        assert_eq!(issuers.len(), vouched, "{count} constraints");
    }
}
