//! Every sentence that people read about policies, word for word.

use crate::people::{ISSUER, NOW, at, call, fido2, oidc, person};
use crate::support::{parse, subject};
use vault_policy::{Action, Direction, KeyPolicy, Missing, Operation, diff, explain, simulate};

fn hash(byte: &str) -> String {
    byte.repeat(32)
}

fn caller(id: &str) -> String {
    format!(r#"{{"id":"{id}","oidc":{{"issuer":"{ISSUER}","subject":"{id}"}}}}"#)
}

fn policy(principals: &str, operations: &str, more: &str) -> KeyPolicy {
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1","principals":{{{principals}}},"operations":[{operations}]{more}}}"#
    );
    KeyPolicy::from_json(&parse(&document)).unwrap()
}

fn before() -> KeyPolicy {
    let principals = format!(
        r#""owner":{{"issuer":"{ISSUER}","subject":"ann"}},
           "managers":[{},{}],
           "auditors":[{}],
           "callers":[{},{},{{"id":"ops","role":{{"issuer":"{ISSUER}","role":"operators"}}}}],
           "mtls":[{{"id":"host","spki":"{}"}},{{"id":"fleet","ca":{{"spki":"{}","san":"dns:a.example"}}}}],
           "tees":[{{"name":"build","mrenclave":"{}","platforms":["{}"]}},
                   {{"name":"signed","mrsigner":"{}","isv_prod_id":1,"min_isv_svn":2}}]"#,
        person("bob", &[fido2(1)]),
        person("carl", &[oidc("carl")]),
        caller("eve"),
        caller("ci"),
        caller("same"),
        hash("aa"),
        hash("bb"),
        hash("07"),
        hash("0a"),
        hash("cc"),
    );
    let operations = r#"
        {"name":"release","operations":["sign"],"principals":["owner","ci"]},
        {"name":"check","operations":["verify"],"principals":["same"],"condition":{"any":[
            {"attestation_matches":{"profile":"build"}},
            {"time_window":{"from":100,"until":200}},
            {"caller_holds_role":{"issuer":"https://issuer.example","role":"operators"}},
            {"any":[]}]}},
        {"name":"late","operations":["sign_digest"],"principals":["host","fleet","build","signed","ops"],
            "condition":{"all":[{"not":{"time_window":{"until":50}}},
                                {"manager_approval":{"managers":["bob","carl"],"oidc":"allowed"}}]}}"#;
    policy(
        &principals,
        operations,
        r#","lifecycle":{"deletion_window":60}"#,
    )
}

fn after() -> KeyPolicy {
    let principals = format!(
        r#""owner":{{"issuer":"{ISSUER}","subject":"zoe","second_factor":{}}},
           "managers":[{},{}],
           "callers":[{{"id":"ci","oidc":{{"issuer":"{ISSUER}","subject":"ci-2"}}}},{},{}],
           "mtls":[{{"id":"host","spki":"{}"}}],
           "tees":[{{"name":"build","mrenclave":"{}","platforms":["{}","{}"]}},
                   {{"name":"signed","mrsigner":"{}","isv_prod_id":1,"min_isv_svn":2}}]"#,
        fido2(9),
        person("bob", &[fido2(3)]),
        person("dora", &[fido2(4)]),
        caller("new"),
        caller("same"),
        hash("ab"),
        hash("08"),
        hash("0a"),
        hash("0b"),
        hash("cc"),
    );
    let operations = r#"
        {"name":"release","operations":["sign"],"principals":["owner","ci"],
            "condition":{"time_window":{"from":5}}},
        {"name":"late","operations":["sign_digest"],"principals":["host","build","signed"],
            "condition":{"manager_approval":{"managers":["bob","dora"],"threshold":2}}}"#;
    policy(
        &principals,
        operations,
        r#","lifecycle":{"deletion_window":30,"sealed_forever":true},
           "mutability":{"principals.callers":"owner"}"#,
    )
}

#[test]
fn directions_have_the_words_that_are_read() {
    let all = [Direction::Widens, Direction::Narrows, Direction::Changes];
    assert_eq!(all.map(Direction::name), ["widens", "narrows", "changes"]);
}

fn lines(lines: impl IntoIterator<Item = impl ToString>) -> String {
    let lines = lines.into_iter().map(|line| line.to_string() + "\n");
    lines.collect()
}

#[test]
fn an_edit_of_everything_is_said_line_by_line() {
    assert_eq!(
        lines(diff(&before(), &after())),
        include_str!("phrases/edit.txt")
    );
}

