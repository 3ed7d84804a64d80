//! T-INJECT of texts: what differs in anything differs in its statement, and every statement reads as what it
//! says.

use crate::support::{requests, statement, subject};
use proptest::prelude::*;
use std::collections::BTreeSet;
use vault_approval::{Nonce, Requester, RequesterPrincipal, Statement};
use vault_encoding::Hash;
use vault_policy::{
    KeyHandle, Lineage, Measurement, OidcSubject, PlatformId, PolicyHash, PolicyVersion,
    TdMeasurement, UnixSeconds, VaultId,
};

/// Texts that would end a member early if they were not escaped, and others of few letters.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{0,2}",
        Just("\",\"subject\":\"b".to_owned()),
        Just("a\"}},{\"oidc\":{\"issuer\":\"".to_owned()),
        "\\PC{0,4}",
        "[\\x00-\\x1f\\\\\"]{0,3}",
    ]
}

fn hash() -> impl Strategy<Value = Hash> {
    (0..2u8).prop_map(|byte| Hash([byte; 32]))
}

fn principal() -> impl Strategy<Value = RequesterPrincipal> {
    let oidc = (text(), text()).prop_map(|(issuer, subject)| OidcSubject { issuer, subject });
    prop_oneof![
        oidc.prop_map(RequesterPrincipal::Oidc),
        (hash(), hash()).prop_map(|(measurement, platform)| RequesterPrincipal::Enclave {
            measurement: Measurement(measurement),
            platform: PlatformId(platform),
        }),
        (0..2u8, 0..2u8, hash()).prop_map(|(mrtd, rtmr, platform)| RequesterPrincipal::Td {
            mrtd: TdMeasurement([mrtd; 48]),
            platform: PlatformId(platform),
            rtmrs: Box::new([0, 1, rtmr, 3].map(|byte| TdMeasurement([byte; 48]))),
        }),
        hash().prop_map(|spki| RequesterPrincipal::Certificate { spki }),
    ]
}

prop_compose! {
    fn any_statement()(
        constellation in proptest::option::of(hash()),
        handle in 0..2u8,
        lineage in hash(),
        nonce in hash(),
        not_after in 0..2u64,
        policy_hash in hash(),
        policy_version in 0..2u64,
        request in 0..requests().len(),
        principals in proptest::collection::btree_set(principal(), 1..4),
        tls_client_key in proptest::option::of(hash()),
        vault_id in hash(),
    ) -> Statement {
        Statement {
            constellation,
            handle: KeyHandle([handle; 16]),
            lineage: Lineage(lineage),
            nonce: Nonce(nonce.0),
            not_after: UnixSeconds(not_after),
            policy_hash: PolicyHash(policy_hash),
            policy_version: PolicyVersion(policy_version),
            request: requests()[request].clone(),
            requester: Requester { principals, tls_client_key },
            vault_id: VaultId(vault_id),
        }
    }
}

fn config() -> ProptestConfig {
    let cases = std::env::var("EVAULT_INJECT").map_or(512, |cases| cases.parse().unwrap());
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn statements_read_as_what_they_say(one in any_statement(), other in any_statement()) {
        let bytes = one.canonical_bytes();
        let read = Statement::parse(&bytes);
        prop_assert_eq!(read.as_ref(), Ok(&one));
        prop_assert_eq!(bytes == other.canonical_bytes(), one == other);
    }
}

#[test]
fn two_names_are_not_one_name_that_looks_like_two() {
    let plain = statement(0, requests()[0].clone());
    let of = |names: &[&str]| {
        let principals: BTreeSet<_> = names
            .iter()
            .map(|name| RequesterPrincipal::Oidc(subject(name)))
            .collect();
        let mut one = plain.clone();
        one.requester.principals = principals;
        one.canonical_bytes()
    };
    let glued = r#"ann"}},{"oidc":{"issuer":"https://issuer.example","subject":"bob"#;
    assert_ne!(of(&["ann", "bob"]), of(&[glued]));
}
