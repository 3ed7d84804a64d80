//! A policy that changes between the begin and the use: what was approved under the old one is worth nothing, and
//! whoever it does not list any more does not count.

use crate::common::Bench;
use crate::world::{
    MESSAGE, Managers, SIGNING, Terms, ann, approve, begin, create, pinned, policy, refused,
    service, sign, sign_request, with,
};
use vault_approval::ApprovalRequest;
use vault_core::api::UpdatePolicy;
use vault_core::{Answer, Code, Reply, Request, SignatureFormat};
use vault_policy::{KeyType, PolicyVersion};

#[test]
fn a_manager_who_is_revoked_approves_nothing_and_nothing_approved_outlives_its_policy() {
    let (mut bench, m) = (Bench::new(), Managers::new());
    let old = policy(&m, SIGNING, &Terms::default());
    let terms = Terms {
        carol: false,
        ..Terms::default()
    };
    let new = policy(&m, SIGNING, &terms);
    let info = create(&mut bench, &old, KeyType::P256Signing, 1);
    let key = pinned(&info);
    let use_it = |bench: &mut Bench, made| {
        let request = sign(key, MESSAGE, SignatureFormat::P1363);
        bench.with(&service(), request, with(made))
    };
    let before = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    let used = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    assert!(use_it(&mut bench, approve(&used, &[&m.carol])).is_ok());

    let update = Request::UpdatePolicy(UpdatePolicy {
        key,
        policy: new.canonical_bytes().to_vec(),
        expected_version: PolicyVersion(1),
    });
    assert!(
        bench.call(&ann(), update.clone()).is_err(),
        "without a manager"
    );
    let asked = ApprovalRequest::UpdatePolicy {
        expected_version: PolicyVersion(1),
        new_policy_hash: new.hash(),
    };
    let begun = begin(&mut bench, &ann(), key, &asked, 0).unwrap();
    let outcome = bench.with(&ann(), update.clone(), with(approve(&begun, &[&m.mallory])));
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    let other = ApprovalRequest::UpdatePolicy {
        expected_version: PolicyVersion(1),
        new_policy_hash: old.hash(),
    };
    let begun = begin(&mut bench, &ann(), key, &other, 0).unwrap();
    let outcome = bench.with(&ann(), update.clone(), with(approve(&begun, &[&m.bob])));
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    let begun = begin(&mut bench, &ann(), key, &asked, 0).unwrap();
    let outcome = bench.with(&ann(), update, with(approve(&begun, &[&m.bob])));
    match outcome {
        Ok(Reply {
            answer: Answer::UpdatePolicy { policy_version, .. },
            ..
        }) => assert_eq!(policy_version, PolicyVersion(2)),
        Ok(_) => panic!("another answer"),
        Err(refusal) => panic!("{refusal:?}"),
    }

    for device in [&m.carol, &m.bob] {
        let outcome = use_it(&mut bench, approve(&before, &[device]));
        assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    }
    let after = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    assert_eq!(after.policy_version, PolicyVersion(2));
    let outcome = use_it(&mut bench, approve(&after, &[&m.carol]));
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    let after = begin(&mut bench, &service(), key, &sign_request(), 0).unwrap();
    assert!(use_it(&mut bench, approve(&after, &[&m.bob])).is_ok());
}
