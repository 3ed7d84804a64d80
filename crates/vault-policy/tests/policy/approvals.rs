//! Approvals, second factors, certificates, auditors and managers in the decision.

use crate::people::{ISSUER, NOW, at, by_token, call, fido2, key, oidc, person};
use crate::support::{parse, subject};
use vault_encoding::Hash;
use vault_policy::{
    Action, Approvable, Approver, CertificateFacts, Deny, Facts, KeyPolicy, Operation, Truth,
    VaultTime, evaluate,
};

/// Owner `ann`, caller `ci`; managers bob (1 and a token), carl (2), dora (a token alone), and
/// `ann` herself (4), whom approvals of others may list.
fn policy(second_factor: &str, condition: &str) -> KeyPolicy {
    let managers = [
        person("bob", &[fido2(1), oidc("bob")]),
        person("carl", &[fido2(2)]),
        person("dora", &[oidc("dora")]),
        person("ann-too", &[fido2(4)]),
    ];
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1","principals":{{
            "owner":{{"issuer":"{ISSUER}","subject":"ann","second_factor":{second_factor}}},
            "managers":[{}],
            "auditors":[{{"id":"revision","oidc":{{"issuer":"{ISSUER}","subject":"rex"}}}}],
            "callers":[{{"id":"ci","oidc":{{"issuer":"{ISSUER}","subject":"ci"}}}},
                       {{"id":"bob-calls","oidc":{{"issuer":"{ISSUER}","subject":"bob"}}}}],
            "mtls":[{{"id":"pinned","spki":"{one}"}},
                    {{"id":"named","ca":{{"san":"dns:host.example","spki":"{two}"}}}}]}},
            "operations":[
              {{"name":"sign","operations":["sign"],"principals":["owner","ci","bob-calls"],"condition":{condition}}},
              {{"name":"check","operations":["verify"],"principals":["pinned","named"]}}]}}"#,
        managers.join(","),
        one = "01".repeat(32),
        two = "02".repeat(32),
    );
    KeyPolicy::from_json(&parse(&document)).unwrap()
}

fn approval(managers: &str, more: &str) -> String {
    format!(r#"{{"manager_approval":{{"managers":[{managers}]{more}}}}}"#)
}

fn ask(policy: &KeyPolicy, action: Action, facts: &Facts, now: VaultTime) -> Result<(), Deny> {
    evaluate(policy, action, &subject(), facts, now).map(|_| ())
}

fn sign(policy: &KeyPolicy, facts: &Facts, now: VaultTime) -> Result<(), Deny> {
    ask(policy, Action::Operation(Operation::Sign), facts, now)
}

fn unmet(truth: Truth) -> Result<(), Deny> {
    Err(Deny::Condition {
        rule: "sign".to_owned(),
        condition: "manager_approval".to_owned(),
        truth,
    })
}

#[test]
fn distinct_persons_who_are_listed_and_do_not_call_are_counted() {
    let two = approval(r#""bob","carl","ann-too""#, r#","threshold":2"#);
    let policy = policy(&fido2(4), &two);
    let approvals = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| (key(*byte), NOW))
            .collect::<Vec<_>>()
    };
    for (caller, by, expected) in [
        ("ci", &[][..], unmet(Truth::False)),
        ("ci", &[1], unmet(Truth::False)),
        ("ci", &[1, 1], unmet(Truth::False)),
        ("ci", &[1, 9], unmet(Truth::False)),
        ("ci", &[1, 2], Ok(())),
        ("ci", &[1, 4], Ok(())),
        ("bob", &[1, 2], unmet(Truth::False)),
        ("bob", &[2, 4], Ok(())),
        ("ann", &[1, 4], unmet(Truth::False)),
        ("ann", &[1, 2, 4], Ok(())),
    ] {
        let facts = call(caller, &approvals(by));
        assert_eq!(sign(&policy, &facts, NOW), expected, "{caller} {by:?}");
    }
}

