//! What may become of a policy, and who it takes.

use crate::people::{ISSUER, NOW, call, fido2, key, oidc, person};
use crate::support::parse;
use std::collections::BTreeSet;
use vault_encoding::Hash;
use vault_policy::{
    AttestationProfile, Authority, Change, Condition, Facts, Field, Invalid, KeyPolicy, KeyType,
    Level, Measurement, OidcApproval, Operation, PolicyFields, PrincipalName, Quorum, UpdateDeny,
    judge_update, promote, required, required_for_promotion,
};

const TYPE: KeyType = KeyType::P256Signing;

/// The owner `ann`; managers bob (1), carl (2) and dora (a token); profile `app` of build 1. Two
/// approvals are asked for signing, inside the build.
fn document(managers: bool, mutability: &str) -> String {
    let people = [
        person("bob", &[fido2(1)]),
        person("carl", &[fido2(2)]),
        person("dora", &[oidc("dora")]),
    ];
    let approval = r#",{"manager_approval":{"managers":["bob","carl","dora"],"threshold":2}}"#;
    format!(
        r#"{{"format":"enclave-vaults/key-policy/v1","principals":{{
            "owner":{{"issuer":"{ISSUER}","subject":"ann"}},"managers":[{}],
            "callers":[{{"id":"ci","oidc":{}}}],
            "tees":[{{"name":"app","mrenclave":"{}"}},{{"name":"spare","mrenclave":"{}"}}]}},
            "operations":[
              {{"name":"sign","operations":["sign"],"principals":["owner","app"],
                "condition":{{"all":[{{"attestation_matches":{{"profile":"app"}}}}{}]}}}},
              {{"name":"verify","operations":["verify"],"principals":["owner","ci"]}}],
            "lifecycle":{{"deletion_window":60}},
            "mutability":{{{mutability}}}}}"#,
        if managers {
            people.join(",")
        } else {
            String::new()
        },
        &oidc("ci")[8..oidc("ci").len() - 1],
        "01".repeat(32),
        "03".repeat(32),
        if managers { approval } else { "" },
    )
}

fn policy(managers: bool, mutability: &str) -> KeyPolicy {
    KeyPolicy::from_json(&parse(&document(managers, mutability))).unwrap()
}

fn edit(policy: &KeyPolicy, change: impl FnOnce(&mut PolicyFields)) -> KeyPolicy {
    let mut fields = policy.fields().clone();
    change(&mut fields);
    KeyPolicy::from_fields(fields).unwrap()
}

fn profile(name: &str, build: u8) -> AttestationProfile {
    let document = format!(r#"{{"name":"{name}","mrenclave":"{}"}}"#, Hash([build; 32]));
    AttestationProfile::from_json(&parse(&document)).unwrap()
}

fn owner_with(approvals: &[u8]) -> Facts {
    let approvals: Vec<_> = approvals.iter().map(|byte| (key(*byte), NOW)).collect();
    call("ann", &approvals)
}

fn judge(old: &KeyPolicy, new: &KeyPolicy, facts: &Facts) -> Result<(), &'static str> {
    judge_update(old, new, TYPE, facts, NOW).map_err(|deny| {
        assert!(!deny.to_string().is_empty());
        deny.code()
    })
}

fn quorum(threshold: u32, oidc: OidcApproval) -> Quorum {
    Quorum { threshold, oidc }
}

fn refused(old: &KeyPolicy, change: impl FnOnce(&mut PolicyFields), code: &str, field: Field) {
    let new = edit(old, change);
    let everybody = owner_with(&[1, 2]);
    let deny = judge_update(old, &new, TYPE, &everybody, NOW).unwrap_err();
    assert_eq!(
        (deny.code(), deny.field()),
        (code, Some(field.name())),
        "{deny}"
    );
    assert_eq!(required(old, &new).map_err(|deny| deny.code()), Err(code));
}

fn verify_takes(condition: Condition) -> impl FnOnce(&mut PolicyFields) {
    move |fields| {
        let rule = fields
            .operations
            .iter_mut()
            .find(|rule| rule.name == "verify");
        rule.unwrap().condition = condition;
    }
}

