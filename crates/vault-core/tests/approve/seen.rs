//! What the log says of approvals, what limits hold, and that strangers learn nothing.

use crate::common::Bench;
use crate::world::{
    MESSAGE, Managers, SIGNING, Terms, ann, approve, begin, caller, create, pinned, policy,
    refused, service, sign, sign_request, with,
};
use vault_approval::{
    ApprovalFault, ApprovalRequest, Digested, Proof, SignatureForm, challenge_of, digest, root_of,
    statement_leaf,
};
use vault_core::api::{KeyRef, Simulated};
use vault_core::{Answer, Caller, Code, Request, SignatureFormat, TimeReading};
use vault_policy::{Approver, KeyHandle, KeyType, KeyVersion, UnixSeconds};

fn world() -> (Bench, Managers, KeyRef) {
    let (mut bench, managers) = (Bench::new(), Managers::new());
    let policy = policy(&managers, SIGNING, &Terms::default());
    let info = create(&mut bench, &policy, KeyType::P256Signing, 1);
    (bench, managers, pinned(&info))
}

fn use_it(bench: &mut Bench, key: KeyRef, made: vault_approval::Approval) -> Option<Code> {
    let request = sign(key, MESSAGE, SignatureFormat::P1363);
    let outcome = bench.with(&service(), request, with(made));
    outcome.err().map(|refusal| refusal.code)
}

#[test]
fn the_log_says_what_was_begun_used_and_refused_and_by_whom_it_was_approved() {
    let (mut bench, m, key) = world();
    let begun = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    let made = approve(&begun, &[&m.bob, &m.carol]);
    assert_eq!(use_it(&mut bench, key, made.clone()), None);
    assert_eq!(use_it(&mut bench, key, made), Some(Code::ApprovalRefused));
    let entries = bench.entries();
    let [.., first, second, third] = entries.as_slice() else {
        panic!("three entries");
    };
    assert_eq!(first.operation, "begin_approval");
    assert_eq!(first.outcome, format!("statement {}", begun.hash()));
    assert_eq!((second.operation.as_str(), second.allowed), ("sign", true));
    let approver = |device: &crate::authenticator::Authenticator| {
        digest(&Approver::Fido2 {
            credential_id: device.credential().credential_id.clone(),
            public_key: device.credential().public_key.clone(),
        })
    };
    let approvers = [begun.hash(), approver(&m.bob), approver(&m.carol)];
    assert_eq!(second.approvals, approvers);
    assert_eq!((third.operation.as_str(), third.allowed), ("sign", false));
    assert_eq!(third.reason, ApprovalFault::Nonce.code());
    assert!(third.approvals.is_empty());
}

#[test]
fn a_counter_that_goes_back_is_in_the_log_and_refuses_nothing() {
    let (mut bench, m, key) = world();
    for (counter, noted) in [
        (5, false),
        (6, false),
        (6, true),
        (2, true),
        (0, true),
        (0, false),
    ] {
        let begun = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
        let mut made = approve(&begun, &[]);
        let leaf = statement_leaf(&made.salt, &begun.canonical_bytes());
        let challenge = challenge_of(&root_of(leaf, 0, &made.path).unwrap());
        let assertion = m
            .bob
            .assert_with(&challenge, |unsigned| unsigned.counter = counter);
        made.proofs.push(Proof::Fido2(assertion));
        assert_eq!(use_it(&mut bench, key, made), None);
        let entry = bench.entries().pop().unwrap();
        let note = format!("; counter of {} went back", entry.approvals[1]);
        assert_eq!(
            entry.outcome,
            if noted {
                format!("ok{note}")
            } else {
                "ok".into()
            }
        );
    }
}

#[test]
fn one_principal_begins_64_and_no_more_until_some_are_used_or_expire() {
    let (mut bench, m, key) = world();
    let mut open: Vec<_> = (0..64)
        .map(|_| begin(&mut bench, &service(), key, &sign_request(), 60).unwrap())
        .collect();
    let full = begin(&mut bench, &service(), key, &sign_request(), 60);
    assert_eq!(full.unwrap_err().code, Code::QuotaExceeded);
    let bob = caller("bob", None);
    assert!(begin(&mut bench, &bob, key, &sign_request(), 60).is_ok());
    let one = open.pop().unwrap();
    assert_eq!(use_it(&mut bench, key, approve(&one, &[&m.bob])), None);
    assert!(begin(&mut bench, &service(), key, &sign_request(), 60).is_ok());
    let TimeReading::Host(at) = crate::common::NOW else {
        panic!("the clock of the tests");
    };
    bench.now = TimeReading::Host(UnixSeconds(at.0 + 60));
    assert!(begin(&mut bench, &service(), key, &sign_request(), 60).is_ok());
    let late = open.pop().unwrap();
    assert_eq!(
        use_it(&mut bench, key, approve(&late, &[&m.bob])),
        Some(Code::ApprovalRefused)
    );
}