#[test]
fn a_credential_approves_only_with_its_id_and_its_key() {
    let policy = policy(r#""none""#, &approval(r#""bob""#, ""));
    let mixed = Approver::Fido2 {
        credential_id: vec![1; 16],
        public_key: vec![2; 32],
    };
    let facts = call("ci", &[(mixed, NOW)]);
    assert_eq!(sign(&policy, &facts, NOW), unmet(Truth::False));
}

#[test]
fn tokens_count_only_where_the_condition_allows_them() {
    for (more, by, expected) in [
        ("", "bob", unmet(Truth::False)),
        (r#","oidc":"allowed""#, "bob", Ok(())),
        (r#","oidc":"allowed""#, "dora", Ok(())),
        (r#","oidc":"allowed""#, "carl", unmet(Truth::False)),
    ] {
        let policy = policy(r#""none""#, &approval(r#""bob","carl","dora""#, more));
        let facts = call("ci", &[(by_token(by), NOW)]);
        assert_eq!(sign(&policy, &facts, NOW), expected, "{more} {by}");
    }
}

#[test]
fn an_approval_is_fresh_for_exactly_as_long_as_the_condition_says() {
    let policy = policy(r#""none""#, &approval(r#""bob""#, r#","fresh_for":60"#));
    let unknown = VaultTime::Unknown;
    for (begun, now, expected) in [
        (at(940), NOW, Ok(())),
        (at(939), NOW, unmet(Truth::False)),
        (at(2000), NOW, Ok(())),
        (unknown, NOW, unmet(Truth::Unknown)),
        (at(1000), unknown, unmet(Truth::Unknown)),
    ] {
        let facts = call("ci", &[(key(1), begun)]);
        assert_eq!(sign(&policy, &facts, now), expected, "{begun:?} {now:?}");
    }
    let facts = call("ci", &[(key(2), unknown)]);
    assert_eq!(sign(&policy, &facts, unknown), unmet(Truth::False));
    let facts = call("ci", &[(key(1), at(1)), (key(1), at(990))]);
    assert_eq!(sign(&policy, &facts, NOW), Ok(()));
}

#[test]
fn what_the_owner_does_takes_the_second_factor_and_what_the_owner_reads_does_not() {
    let policy = policy(&fido2(4), r#"{"all":[]}"#);
    let alone = call("ann", &[]);
    let with = call("ann", &[(key(4), NOW)]);
    for action in [Action::GetKey, Action::GetPolicy, Action::ListProfiles]
        .into_iter()
        .chain(
            Approvable::all()
                .filter(|it| begun_by_owner(*it))
                .map(Action::BeginApproval),
        )
        .chain([Action::Operation(Operation::GetPublicKey)])
    {
        assert_eq!(ask(&policy, action, &alone, NOW), Ok(()), "{action:?}");
    }
    for action in [
        Action::Delete,
        Action::UpdatePolicy,
        Action::PromoteProfile,
        Action::RevokeProfile,
        Action::CancelDeletion,
        Action::Operation(Operation::StageProfile),
        Action::Operation(Operation::Sign),
    ] {
        let refused = Err(Deny::SecondFactor { action });
        assert_eq!(ask(&policy, action, &alone, NOW), refused, "{action:?}");
        let other = call("ann", &[(key(1), NOW)]);
        assert_eq!(ask(&policy, action, &other, NOW), refused, "{action:?}");
        assert_eq!(ask(&policy, action, &with, NOW), Ok(()), "{action:?}");
    }
    assert_eq!(sign(&policy, &call("ci", &[]), NOW), Ok(()));
}

#[test]
fn nobody_escapes_a_rule_for_the_owner_by_not_giving_the_second_factor() {
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1","principals":{{
            "owner":{{"issuer":"{ISSUER}","subject":"ann","second_factor":{}}},
            "callers":[{{"id":"ann-calls","oidc":{{"issuer":"{ISSUER}","subject":"ann"}}}}]}},
            "operations":[
              {{"name":"never","operations":["sign"],"principals":["owner"],"condition":{{"any":[]}}}},
              {{"name":"always","operations":["sign"],"principals":["ann-calls"]}}]}}"#,
        fido2(4)
    );
    let policy = KeyPolicy::from_json(&parse(&document)).unwrap();
    for approvals in [&[][..], &[(key(4), NOW)]] {
        let denied = sign(&policy, &call("ann", approvals), NOW).unwrap_err();
        assert_eq!(
            (denied.code(), denied.rule()),
            ("condition_false", Some("never"))
        );
    }
}

fn begun_by_owner(approvable: Approvable) -> bool {
    match approvable {
        Approvable::Operation(operation) => matches!(
            operation,
            Operation::Sign | Operation::GetPublicKey | Operation::StageProfile
        ),
        _ => true,
    }
}

#[test]
fn managers_issue_and_cancel_and_auditors_read_and_neither_does_anything_else() {
    let policy = policy(r#""none""#, r#"{"all":[]}"#);
    let actions = [
        Action::GetKey,
        Action::GetPolicy,
        Action::Delete,
        Action::UpdatePolicy,
        Action::ListProfiles,
        Action::PromoteProfile,
        Action::RevokeProfile,
        Action::CancelDeletion,
        Action::IssueApproval,
    ];
    let actions = actions
        .into_iter()
        .chain(Operation::ALL.map(Action::Operation))
        .chain(Approvable::all().map(Action::BeginApproval));
    for action in actions {
        let allowed = |who| ask(&policy, action, &call(who, &[]), NOW).is_ok();
        let manages = matches!(
            action,
            Action::CancelDeletion
                | Action::IssueApproval
                | Action::BeginApproval(Approvable::CancelDeletion)
        );
        assert_eq!(allowed("dora"), manages, "{action:?}");
        let reads = matches!(action, Action::GetKey | Action::GetPolicy);
        assert_eq!(allowed("rex"), reads, "{action:?}");
        let strange = ask(&policy, action, &call("eve", &[]), NOW);
        assert_eq!(strange, Err(Deny::Stranger), "{action:?}");
    }
    let issued = ask(&policy, Action::IssueApproval, &call("ann", &[]), NOW);
    let action = Action::IssueApproval;
    assert_eq!(issued, Err(Deny::NotManager { action }));
}

#[test]
fn a_certificate_is_known_by_its_key_or_by_its_authority_and_name_together() {
    let policy = policy(r#""none""#, r#"{"all":[]}"#);
    let facts = |spki: u8, san: &str, issuer: u8| Facts {
        certificate: Some(CertificateFacts {
            spki: Hash([spki; 32]),
            sans: [san.to_owned()].into(),
            issuers: [Hash([issuer; 32])].into(),
        }),
        ..Facts::default()
    };
    for (facts, known) in [
        (facts(1, "dns:other", 9), true),
        (facts(9, "dns:host.example", 2), true),
        (facts(9, "uri:host.example", 2), false),
        (facts(9, "dns:other", 2), false),
        (facts(9, "dns:host.example", 1), false),
        (facts(2, "dns:host.example", 9), false),
        (Facts::default(), false),
    ] {
        let verify = Action::Operation(Operation::Verify);
        let expected = if known { Ok(()) } else { Err(Deny::Stranger) };
        assert_eq!(ask(&policy, verify, &facts, NOW), expected, "{facts:?}");
    }
}
