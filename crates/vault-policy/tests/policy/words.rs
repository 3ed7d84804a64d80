//! What the text tools say: the same rules and conditions as refusals.

use crate::people::{ISSUER, NOW, call, fido2, key, oidc, person};
use crate::support::{parse, subject};
use vault_policy::{
    Action, Approvable, Condition, Deny, Direction, Field, KeyPolicy, Level, ManagerApproval,
    Missing, OidcApproval, Operation, PolicyFields, Quorum, diff, explain, simulate,
};

const SIGN: Action = Action::Operation(Operation::Sign);

fn policy() -> KeyPolicy {
    let people = [
        person("bob", &[fido2(1)]),
        person("carl", &[fido2(2), oidc("carl")]),
    ];
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1","principals":{{
            "owner":{{"issuer":"{ISSUER}","subject":"ann","second_factor":{}}},"managers":[{}],
            "callers":[{{"id":"ci","oidc":{{"issuer":"{ISSUER}","subject":"ci"}}}}]}},
            "operations":[
              {{"name":"release","operations":["sign"],"principals":["owner","ci"],
                "condition":{{"all":[{{"manager_approval":{{"managers":["bob","carl"],"threshold":2}}}},
                                     {{"time_window":{{"from":500}}}}]}}}},
              {{"name":"launch","operations":["sign"],"principals":["any"],
                "condition":{{"time_window":{{"from":2000}}}}}},
              {{"name":"check","operations":["verify"],"principals":["owner"]}}]}}"#,
        fido2(4),
        people.join(",")
    );
    KeyPolicy::from_json(&parse(&document)).unwrap()
}

fn edit(change: impl FnOnce(&mut PolicyFields)) -> KeyPolicy {
    let mut fields = policy().fields().clone();
    change(&mut fields);
    KeyPolicy::from_fields(fields).unwrap()
}

fn approval(fields: &mut PolicyFields) -> &mut ManagerApproval {
    let mut rules = fields.operations.iter_mut();
    let rule = rules.find(|rule| rule.name == "release").unwrap();
    let Condition::All(members) = &mut rule.condition else {
        panic!("not as written")
    };
    let Condition::ManagerApproval(approval) = &mut members[0] else {
        panic!("not as written")
    };
    approval
}

fn said(new: &KeyPolicy) -> Vec<(Field, Direction, String)> {
    let differences = diff(&policy(), new).into_iter();
    differences
        .map(|it| (it.field, it.direction, it.text))
        .collect()
}

#[test]
fn the_same_policy_has_no_difference() {
    assert_eq!(said(&policy()), []);
}

#[test]
fn a_diff_says_of_every_right_whether_it_is_wider_or_narrower() {
    use Direction::{Changes, Narrows, Widens};
    let one = |change: fn(&mut PolicyFields)| {
        let said = said(&edit(change));
        let directions: Vec<_> = said.iter().map(|(field, way, _)| (*field, *way)).collect();
        (
            directions,
            said.into_iter()
                .map(|(_, _, text)| text)
                .collect::<Vec<_>>(),
        )
    };
    let rights = |way| vec![(Field::Operations, way); 2];
    assert_eq!(one(|f| approval(f).threshold = 1).0, rights(Widens));
    assert_eq!(one(|f| approval(f).fresh_for = 60).0, rights(Narrows));
    assert_eq!(
        one(|f| approval(f).oidc = OidcApproval::Allowed).0,
        rights(Widens)
    );
    let both = one(|f| {
        approval(f).fresh_for = 60;
        approval(f).oidc = OidcApproval::Allowed;
    });
    assert_eq!(both.0, rights(Changes));
    assert!(
        both.1[0].starts_with("for \"owner\" to sign, it takes "),
        "{both:?}"
    );
    let granted = one(|f| {
        let rule = f
            .operations
            .iter_mut()
            .find(|rule| rule.name == "check")
            .unwrap();
        rule.principals = ["ci".into()].into();
    });
    let ways = [(Field::Operations, Narrows), (Field::Operations, Widens)];
    assert_eq!(granted.0, ways);
    assert_eq!(
        granted.1,
        [
            "\"owner\" may no longer verify",
            "\"ci\" may verify; it takes nothing more"
        ]
    );
    let renamed = one(|f| f.operations[0].name = "renamed".into());
    assert_eq!(renamed.0, [(Field::Operations, Changes)]);
}

