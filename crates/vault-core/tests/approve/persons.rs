//! Who counts: distinct persons whom the policy lists, never whoever asks.

use crate::authenticator::Authenticator;
use crate::common::Bench;
use crate::world::{
    MESSAGE, Managers, SIGNING, TLS_KEY, Terms, approve, begin, caller, create, pinned, policy,
    refused, service, sign, sign_request, with,
};
use vault_approval::{Approval, OidcApproval, Proof, Statement};
use vault_core::api::KeyRef;
use vault_core::{Answer, Caller, Code, Refusal, Reply, Request, SignatureFormat, TimeReading};
use vault_policy::{KeyType, UnixSeconds};

fn world(terms: &Terms) -> (Bench, Managers, KeyRef) {
    let (mut bench, managers) = (Bench::new(), Managers::new());
    let policy = policy(&managers, SIGNING, terms);
    let info = create(&mut bench, &policy, KeyType::P256Signing, 1);
    (bench, managers, pinned(&info))
}

fn two() -> Terms {
    Terms {
        threshold: 2,
        oidc: "allowed",
        ..Terms::default()
    }
}

fn used(bench: &mut Bench, who: &Caller, key: KeyRef, made: Approval) -> Result<Reply, Refusal> {
    let request = sign(key, MESSAGE, SignatureFormat::P1363);
    bench.with(who, request, with(made))
}

fn by(
    bench: &mut Bench,
    who: &Caller,
    key: KeyRef,
    devices: &[&Authenticator],
) -> Result<Reply, Refusal> {
    let begun = begin(bench, who, key, &sign_request(), 0).unwrap();
    used(bench, who, key, approve(&begun, devices))
}

fn token(
    bench: &mut Bench,
    who: &str,
    key: KeyRef,
    begun: &Statement,
) -> Result<OidcApproval, Refusal> {
    let statement = begun.canonical_bytes();
    let request = Request::IssueApproval { key, statement };
    let reply = bench.call(&caller(who, None), request)?;
    let Answer::IssueApproval(token) = reply.answer else {
        panic!("another answer");
    };
    Ok(token)
}

#[test]
fn two_persons_are_needed_and_two_are_enough() {
    let (mut bench, m, key) = world(&two());
    assert!(by(&mut bench, &service(), key, &[&m.bob, &m.carol]).is_ok());
    assert!(by(&mut bench, &service(), key, &[&m.carol, &m.bobs, &m.bob]).is_ok());
    let short: [&[&Authenticator]; 4] = [
        &[&m.bob],
        &[&m.bob, &m.bob],
        &[&m.bob, &m.bobs],
        &[&m.carol, &m.carol, &m.carol],
    ];
    for devices in short {
        let (code, condition) = refused(by(&mut bench, &service(), key, devices));
        assert_eq!(code, Code::PolicyDenied, "{devices:?}");
        assert!(condition.contains("manager_approval"), "{condition}");
    }
}

#[test]
fn whoever_asks_does_not_count() {
    let (mut bench, m, key) = world(&two());
    let bob = caller("bob", Some(TLS_KEY));
    let (code, condition) = refused(by(&mut bench, &bob, key, &[&m.bob, &m.carol]));
    assert_eq!(code, Code::PolicyDenied);
    assert!(condition.contains("manager_approval"), "{condition}");
}

#[test]
fn one_proof_of_nobody_refuses_the_others_with_it() {
    let (mut bench, m, key) = world(&Terms::default());
    assert!(by(&mut bench, &service(), key, &[&m.bob]).is_ok());
    for devices in [[&m.bob, &m.mallory], [&m.mallory, &m.bob]] {
        assert_eq!(
            refused(by(&mut bench, &service(), key, &devices)).0,
            Code::ApprovalRefused
        );
    }
    // The owner's second factor is nobody's here.
    let outcome = by(&mut bench, &service(), key, &[&m.factor]);
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
}

#[test]
fn whom_the_policy_does_not_list_any_more_does_not_count() {
    let terms = Terms {
        carol: false,
        ..Terms::default()
    };
    let (mut bench, m, key) = world(&terms);
    let outcome = by(&mut bench, &service(), key, &[&m.carol]);
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    assert!(by(&mut bench, &service(), key, &[&m.bob]).is_ok());
}