#[test]
fn what_is_begun_is_well_formed_and_possible() {
    let (mut bench, _, key) = world();
    let sign = |key_version| ApprovalRequest::Sign {
        key_version,
        payload: Digested::of(MESSAGE),
        format: SignatureForm::Der,
    };
    let mac = ApprovalRequest::Mac {
        key_version: KeyVersion(1),
        payload: Digested::of(MESSAGE),
    };
    let delete = ApprovalRequest::DeleteKey { window: 0 };
    let who = service();
    for (request, valid_for, code) in [
        (sign(KeyVersion(2)), 0, Code::InvalidArgument),
        (sign(KeyVersion(1)), 86_401, Code::InvalidArgument),
        (mac, 0, Code::PolicyDenied),
        (delete, 0, Code::PolicyDenied),
    ] {
        let refusal = begin(&mut bench, &who, key, &request, valid_for).unwrap_err();
        assert_eq!(refusal.code, code, "{request:?}");
    }
    let begun = begin(&mut bench, &who, key, &sign(KeyVersion(1)), 86_400).unwrap();
    assert_eq!(begun.not_after, UnixSeconds(1_800_000_005 + 86_400));
    for request in [&b""[..], b"{}", b"{\"operation\":\"create_key\"}"] {
        let request = Request::BeginApproval {
            key,
            request: request.to_vec(),
            valid_for: 0,
        };
        assert_eq!(refused(bench.call(&who, request)).0, Code::InvalidArgument);
    }
    bench.now = TimeReading::Failed;
    assert!(begin(&mut bench, &who, key, &sign(KeyVersion(1)), 0).is_err());
}

fn simulate(bench: &mut Bench, who: &Caller, key: KeyRef, asked: &ApprovalRequest) -> Simulated {
    let request = asked.canonical_bytes();
    let size = bench.vault.size();
    let reply = bench.call(who, Request::Simulate { key, request });
    assert_eq!(bench.vault.size(), size, "nothing is performed");
    match reply.map(|reply| reply.answer) {
        Ok(Answer::Simulate(simulated)) => simulated,
        Ok(_) => panic!("another answer"),
        Err(refusal) => panic!("{refusal:?}"),
    }
}

#[test]
fn simulate_says_what_a_call_would_meet() {
    let (mut bench, _, key) = world();
    let said = simulate(&mut bench, &service(), key, &sign_request());
    let request = sign(key, MESSAGE, SignatureFormat::P1363);
    let refusal = bench.call(&service(), request).map(|_| ()).unwrap_err();
    assert!(!said.allowed && !said.missing.is_empty());
    assert_eq!(
        (said.rule, said.condition),
        (refusal.rule, refusal.condition)
    );
    assert_eq!(said.code, "condition_false");
    let delete = ApprovalRequest::DeleteKey { window: 0 };
    assert!(simulate(&mut bench, &ann(), key, &delete).allowed);
    assert_eq!(
        simulate(&mut bench, &service(), key, &delete).code,
        "not_owner"
    );
    let version = KeyVersion(7);
    let other = ApprovalRequest::GetPublicKey {
        key_version: version,
    };
    assert_eq!(
        simulate(&mut bench, &ann(), key, &other).code,
        "no_such_version"
    );
    let mac = ApprovalRequest::Mac {
        key_version: KeyVersion(1),
        payload: Digested::of(MESSAGE),
    };
    assert_eq!(simulate(&mut bench, &service(), key, &mac).code, "no_rule");
}

#[test]
fn strangers_are_answered_alike_about_a_key_that_is_there_and_one_that_is_not() {
    let (mut bench, m, key) = world();
    let begun = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    let request = sign_request().canonical_bytes();
    let none = KeyRef {
        handle: KeyHandle([0x77; 16]),
        ..key
    };
    let of = |key: KeyRef| {
        vec![
            Request::BeginApproval {
                key,
                request: request.clone(),
                valid_for: 0,
            },
            Request::IssueApproval {
                key,
                statement: begun.canonical_bytes(),
            },
            Request::Simulate {
                key,
                request: request.clone(),
            },
            sign(key, MESSAGE, SignatureFormat::P1363),
            Request::GetPublicKey { key, version: None },
            Request::GetKey { key },
            Request::GetPolicy { key },
        ]
    };
    let stranger = caller("mallory", None);
    let made = approve(&begun, &[&m.bob]);
    for (there, not_there) in of(key).into_iter().zip(of(none)) {
        for context in [Default::default(), with(made.clone())] {
            let size = bench.vault.size();
            let one = bench.with(&stranger, there.clone(), context.clone());
            let other = bench.with(&stranger, not_there.clone(), context);
            let (one, other) = (one.map(|_| ()).unwrap_err(), other.map(|_| ()).unwrap_err());
            assert_eq!(one, other);
            assert_eq!(one.code, Code::NotFound);
            assert_eq!(bench.vault.size(), size, "neither is logged");
        }
    }
    assert_eq!(
        use_it(&mut bench, key, made),
        None,
        "no stranger spends a nonce"
    );
}
