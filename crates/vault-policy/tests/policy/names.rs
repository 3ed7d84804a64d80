//! Names and messages: each of its own, and found again by it.

use crate::people::{ISSUER, NOW, call, oidc, person};
use crate::support::{parse, subject};
use std::collections::BTreeSet;
use vault_encoding::Hash;
use vault_policy::{
    Action, Approvable, Authority, Deny, EvidenceClaims, Fault, KeyHandle, KeyPolicy, Level,
    Measurement, OidcApproval, Operation, PlatformId, Quorum, SgxFacts, TcbStatus, TdMeasurement,
    TdxFacts, Tee, Truth, UnixSeconds, evaluate,
};

fn distinct(texts: impl IntoIterator<Item = String>) {
    let mut seen = BTreeSet::new();
    for text in texts {
        assert!(!text.is_empty());
        assert!(seen.insert(text.clone()), "{text} stands for two");
    }
}

#[test]
fn what_can_be_approved_is_named_as_its_action_and_found_by_its_name() {
    let all: Vec<_> = Approvable::all().collect();
    assert_eq!(all.len(), Operation::ALL.len() + 5);
    distinct(all.iter().map(|each| each.name().to_owned()));
    for each in all {
        assert_eq!(each.name(), each.action().name());
        assert_eq!(each.action().to_string(), each.name());
        assert_eq!(Approvable::from_name(each.name()), Some(each));
    }
    for unknown in ["", "get_key", "begin_approval", "signs"] {
        assert_eq!(Approvable::from_name(unknown), None, "{unknown}");
    }
}

#[test]
fn refusals_have_messages_and_codes_of_their_own_and_only_strangers_are_strangers() {
    let condition = |truth| Deny::Condition {
        rule: "release".into(),
        condition: "all[0].time_window".into(),
        truth,
    };
    let action = Action::Delete;
    let operation = Operation::Sign;
    let all = [
        Deny::Stranger,
        Deny::NotOwner { action },
        Deny::NotManager { action },
        Deny::SecondFactor { action },
        Deny::NoRule { operation },
        condition(Truth::False),
        condition(Truth::Unknown),
    ];
    distinct(all.iter().map(ToString::to_string));
    distinct(all.iter().map(|deny| deny.code().to_owned()));
    for deny in &all {
        assert_eq!(deny.is_stranger(), *deny == Deny::Stranger, "{deny}");
        let named = matches!(deny, Deny::Condition { .. });
        assert_eq!(deny.rule(), named.then_some("release"));
        assert_eq!(deny.condition(), named.then_some("all[0].time_window"));
    }
}

#[test]
fn faults_have_messages_and_codes_of_their_own() {
    let all = [
        Fault::NotCanonical,
        Fault::TooLong,
        Fault::UnknownFormat,
        Fault::NotEnforced,
        Fault::UnknownMember,
        Fault::Missing,
        Fault::Expected("a number"),
        Fault::BadIdentity,
        Fault::NameTaken,
        Fault::UnknownManager,
        Fault::CredentialTaken,
        Fault::QuorumWithoutManagers,
        Fault::QuorumTooLow { needed: 2 },
        Fault::UnknownPrincipal,
        Fault::UnknownProfile,
        Fault::TooMany { limit: 8 },
        Fault::TooDeep,
        Fault::NotOverFacts,
        Fault::EmptyWindow,
        Fault::NoMeasurement,
    ];
    distinct(all.iter().map(ToString::to_string));
    distinct(all.iter().map(|fault| fault.code().to_owned()));
}

#[test]
fn a_handle_is_shown_as_its_text() {
    let handle = KeyHandle([7; 16]);
    assert_eq!(format!("{handle:?}"), handle.to_string());
    assert_eq!(handle.to_string().parse(), Ok(handle));
    let register = TdMeasurement([7; 48]);
    assert_eq!(register.to_string(), "07".repeat(48));
    assert_eq!(format!("{register:?}"), register.to_string());
}