#[test]
fn a_diff_says_what_becomes_of_people_and_of_their_power() {
    use Direction::{Narrows, Widens};
    let new = edit(|f| {
        f.principals.owner.second_factor = None;
        let mut ed = f.principals.managers[0].clone();
        ed.id = "ed".into();
        let vault_policy::Credential::Fido2(own) = &mut ed.credentials[0] else {
            panic!()
        };
        (own.credential_id, own.public_key) = (vec![7; 16], vec![7; 32]);
        f.principals.managers.push(ed);
        f.lifecycle.deletion_window = 60;
        let strict = Quorum {
            threshold: 3,
            oidc: OidcApproval::Refused,
        };
        f.mutability.set(Field::Callers, Level::Quorum(strict));
        f.mutability.set(Field::Auditors, Level::Owner);
    });
    let ways: Vec<_> = said(&new)
        .into_iter()
        .map(|(field, way, _)| (field, way))
        .collect();
    let expected = [
        (Field::DeletionWindow, Narrows),
        (Field::Mutability, Widens),
        (Field::Mutability, Narrows),
        (Field::Managers, Widens),
        (Field::PrincipalsOwner, Widens),
    ];
    assert_eq!(ways, expected);
}

#[test]
fn an_explanation_names_rules_and_conditions_as_refusals_do() {
    let policy = policy();
    let explained = explain(&policy, Operation::Sign);
    let grants: Vec<_> = explained
        .grants
        .iter()
        .map(|it| it.principal.as_str())
        .collect();
    assert_eq!(grants, ["owner", "ci"]);
    let facts = call("ci", &[(key(1), NOW), (key(2), NOW)]);
    let mut refused = Vec::new();
    for facts in [call("ci", &[]), facts] {
        let outcome = simulate(&policy, SIGN, &subject(), &facts, NOW);
        let deny = outcome.deny.unwrap();
        refused.push((
            deny.rule().unwrap().to_owned(),
            deny.condition().unwrap().to_owned(),
        ));
    }
    let required: Vec<_> = explained.grants[1]
        .requires
        .iter()
        .map(|it| (it.rule.clone(), it.condition.clone()))
        .collect();
    for place in &refused {
        assert!(required.contains(place), "{place:?} {required:?}");
    }
    assert_eq!(required.len(), 3);
    let text = explained.to_string();
    assert!(text.contains("\"ci\"") || text.contains("ci ("), "{text}");
    assert!(
        text.contains("[rule \"release\", all[0].manager_approval]"),
        "{text}"
    );
    assert!(
        explain(&policy, Operation::Wrap)
            .to_string()
            .contains("the usage forbids it")
    );
    assert!(explain(&policy, Operation::GetPublicKey).owner_by_right);
}

#[test]
fn a_simulation_names_everything_that_is_missing_and_the_call_that_has_it_is_allowed() {
    let policy = policy();
    let ask = |facts, now| simulate(&policy, SIGN, &subject(), &facts, now);
    let outcome = ask(call("ann", &[]), NOW);
    assert_eq!(outcome.deny, Some(Deny::SecondFactor { action: SIGN }));
    let [
        Missing::SecondFactor,
        Missing::Approvals {
            rule,
            condition,
            threshold: 2,
            of,
        },
        Missing::Condition { rule: launch, .. },
    ] = &outcome.missing[..]
    else {
        panic!("{:?}", outcome.missing)
    };
    assert_eq!(
        (launch.as_str(), rule.as_str(), condition.as_str()),
        ("launch", "release", "all[0].manager_approval")
    );
    assert_eq!(of[..], ["bob", "carl"]);
    let carl = ask(call("carl", &[]), NOW);
    assert_eq!(carl.missing.len(), 1 + 1, "{carl:?}");
    let approvals = [
        (key(1), crate::people::at(2000)),
        (key(2), crate::people::at(2000)),
        (key(4), NOW),
    ];
    let allowed = ask(call("ann", &approvals), crate::people::at(2000));
    assert!(allowed.allowed && allowed.missing.is_empty(), "{allowed:?}");
    let stranger = ask(call("eve", &[]), NOW);
    assert_eq!(
        (stranger.deny, stranger.missing),
        (Some(Deny::Stranger), Vec::new())
    );
    let begin = Action::BeginApproval(Approvable::Delete);
    let begun = simulate(&policy, begin, &subject(), &call("ci", &[]), NOW);
    let [Missing::Principal { one_of }] = &begun.missing[..] else {
        panic!("{begun:?}")
    };
    assert_eq!(one_of[..], ["owner"]);
    for missing in outcome.missing {
        assert!(!missing.to_string().is_empty());
    }
}