#[test]
fn a_token_approves_where_the_rule_allows_it_and_nowhere_else() {
    for (oidc, accepted) in [("allowed", true), ("refused", false)] {
        let terms = Terms {
            oidc,
            ..Terms::default()
        };
        let (mut bench, _, key) = world(&terms);
        let begun = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
        let token = token(&mut bench, "dave", key, &begun).unwrap();
        assert_eq!(
            (token.manager.as_str(), token.by.subject.as_str()),
            ("dave", "dave")
        );
        let mut made = approve(&begun, &[]);
        made.proofs = vec![Proof::Oidc(token)];
        let outcome = used(&mut bench, &service(), key, made);
        match accepted {
            true => assert!(outcome.is_ok()),
            false => assert_eq!(refused(outcome).0, Code::PolicyDenied),
        }
    }
}

#[test]
fn a_token_is_good_for_its_statement_its_person_and_its_vault_only() {
    let (mut bench, m, key) = world(&two());
    let first = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    let of_dave = token(&mut bench, "dave", key, &first).unwrap();
    let changes: [fn(&mut OidcApproval); 5] = [
        |token| token.manager = "carol".into(),
        |token| token.by.subject = "carol".into(),
        |token| token.by.issuer.push('/'),
        |token| token.signature[0] ^= 1,
        |token| token.signature.clear(),
    ];
    for change in changes {
        let begun = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
        let mut changed = token(&mut bench, "dave", key, &begun).unwrap();
        change(&mut changed);
        let mut made = approve(&begun, &[&m.bob]);
        made.proofs.push(Proof::Oidc(changed));
        let outcome = used(&mut bench, &service(), key, made);
        assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    }
    let other = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    let mut made = approve(&other, &[&m.bob]);
    made.proofs.push(Proof::Oidc(of_dave.clone()));
    let outcome = used(&mut bench, &service(), key, made);
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    let mut made = approve(&first, &[&m.bob]);
    made.proofs.push(Proof::Oidc(of_dave));
    assert!(used(&mut bench, &service(), key, made).is_ok());
}

#[test]
fn a_vault_signs_only_what_waits_and_only_for_managers() {
    let (mut bench, m, key) = world(&two());
    let begun = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    for (who, code) in [
        ("ann", Code::PolicyDenied),
        ("service", Code::PolicyDenied),
        ("mallory", Code::NotFound),
    ] {
        let outcome = token(&mut bench, who, key, &begun);
        assert_eq!(outcome.unwrap_err().code, code, "{who}");
    }
    let mut other = begun.clone();
    other.not_after = UnixSeconds(begun.not_after.0 + 1);
    assert_eq!(
        token(&mut bench, "dave", key, &other).unwrap_err().code,
        Code::ApprovalRefused
    );
    let mut other = begun.clone();
    other.vault_id.0.0[0] ^= 1;
    assert_eq!(
        token(&mut bench, "dave", key, &other).unwrap_err().code,
        Code::ApprovalRefused
    );
    assert!(token(&mut bench, "dave", key, &begun).is_ok());
    let made = approve(&begun, &[&m.bob, &m.carol]);
    assert!(used(&mut bench, &service(), key, made).is_ok());
    assert_eq!(
        token(&mut bench, "dave", key, &begun).unwrap_err().code,
        Code::ApprovalRefused
    );
}

#[test]
fn an_approval_is_fresh_for_as_long_as_the_rule_says() {
    let (mut bench, m, key) = world(&Terms::default());
    let TimeReading::Host(begun_at) = crate::common::NOW else {
        panic!("the clock of the tests");
    };
    for (seconds, fresh) in [(0, true), (300, true), (301, false)] {
        bench.now = crate::common::NOW;
        let begun = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
        bench.now = TimeReading::Host(UnixSeconds(begun_at.0 + seconds));
        let outcome = used(&mut bench, &service(), key, approve(&begun, &[&m.bob]));
        assert_eq!(outcome.is_ok(), fresh, "{seconds}");
    }
}