#[test]
fn who_may_ask_for_approvals_is_whoever_could_do_it_with_them() {
    let bob = person("bob", &[oidc("bob")]);
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1","principals":{{
            "owner":{{"issuer":"{ISSUER}","subject":"ann"}},"managers":[{bob}],
            "callers":[{{"id":"ci","oidc":{{"issuer":"{ISSUER}","subject":"ci"}}}}]}},
            "operations":[{{"name":"release","operations":["sign"],"principals":["ci"],
              "condition":{{"manager_approval":{{"managers":["bob"],"oidc":"allowed"}}}}}}]}}"#,
    );
    let policy = KeyPolicy::from_json(&parse(&document)).unwrap();
    let ask = |who: &str, approvable| {
        let action = Action::BeginApproval(approvable);
        evaluate(&policy, action, &subject(), &call(who, &[]), NOW).map(|_| ())
    };
    let sign = Approvable::Operation(Operation::Sign);
    let verify = Approvable::Operation(Operation::Verify);
    assert_eq!(ask("ci", sign), Ok(()));
    let operation = Operation::Verify;
    assert_eq!(ask("ci", verify), Err(Deny::NoRule { operation }));
    let operation = Operation::Sign;
    assert_eq!(ask("ann", sign), Err(Deny::NoRule { operation }));
    assert_eq!(ask("bob", Approvable::CancelDeletion), Ok(()));
    assert_eq!(ask("ann", Approvable::Delete), Ok(()));
    let action = Action::BeginApproval(Approvable::Delete);
    assert_eq!(
        ask("bob", Approvable::Delete),
        Err(Deny::NotOwner { action })
    );
    assert_eq!(ask("eve", sign), Err(Deny::Stranger));
}

#[test]
fn levels_are_said_in_words() {
    let quorum = |threshold, oidc| Level::Quorum(Quorum { threshold, oidc });
    for (level, words) in [
        (Level::Owner, "the owner"),
        (Level::Immutable, "nobody"),
        (quorum(1, OidcApproval::Allowed), "the owner and 1 manager"),
        (
            quorum(1, OidcApproval::Refused),
            "the owner and 1 manager with an authenticator",
        ),
        (quorum(2, OidcApproval::Allowed), "the owner and 2 managers"),
    ] {
        assert_eq!(level.to_string(), words);
        let managers = match level {
            Level::Quorum(quorum) => Some(quorum),
            Level::Owner | Level::Immutable => None,
        };
        let authority = Authority {
            owner: true,
            managers,
        };
        if level != Level::Immutable {
            assert_eq!(authority.to_string(), words);
        }
    }
}

#[test]
fn what_runs_is_an_enclave_or_a_trust_domain_and_has_the_facts_of_one() {
    let measurement = Measurement(Hash([7; 32]));
    let enclave = Tee::Sgx(SgxFacts {
        mrenclave: measurement,
        mrsigner: Measurement(Hash([8; 32])),
        isv_prod_id: 1,
        isv_svn: 2,
    });
    let domain = Tee::Tdx(Box::new(TdxFacts {
        mrtd: TdMeasurement([7; 48]),
        rtmrs: [0, 1, 2, 3].map(|byte| TdMeasurement([byte; 48])),
        mr_config_id: TdMeasurement([0; 48]),
        attributes: 0,
        xfam: 3,
    }));
    let claims = |tee: &Tee| EvidenceClaims {
        tee: tee.clone(),
        platform_id: PlatformId(Hash([5; 32])),
        config_merkle_root: None,
        oids: Vec::new(),
        tcb_status: TcbStatus::UpToDate,
        advisories: Vec::new(),
        tcb_evaluation_data_number: 17,
        tcb_date: UnixSeconds(0),
        collateral_issued_at: UnixSeconds(0),
        simulated: true,
    };
    let (one, other) = (claims(&enclave), claims(&domain));
    assert_eq!(one.sgx().map(|sgx| sgx.isv_svn), Some(2));
    assert_eq!((one.tdx(), one.mrenclave()), (None, Some(measurement)));
    assert_eq!(other.tdx().map(|tdx| tdx.xfam), Some(3));
    assert_eq!((other.sgx(), other.mrenclave()), (None, None));
}
