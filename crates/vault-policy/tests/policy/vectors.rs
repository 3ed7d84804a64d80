//! The vectors of `vectors/policy`, which no implementation wrote for itself.

use crate::support::{action, facts, items, parse, subject, text, time};
use vault_encoding::Json;
use vault_policy::{
    AttestationProfile, Deny, Invalid, KeyPolicy, KeyType, UpdateDeny, evaluate, judge_update,
    required, validate,
};

fn policy(document: &Json) -> KeyPolicy {
    KeyPolicy::from_json(document).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn documents_have_the_canonical_form_and_hash_of_the_vectors() {
    let vectors = parse(include_str!("../../../../vectors/policy/canonical.json"));
    assert!(!items(&vectors).is_empty());
    for case in items(&vectors) {
        let canonical = text(case, "canonical");
        let written = policy(case.get("document").unwrap());
        assert_eq!(
            std::str::from_utf8(written.canonical_bytes()).unwrap(),
            canonical
        );
        let read = KeyPolicy::from_canonical(canonical.as_bytes()).unwrap();
        assert_eq!(read, written);
        assert_eq!(
            read.hash().to_string(),
            text(case, "policy_hash"),
            "{}",
            text(case, "name")
        );
    }
}

#[test]
fn documents_are_refused_with_the_code_and_path_of_the_vectors() {
    let vectors = parse(include_str!(
        "../../../../vectors/policy/refused-documents.json"
    ));
    assert!(!items(&vectors).is_empty());
    for case in items(&vectors) {
        let name = text(case, "name");
        let error = KeyPolicy::from_json(case.get("document").unwrap()).expect_err(name);
        assert_eq!(
            (error.code(), error.path.as_str()),
            (text(case, "code"), text(case, "path")),
            "{name}"
        );
        assert!(error.to_string().contains(&error.path), "{error}");
    }
}

#[test]
fn texts_are_refused_with_the_code_of_the_vectors() {
    let vectors = parse(include_str!(
        "../../../../vectors/policy/refused-texts.json"
    ));
    assert!(!items(&vectors).is_empty());
    for case in items(&vectors) {
        let name = text(case, "name");
        let error = KeyPolicy::from_canonical(text(case, "text").as_bytes()).expect_err(name);
        assert_eq!(
            (error.code(), error.path.as_str()),
            (text(case, "code"), text(case, "path")),
            "{name}"
        );
    }
}

#[test]
fn decisions_are_those_of_the_vectors() {
    let vectors = parse(include_str!("../../../../vectors/policy/decisions.json"));
    let cases = items(vectors.get("cases").unwrap());
    assert!(!cases.is_empty());
    for case in cases {
        let name = text(case, "name");
        let policy = policy(
            vectors
                .get("policies")
                .unwrap()
                .get(text(case, "policy"))
                .unwrap(),
        );
        let action = action(text(case, "action"));
        let now = time(case.get("now").unwrap());
        let decision = evaluate(&policy, action, &subject(), &facts(case), now);
        let (expect, rule, condition, truth) = match &decision {
            Ok(permit) => {
                assert_eq!((permit.action(), permit.subject()), (action, &subject()));
                ("permit", "", "", "")
            }
            Err(deny) => {
                let truth = match deny {
                    Deny::Condition { truth, .. } => truth.name(),
                    _ => "",
                };
                (
                    deny.code(),
                    deny.rule().unwrap_or(""),
                    deny.condition().unwrap_or(""),
                    truth,
                )
            }
        };
        assert_eq!(
            [expect, rule, condition, truth],
            ["expect", "rule", "condition", "truth"].map(|member| text(case, member)),
            "{name}"
        );
    }
}

#[test]
fn policies_are_valid_for_keys_as_the_vectors_say() {
    let vectors = parse(include_str!("../../../../vectors/policy/validation.json"));
    assert!(!items(&vectors).is_empty());
    for case in items(&vectors) {
        let policy = policy(case.get("document").unwrap());
        let key_type = KeyType::from_name(text(case, "key_type")).unwrap();
        let result = validate(&policy, key_type, time(case.get("now").unwrap()));
        let code = result.as_ref().map_or_else(Invalid::code, |()| "valid");
        assert_eq!(
            code,
            text(case, "code"),
            "{}: {result:?}",
            text(case, "name")
        );
    }
}

#[test]
fn profiles_have_the_canonical_form_and_digest_of_the_vectors() {
    let vectors = parse(include_str!("../../../../vectors/policy/profiles.json"));
    assert!(!items(&vectors).is_empty());
    for case in items(&vectors) {
        let written = AttestationProfile::from_json(case.get("document").unwrap()).unwrap();
        let canonical = text(case, "canonical").as_bytes();
        assert_eq!(written.canonical_bytes(), canonical);
        assert_eq!(
            AttestationProfile::from_canonical(canonical),
            Ok(written.clone())
        );
        assert_eq!(written.digest().to_string(), text(case, "digest"));
    }
}

#[test]
fn updates_are_judged_as_the_vectors_say() {
    let vectors = parse(include_str!("../../../../vectors/policy/updates.json"));
    assert!(!items(&vectors).is_empty());
    for case in items(&vectors) {
        let name = text(case, "name");
        let (old, new) = (
            policy(case.get("old").unwrap()),
            policy(case.get("new").unwrap()),
        );
        let key_type = KeyType::from_name(text(case, "key_type")).unwrap();
        let now = time(case.get("now").unwrap());
        let judged = judge_update(&old, &new, key_type, &facts(case), now);
        let code = judged.as_ref().map_or_else(UpdateDeny::code, |()| "taken");
        let field = judged.as_ref().err().and_then(UpdateDeny::field);
        let said = [code, field.unwrap_or("")];
        assert_eq!(said, [text(case, "code"), text(case, "field")], "{name}");
        let managers = required(&old, &new).ok().and_then(|takes| takes.managers);
        let managers = managers.map(|it| (it.threshold.to_string(), it.oidc.name()));
        let expected = case.get("managers").filter(|it| it.as_text().is_none());
        let expected = expected.map(|it| (text(it, "threshold").to_owned(), text(it, "oidc")));
        assert_eq!(managers, expected, "{name}");
    }
}