#[test]
fn the_same_edit_backwards_is_said_the_other_way_round() {
    assert_eq!(
        lines(diff(&after(), &before())),
        include_str!("phrases/edit-backwards.txt")
    );
}

#[test]
fn another_second_factor_is_said_and_the_same_one_is_not() {
    let of = |subject: &str, factor: u8| {
        let owner = format!(
            r#""owner":{{"issuer":"{ISSUER}","subject":"{subject}","second_factor":{}}}"#,
            fido2(factor)
        );
        let rule = r#"{"name":"a","operations":["sign"],"principals":["owner"]}"#;
        policy(&owner, rule, "")
    };
    assert_eq!(
        lines(diff(&of("ann", 1), &of("ann", 2))),
        "principals.owner changes: the owner has another second factor\n"
    );
    assert_eq!(lines(diff(&of("ann", 1), &of("ann", 1))), "");
    let another = lines(diff(&of("ann", 1), &of("zoe", 1)));
    assert!(another.starts_with("principals.owner changes: the owner is zoe"));
    assert_eq!(another.lines().count(), 1, "{another}");
}

/// Bob may because of his role, and must ask because of his name.
#[test]
fn to_take_a_bound_name_away_is_not_said_to_narrow_where_another_name_stays() {
    let of = |rules: &str| {
        let principals = format!(
            r#""owner":{{"issuer":"{ISSUER}","subject":"ann"}},"managers":[{}],
               "callers":[{},{{"id":"dev","role":{{"issuer":"{ISSUER}","role":"dev"}}}}]"#,
            person("carl", &[fido2(1)]),
            caller("bob"),
        );
        policy(&principals, rules, "")
    };
    let dev = r#"{"name":"dev","operations":["sign"],"principals":["dev"]}"#;
    let bound = r#"{"name":"bob","operations":["sign"],"principals":["bob"],"condition":{"manager_approval":{"managers":["carl"]}}}"#;
    let free = r#"{"name":"bob","operations":["sign"],"principals":["bob"]}"#;
    let said = |before: &str, after: &str| lines(diff(&of(before), &of(after)));
    let rules = |rules: &[&str]| rules.join(",");
    assert_eq!(
        said(&rules(&[dev, bound]), dev),
        "operations changes: \"bob\" may no longer sign; who may by another name is not asked for approval with an authenticator by 1 of \"carl\", at most 300 s old any more\n"
    );
    let narrows = "operations narrows: \"bob\" may no longer sign\n";
    assert_eq!(said(&rules(&[dev, free]), dev), narrows);
    let other = r#"{"name":"dev","operations":["verify"],"principals":["dev"]}"#;
    assert!(said(&rules(&[other, bound]), other).starts_with(narrows));
}

#[test]
fn who_loses_a_token_is_not_said_to_have_less() {
    let of = |credentials: &[String]| {
        let principals = format!(
            r#""owner":{{"issuer":"{ISSUER}","subject":"ann"}},"managers":[{}]"#,
            person("bob", credentials),
        );
        let rule = r#"{"name":"a","operations":["sign"],"principals":["owner"]}"#;
        policy(&principals, rule, "")
    };
    assert_eq!(
        lines(diff(&of(&[fido2(1), oidc("bob")]), &of(&[fido2(1)]))),
        "principals.managers changes: manager \"bob\" may no longer use token of bob of https://issuer.example, and counts beside who asks by it\n"
    );
}

#[test]
fn explanations_are_said_word_for_word() {
    let operations = [
        Operation::Sign,
        Operation::Verify,
        Operation::SignDigest,
        Operation::GetPublicKey,
        Operation::Wrap,
    ];
    let explained = operations.map(|operation| explain(&before(), operation));
    let guarded = explain(&after(), Operation::Sign);
    assert_eq!(
        lines(explained.iter().chain([&guarded])),
        include_str!("phrases/explained.txt")
    );
}

#[test]
fn what_is_missing_is_said_word_for_word() {
    let missing = |policy: &KeyPolicy, operation, who: &str, now| {
        let facts = call(who, &[]);
        simulate(
            policy,
            Action::Operation(operation),
            &subject(),
            &facts,
            now,
        )
        .missing
    };
    let mut all = missing(&before(), Operation::SignDigest, "ann", NOW);
    all.extend(missing(&before(), Operation::Verify, "same", NOW));
    all.extend(missing(&after(), Operation::Sign, "zoe", at(1)));
    all.push(Missing::Principal { one_of: Vec::new() });
    assert_eq!(lines(all), include_str!("phrases/missing.txt"));
}