#[test]
fn without_managers_the_owner_alone_changes_what_may_change() {
    let old = policy(false, "");
    let new = edit(
        &old,
        verify_takes(Condition::All(vec![Condition::always()])),
    );
    assert_eq!(judge(&old, &new, &owner_with(&[])), Ok(()));
    let owner = Authority {
        owner: true,
        managers: None,
    };
    assert_eq!(required(&old, &new), Ok(owner));
    for stranger in [Facts::default(), call("ci", &[]), call("dora", &[])] {
        assert_eq!(judge(&old, &new, &stranger), Err("not_owner"));
    }
}

#[test]
fn with_managers_it_takes_as_many_persons_as_the_rules_ask_for_at_most() {
    let old = policy(true, "");
    let new = edit(
        &old,
        verify_takes(Condition::All(vec![Condition::always()])),
    );
    let two = Authority {
        owner: true,
        managers: Some(quorum(2, OidcApproval::Refused)),
    };
    assert_eq!(required(&old, &new), Ok(two));
    for (approvals, expected) in [
        (&[][..], Err("approval_missing")),
        (&[1], Err("approval_missing")),
        (&[1, 1], Err("approval_missing")),
        (&[1, 9], Err("approval_missing")),
        (&[1, 2], Ok(())),
    ] {
        assert_eq!(
            judge(&old, &new, &owner_with(approvals)),
            expected,
            "{approvals:?}"
        );
    }
    let mut by_token = owner_with(&[1]);
    by_token
        .approvals
        .extend(call("x", &[(crate::people::by_token("dora"), NOW)]).approvals);
    assert_eq!(judge(&old, &new, &by_token), Err("approval_missing"));
    let missing = judge_update(&old, &new, TYPE, &owner_with(&[2]), NOW);
    let expected = UpdateDeny::ApprovalMissing {
        field: Some(Field::Operations),
        needed: quorum(2, OidcApproval::Refused),
        approved: 1,
    };
    assert_eq!(missing, Err(expected));
}

#[test]
fn the_strictest_of_the_changed_fields_decides() {
    let levels = r#""operations":{"quorum":{"threshold":2,"oidc":"allowed"}},
        "principals.callers":{"quorum":{"threshold":3,"oidc":"allowed"}},"principals.managers":"owner""#;
    let old = policy(true, levels);
    let callers = |fields: &mut PolicyFields| {
        let mut other = fields.principals.callers[0].clone();
        other.id = "other".into();
        fields.principals.callers.push(other);
    };
    let managers = |fields: &mut PolicyFields| {
        let mut other = fields.principals.managers[0].clone();
        other.id = "ed".into();
        fields.principals.managers[0] = other;
        let rule = fields
            .operations
            .iter_mut()
            .find(|rule| rule.name == "sign")
            .unwrap();
        let Condition::All(members) = &mut rule.condition else {
            panic!("{rule:?}")
        };
        let Condition::ManagerApproval(approval) = &mut members[1] else {
            panic!("{members:?}")
        };
        let id = fields.principals.managers[0].id.clone();
        approval.managers.insert(id);
        approval
            .managers
            .retain(|id| fields.principals.managers.iter().any(|m| m.id == *id));
    };
    let asks = |new: &KeyPolicy| required(&old, new).unwrap().managers;
    let three = quorum(3, OidcApproval::Allowed);
    assert_eq!(asks(&edit(&old, callers)), Some(three));
    // The rule that asks for evidence is another one, which takes what a promotion takes.
    let strict = quorum(2, OidcApproval::Refused);
    assert_eq!(asks(&edit(&old, managers)), Some(strict));
    let both = edit(&edit(&old, managers), callers);
    assert_eq!(asks(&both), Some(quorum(3, OidcApproval::Refused)));
    let names: Vec<_> = Change::between(old.fields(), both.fields())
        .names()
        .collect();
    assert_eq!(
        names,
        ["operations", "principals.callers", "principals.managers"]
    );
}

