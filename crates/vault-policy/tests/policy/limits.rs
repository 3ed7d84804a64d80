//! What is exactly at a limit is taken, and one more is refused.

use crate::people::{ISSUER, NOW, fido2, oidc, person};
use crate::support::parse;
use vault_policy::{Fault, Invalid, KeyPolicy, KeyType, Operation, PolicyError, validate};

fn policy(managers: &str, more: &str, operations: &str) -> Result<KeyPolicy, PolicyError> {
    KeyPolicy::from_json(&parse(&format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{"owner":{{"issuer":"{ISSUER}","subject":"ann"}},"managers":[{managers}]{more}}},
        "operations":[{operations}]}}"#
    )))
}

fn fault(policy: Result<KeyPolicy, PolicyError>) -> Option<Fault> {
    policy.err().map(|error| error.fault)
}

const SIGN: &str = r#"{"name":"a","operations":["sign"],"principals":["owner"]}"#;

#[test]
fn a_person_has_eight_credentials_and_no_more() {
    let bob = |count: u8| {
        let credentials: Vec<_> = (0..count).map(fido2).collect();
        policy(&person("bob", &credentials), "", SIGN)
    };
    assert_eq!(
        fault(bob(0)),
        Some(Fault::Expected("at least one credential"))
    );
    assert_eq!(fault(bob(8)), None);
    assert_eq!(fault(bob(9)), Some(Fault::TooMany { limit: 8 }));
}

#[test]
fn a_credential_has_eight_origins_and_no_more() {
    let with = |count: usize| {
        let origins: Vec<_> = (0..count).map(|n| format!(r#""https://{n}""#)).collect();
        let key = fido2(1).replace(r#""https://w.example""#, &origins.join(","));
        policy(&person("bob", &[key]), "", SIGN)
    };
    assert_eq!(fault(with(0)), Some(Fault::Expected("at least one origin")));
    assert_eq!(fault(with(8)), None);
    assert_eq!(fault(with(9)), Some(Fault::TooMany { limit: 8 }));
}

#[test]
fn the_canonical_form_may_have_as_many_values_as_its_length_allows() {
    let callers: Vec<_> = (0..20)
        .map(|n| format!(r#"{{"id":"c{n}","oidc":{{"issuer":"i","subject":"c{n}"}}}}"#))
        .collect();
    let names: Vec<_> = (0..20).map(|n| format!(r#""c{n}""#)).collect();
    let rules: Vec<_> = (0..60)
        .map(|n| {
            let names = names.join(",");
            format!(r#"{{"name":"r{n}","operations":["sign","verify"],"principals":[{names}]}}"#)
        })
        .collect();
    let more = format!(r#","callers":[{}]"#, callers.join(","));
    let policy = policy("", &more, &rules.join(",")).unwrap();
    let read = KeyPolicy::from_canonical(policy.canonical_bytes());
    assert_eq!(read.unwrap().hash(), policy.hash());
}

#[test]
fn of_several_rules_that_nobody_meets_the_first_is_named() {
    let ask = |name: &str, who: &str| {
        format!(
            r#"{{"name":"{name}","operations":["sign"],"principals":["{who}"],
                "condition":{{"manager_approval":{{"managers":["bob"]}}}}}}"#
        )
    };
    let rules = [ask("first", "owner"), ask("last", "ci")].join(",");
    let ci = format!(r#","callers":[{{"id":"ci","oidc":{{"issuer":"{ISSUER}","subject":"ci"}}}}]"#);
    let policy = policy(&person("bob", &[oidc("bob")]), &ci, &rules).unwrap();
    let refused = validate(&policy, KeyType::P256Signing, NOW).unwrap_err();
    let Invalid::NeverAllowed {
        operation, rule, ..
    } = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!((operation, rule.as_str()), (Operation::Sign, "first"));
}

#[test]
fn a_rule_names_callers_profiles_and_certificates_that_are_there_and_nobody_else() {
    let hash = "ab".repeat(32);
    let more = format!(
        r#","callers":[{{"id":"ci","oidc":{{"issuer":"i","subject":"ci"}}}}],
           "mtls":[{{"id":"host","spki":"{hash}"}}],
           "tees":[{{"name":"build","mrenclave":"{hash}"}}]"#
    );
    let named = |id: &str| {
        let rule = format!(r#"{{"name":"a","operations":["sign"],"principals":["{id}"]}}"#);
        fault(policy("", &more, &rule))
    };
    for id in ["ci", "host", "build", "owner", "any"] {
        assert_eq!(named(id), None, "{id}");
    }
    assert_eq!(named("nobody"), Some(Fault::UnknownPrincipal));
}

#[test]
fn a_rule_that_takes_two_roles_at_once_can_be_used() {
    let role =
        |role: &str| format!(r#"{{"caller_holds_role":{{"issuer":"{ISSUER}","role":"{role}"}}}}"#);
    let rule = format!(
        r#"{{"name":"a","operations":["sign"],"principals":["owner"],
            "condition":{{"all":[{},{}]}}}}"#,
        role("one"),
        role("two")
    );
    let policy = policy("", "", &rule).unwrap();
    assert_eq!(validate(&policy, KeyType::P256Signing, NOW), Ok(()));
}
