//! The search for somebody who can use a key: it finds whoever can, and finds nobody where nobody can.

use crate::people::{ISSUER, NOW};
use crate::support::parse;
use vault_policy::{Invalid, KeyPolicy, KeyType, Operation, validate};

fn usable(principals: &str, rule: &str) -> Result<(), Invalid> {
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1","principals":{{
            "owner":{{"issuer":"{ISSUER}","subject":"ann"}},{principals}}},
            "operations":[{rule}]}}"#
    );
    let policy = KeyPolicy::from_json(&parse(&document)).unwrap();
    validate(&policy, KeyType::P256Signing, NOW)
}

/// Whether evidence can match both profiles at once.
fn both(one: &str, other: &str) -> bool {
    let tees = format!(r#""tees":[{{"name":"one",{one}}},{{"name":"other",{other}}}]"#);
    let found = usable(
        &tees,
        r#"{"name":"a","operations":["sign"],"principals":["owner"],"condition":{"all":[
            {"attestation_matches":{"profile":"one"}},
            {"attestation_matches":{"profile":"other"}}]}}"#,
    );
    match found {
        Ok(()) => true,
        Err(Invalid::NeverAllowed {
            operation: Operation::Sign,
            ..
        }) => false,
        Err(other) => panic!("{other}"),
    }
}

fn build(byte: &str, more: &str) -> String {
    format!(r#""mrenclave":"{}"{more}"#, byte.repeat(32))
}

fn on(machines: &[&str]) -> String {
    let machines: Vec<_> = machines
        .iter()
        .map(|byte| format!("\"{}\"", byte.repeat(32)))
        .collect();
    format!(r#","platforms":[{}]"#, machines.join(","))
}

#[test]
fn two_profiles_are_met_by_one_build_on_a_machine_that_both_list() {
    let at = |machines: &[&str]| build("07", &on(machines));
    for (one, other, met) in [
        (at(&["01", "02"]), at(&["02", "03"]), true),
        (at(&["01"]), at(&["02"]), false),
        (at(&[]), at(&["02"]), true),
        (at(&["01"]), at(&[]), true),
        (build("07", ""), build("08", ""), false),
    ] {
        assert_eq!(both(&one, &other), met, "{one} {other}");
    }
}

#[test]
fn two_profiles_are_met_only_by_what_has_the_version_the_claims_and_the_state_of_both() {
    let signer = |version: u16| {
        format!(
            r#""mrsigner":"{}","isv_prod_id":1,"min_isv_svn":{version}"#,
            "0c".repeat(32)
        )
    };
    let in_state = |status: &str| build("07", &format!(r#","tcb":{{"statuses":["{status}"]}}"#));
    let claims = |oid: &str| {
        let oid = format!(r#","required_oids":[{{"oid":"{oid}","value":"AA"}}]"#);
        build("07", &oid)
    };
    assert!(both(&signer(3), &signer(5)));
    assert!(both(&signer(3), &build("07", "")));
    assert!(both(&claims("1.2.3"), &claims("1.2.4")));
    assert!(both(&in_state("UpToDate"), &in_state("UpToDate")));
    assert!(!both(&in_state("UpToDate"), &in_state("OutOfDate")));
}

#[test]
fn an_enclave_is_no_trust_domain_and_one_domain_has_one_value_in_a_register() {
    let domain = |register: u8, value: &str| {
        format!(
            r#""mrtd":"{}","rtmrs":[{{"index":{register},"value":"{}"}}]"#,
            "0d".repeat(48),
            value.repeat(48)
        )
    };
    assert!(both(&domain(0, "01"), &domain(0, "01")));
    assert!(both(&domain(0, "01"), &domain(3, "02")));
    let two = |register: u8| {
        let more = format!(r#",{{"index":{register},"value":"{}"}}]"#, "03".repeat(48));
        domain(0, "01").replace(']', &more)
    };
    assert!(both(&two(1), &two(2)));
    assert!(!both(&domain(0, "01"), &domain(0, "02")));
    assert!(!both(&domain(0, "01"), &build("0d", "")));
}

#[test]
fn whoever_has_the_certificate_that_a_rule_names_can_use_the_key() {
    let certificates = format!(
        r#""mtls":[{{"id":"first","spki":"{}"}},{{"id":"second","ca":{{"spki":"{}","san":"dns:a"}}}}]"#,
        "aa".repeat(32),
        "bb".repeat(32)
    );
    for named in ["first", "second"] {
        let rule = format!(r#"{{"name":"a","operations":["sign"],"principals":["{named}"]}}"#);
        assert_eq!(usable(&certificates, &rule), Ok(()), "{named}");
    }
}