#[test]
fn whatever_goes_one_way_only_goes_no_other_way_whoever_approves() {
    let mutable = r#""mutability":"owner","lifecycle.deletion_window":"owner""#;
    let old = policy(true, mutable);
    assert_eq!(judge(&old, &old, &owner_with(&[1, 2])), Err("no_change"));
    refused(
        &old,
        |f| f.principals.owner.subject.subject = "eve".into(),
        "immutable",
        Field::PrincipalsOwner,
    );
    refused(
        &old,
        |f| f.principals.tees.push(profile("app", 2)),
        "profile_added",
        Field::Tees,
    );
    refused(
        &old,
        |f| f.principals.tees.push(profile("new", 1)),
        "profile_added",
        Field::Tees,
    );
    let replace = |f: &mut PolicyFields| {
        f.principals.tees.retain(|tee| tee.name != "app");
        f.principals.tees.push(profile("app", 2));
    };
    refused(&old, replace, "profile_changed", Field::Tees);
    let more = |f: &mut PolicyFields| {
        f.usage.operations.insert(Operation::SignDigest);
        f.operations[0].operations.insert(Operation::SignDigest);
    };
    refused(&old, more, "usage_widened", Field::UsageOperations);
    refused(
        &old,
        |f| f.lifecycle.deletion_window = 59,
        "window_shortened",
        Field::DeletionWindow,
    );
    refused(
        &old,
        |f| f.mutability.set(Field::Callers, Level::Owner),
        "mutability_lowered",
        Field::Callers,
    );
    let by_token = Level::Quorum(quorum(9, OidcApproval::Allowed));
    refused(
        &old,
        |f| f.mutability.set(Field::Callers, by_token),
        "mutability_lowered",
        Field::Callers,
    );
    let sealed = policy(true, mutable);
    let sealed = edit(&sealed, |f| f.lifecycle.sealed_forever = true);
    refused(
        &sealed,
        |f| f.lifecycle.sealed_forever = false,
        "unsealed",
        Field::SealedForever,
    );
    let fixed = policy(true, "");
    refused(
        &fixed,
        |f| f.mutability.set(Field::Callers, Level::Immutable),
        "immutable",
        Field::Mutability,
    );
}

#[test]
fn what_narrows_is_taken() {
    let old = policy(true, r#""mutability":"owner""#);
    let changes: [fn(&mut PolicyFields); 4] = [
        |f| f.lifecycle.deletion_window = 61,
        |f| f.mutability.set(Field::Callers, Level::Immutable),
        |f| f.principals.tees.retain(|tee| tee.name == "app"),
        |f| {
            f.usage.operations = [Operation::Sign].into();
            f.operations.retain(|rule| rule.name == "sign");
        },
    ];
    for change in changes {
        let new = edit(&old, change);
        assert_eq!(judge(&old, &new, &owner_with(&[1, 2])), Ok(()));
    }
}

#[test]
fn a_rule_that_asks_for_evidence_is_changed_only_by_what_a_promotion_takes() {
    let weaker = |fields: &mut PolicyFields| {
        let rule = fields
            .operations
            .iter_mut()
            .find(|rule| rule.name == "sign")
            .unwrap();
        rule.condition = Condition::always();
    };
    let levels = r#""operations":"owner","principals.tees":{"quorum":{"threshold":2}}"#;
    let old = policy(true, levels);
    let new = edit(&old, weaker);
    assert_eq!(judge(&old, &new, &owner_with(&[])), Err("approval_missing"));
    assert_eq!(judge(&old, &new, &owner_with(&[1, 2])), Ok(()));
    let beside = edit(
        &old,
        verify_takes(Condition::All(vec![Condition::always()])),
    );
    assert_eq!(judge(&old, &beside, &owner_with(&[])), Ok(()));
    let never = policy(
        true,
        r#""operations":"owner","principals.tees":"immutable""#,
    );
    refused(&never, weaker, "immutable", Field::Tees);
}

#[test]
fn a_new_policy_under_which_nobody_can_do_anything_is_not_taken() {
    let old = policy(false, "");
    let new = edit(&old, verify_takes(Condition::Any(Vec::new())));
    let deny = judge_update(&old, &new, TYPE, &owner_with(&[]), NOW).unwrap_err();
    let UpdateDeny::Invalid(Invalid::NeverAllowed { operation, .. }) = &deny else {
        panic!("{deny}")
    };
    assert_eq!((*operation, deny.code()), (Operation::Verify, "invalid"));
}

#[test]
fn a_promotion_adds_one_profile_and_leaves_everything_else() {
    let next = profile("app", 2);
    for (managers, levels, approvals, expected) in [
        (false, "", &[][..], Ok(())),
        (
            false,
            r#""principals.tees":"immutable""#,
            &[],
            Err("immutable"),
        ),
        (true, "", &[1], Err("approval_missing")),
        (true, "", &[1, 2], Ok(())),
        (
            true,
            r#""principals.tees":"owner""#,
            &[1],
            Err("approval_missing"),
        ),
        (true, r#""principals.tees":"owner""#, &[1, 2], Ok(())),
        (
            true,
            r#""principals.tees":{"quorum":{"threshold":3,"oidc":"allowed"}}"#,
            &[1, 2],
            Err("approval_missing"),
        ),
        (
            true,
            r#""principals.tees":"immutable""#,
            &[1, 2],
            Err("immutable"),
        ),
    ] {
        let old = policy(managers, levels);
        let promoted = promote(&old, &next, TYPE, &owner_with(approvals), NOW);
        let code = promoted.as_ref().map(|_| ()).map_err(UpdateDeny::code);
        assert_eq!(code, expected, "{managers} {levels} {approvals:?}");
        assert_eq!(
            required_for_promotion(&old).is_err(),
            expected == Err("immutable")
        );
        let Ok(new) = promoted else { continue };
        assert_eq!(new, edit(&old, |f| f.principals.tees.push(next.clone())));
        assert_eq!(new.profiles("app").count(), 2);
        let again = promote(&new, &next, TYPE, &owner_with(approvals), NOW);
        assert_eq!(again.map_err(|deny| deny.code()), Err("no_change"));
    }
    let old = policy(true, "");
    let stranger = promote(
        &old,
        &next,
        TYPE,
        &call("ci", &[(key(1), NOW), (key(2), NOW)]),
        NOW,
    );
    assert_eq!(stranger, Err(UpdateDeny::NotOwner));
    let taken = promote(&old, &profile("ci", 2), TYPE, &owner_with(&[1, 2]), NOW);
    assert_eq!(taken.map_err(|deny| deny.code()), Err("not_a_policy"));
}

#[test]
fn a_profile_alone_has_one_canonical_form_and_a_digest_of_all_of_it() {
    let profile = profile("app", 2);
    let canonical = profile.canonical_bytes();
    assert_eq!(
        AttestationProfile::from_canonical(&canonical),
        Ok(profile.clone())
    );
    let spaced = [&canonical[..1], b" ", &canonical[1..]].concat();
    let refused = AttestationProfile::from_canonical(&spaced).unwrap_err();
    assert_eq!(refused.code(), "not_canonical");
    for name in ["any", "owner"] {
        let taken = AttestationProfile::from_json(&parse(&format!(
            r#"{{"name":"{name}","mrenclave":"{}"}}"#,
            "01".repeat(32)
        )));
        assert_eq!(taken.map_err(|error| error.code()), Err("name_taken"));
    }
    let none = AttestationProfile::from_json(&parse(r#"{"name":"x"}"#)).unwrap_err();
    assert_eq!((none.code(), none.path.as_str()), ("no_measurement", ""));
    let mut others = vec![profile.clone(); 4];
    others[0].name = "app2".into();
    others[1].mrenclave = Some(Measurement(Hash([9; 32])));
    others[2].tcb.grace = 1;
    others[3]
        .platforms
        .insert(vault_policy::PlatformId(Hash([1; 32])));
    let digests: BTreeSet<_> = others
        .iter()
        .chain([&profile])
        .map(AttestationProfile::digest)
        .collect();
    assert_eq!(digests.len(), 5);
    let principal = PrincipalName::from("app");
    assert_eq!(principal.as_str(), profile.name);
}
