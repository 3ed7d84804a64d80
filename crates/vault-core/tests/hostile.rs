//! What somebody tries who knows how the vault works inside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use vault_core::api::*;
use vault_core::{CallContext, Caller, Code, OpenedSnapshot, Operated, Pending, Refusal};
use vault_encoding::{Hash, sha256};
use vault_policy::{KeyHandle, KeyType, Lineage};

/// Judges and operates, and leaves recording to the caller.
fn in_flight(bench: &mut Bench, who: &Caller, request: Request, key: &str) -> Operated {
    let context = CallContext {
        idempotency_key: key.into(),
        ..CallContext::default()
    };
    let judged = bench.vault.authorize(who, request, &context, bench.now);
    judged.operate(&mut bench.rng)
}

fn release(bench: &mut Bench, pending: Pending) -> Result<Reply, Refusal> {
    bench.commit();
    let durable = bench.vault.durable().unwrap();
    pending.release(durable).ok().unwrap()
}

fn delete(key: KeyRef) -> Request {
    Request::ScheduleDeletion(ScheduleDeletion { key, window: 0 })
}

#[test]
fn two_keys_made_at_once_under_one_policy_outlive_a_snapshot_when_one_of_them_is_deleted() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    let calls = [1, 2].map(|number| {
        let request =
            Request::CreateKey(creation("alice", KeyType::Ed25519Signing, "owner", number));
        in_flight(&mut bench, &alice, request, "")
    });
    let [first, second] = calls.map(|call| {
        let pending = bench.vault.record(call);
        match release(&mut bench, pending).unwrap().answer {
            Answer::CreateKey(info) => info,
            _ => panic!("another answer"),
        }
    });
    bench.call(&alice, delete(own(&first))).unwrap();
    let snapshot = bench.vault.snapshot().unwrap().unwrap();
    let hash = sha256(&snapshot.payload);
    bench
        .vault
        .commit_to_snapshot(hash, &snapshot.at, &mut Counter(11));
    bench.commit();
    let tail = &bench.log.0[snapshot.at.sequence as usize..];
    let opened = OpenedSnapshot {
        at: snapshot.at,
        hash,
        payload: snapshot.payload,
    };
    let mut restored = boot(Some(opened), tail).expect("the snapshot holds every policy in use");
    let again = restored.snapshot().unwrap();
    assert!(again.is_none(), "the boot entry is queued");
    restored.take_group().unwrap();
    bench.vault = restored;
    let size = bench.vault.census().len();
    assert_eq!(size, 2);
    bench = Bench::over(bench.log.0);
    bench.call(&alice, sign(own(&second))).unwrap();
}

#[test]
fn whoever_takes_the_handle_of_somebody_elses_key_learns_nothing_about_its_lineage() {
    let mut bench = Bench::new();
    let theirs = bench.create("alice", KeyType::Ed25519Signing, "owner", 1);
    bench.create("mallory", KeyType::Ed25519Signing, "owner", 1);
    let mallory = owner("mallory");
    let nowhere = KeyRef {
        handle: theirs.handle,
        lineage: Some(Lineage(Hash([9; 32]))),
    };
    let mut seen = Vec::new();
    let gone = bench.create("alice", KeyType::Ed25519Signing, "owner", 2);
    bench.create("mallory", KeyType::Ed25519Signing, "owner", 2);
    bench.call(&owner("alice"), delete(own(&gone))).unwrap();
    for name in [pinned(&theirs), nowhere, pinned(&gone)] {
        for request in [
            sign(name),
            delete(name),
            Request::GetKey { key: name },
            Request::GetPolicy { key: name },
        ] {
            let before = bench.vault.size();
            let refusal = bench.call(&mallory, request).map(|_| ()).unwrap_err();
            let logged = bench.vault.size() - before;
            seen.push((refusal.code, refusal.detail, refusal.leaf.is_some(), logged));
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[test]
fn the_refusal_of_a_stranger_waits_for_the_same_group_whether_the_key_is_there_or_not() {
    let mut bench = Bench::new();
    let request = Request::CreateKey(creation("alice", KeyType::Ed25519Signing, "owner", 1));
    let made = in_flight(&mut bench, &owner("alice"), request, "");
    let pending = bench.vault.record(made);
    let leaf = bench.vault.leaf(1).unwrap();
    let lineage = Lineage::derive(
        &bench.vault.info().vault_id,
        &vault_encoding::merkle::leaf_hash(&leaf),
    );
    let name = |handle| KeyRef {
        handle: KeyHandle([handle; 16]),
        lineage: Some(lineage),
    };
    let [there, missing] = [name(1), name(2)].map(|key| {
        let call = in_flight(&mut bench, &person("mallory", &[]), sign(key), "");
        bench.vault.record(call)
    });
    assert_eq!(there.awaits(), missing.awaits());
    assert!(release(&mut bench, pending).is_ok());
    for refused in [there, missing] {
        let refusal = release(&mut bench, refused).map(|_| ()).unwrap_err();
        assert_eq!(refusal, Refusal::new(Code::NotFound));
    }
}

#[test]
fn a_refusal_that_rests_on_a_call_that_is_not_durable_waits_for_it() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    let create =
        |number| Request::CreateKey(creation("alice", KeyType::Ed25519Signing, "owner", number));
    let first = in_flight(&mut bench, &alice, create(1), "once");
    let _queued = bench.vault.record(first);
    let other = in_flight(&mut bench, &alice, create(2), "once");
    let conflict = bench.vault.record(other);
    assert!(conflict.awaits().is_some());
    let refusal = release(&mut bench, conflict).map(|_| ()).unwrap_err();
    assert_eq!(refusal.code, Code::IdempotencyConflict);
}

#[test]
fn a_deletion_that_is_repeated_while_the_first_call_is_under_way_gets_its_answer() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    let key = bench.create("alice", KeyType::Ed25519Signing, "owner", 1);
    let [first, repeat] =
        [(); 2].map(|()| in_flight(&mut bench, &alice, delete(own(&key)), "once"));
    let [first, repeat] = [first, repeat].map(|call| bench.vault.record(call));
    let first = release(&mut bench, first).unwrap();
    let repeat = release(&mut bench, repeat).unwrap();
    assert!(first.answer == repeat.answer);
    let place = |reply: &Reply| {
        let leaf = reply.receipt.leaf.as_ref().unwrap();
        (leaf.index, leaf.request_salt)
    };
    assert_eq!(place(&first), place(&repeat));
}

#[test]
fn two_deletions_in_flight_under_one_idempotency_key_are_not_both_done() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    let keys = [1, 2].map(|number| bench.create("alice", KeyType::HmacSha256, "owner", number));
    let calls = keys
        .each_ref()
        .map(|key| in_flight(&mut bench, &alice, delete(own(key)), "once"));
    let [first, second] = calls.map(|call| bench.vault.record(call));
    assert!(release(&mut bench, first).is_ok());
    let refusal = release(&mut bench, second).map(|_| ()).unwrap_err();
    assert_eq!(refusal.code, Code::IdempotencyConflict);
    let show = Request::GetKey { key: own(&keys[1]) };
    let Answer::GetKey(info) = bench.call(&alice, show).unwrap().answer else {
        panic!("another answer")
    };
    assert_eq!(info.state, KeyState::Enabled);
}

#[test]
fn names_and_labels_that_look_alike_have_the_same_bytes() {
    let mut bench = Bench::new();
    let composed = creation("alice", KeyType::Ed25519Signing, "owner", 1);
    let mut texts = [composed.clone(), composed.clone(), composed.clone()];
    texts[0].name = "cafe\u{301}".into();
    texts[1].labels[0].name = "cafe\u{301}".into();
    texts[2].labels[0].value = "cafe\u{301}".into();
    for create in texts {
        let outcome = bench.call(&owner("alice"), Request::CreateKey(create));
        assert_eq!(outcome.map(|_| ()).unwrap_err().code, Code::InvalidArgument);
    }
    let mut composed = composed;
    composed.name = "caf\u{e9}".into();
    bench
        .call(&owner("alice"), Request::CreateKey(composed))
        .unwrap();
}

#[test]
fn a_call_that_a_deletion_overtakes_leaves_no_parsed_key_behind() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    let key = bench.create("alice", KeyType::HmacSha256, "owner", 1);
    let mac = Request::Mac(Mac {
        key: own(&key),
        message: b"m".to_vec(),
    });
    let context = CallContext::default();
    let judged = bench.vault.authorize(&alice, mac, &context, bench.now);
    bench.call(&alice, delete(own(&key))).unwrap();
    let done = judged.operate(&mut bench.rng);
    assert_eq!(bench.vault.parsed_keys(), 0);
    let pending = bench.vault.record(done);
    let refusal = release(&mut bench, pending).map(|_| ()).unwrap_err();
    assert_eq!(refusal.code, Code::NotFound);
}

#[test]
fn a_taken_name_is_logged_alike_whether_it_was_taken_before_or_meanwhile() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    let create = |number| {
        let mut create = creation("alice", KeyType::Ed25519Signing, "owner", number);
        create.name = "the name".into();
        Request::CreateKey(create)
    };
    let calls = [1, 2].map(|number| in_flight(&mut bench, &alice, create(number), ""));
    let [first, meanwhile] = calls.map(|call| bench.vault.record(call));
    assert!(release(&mut bench, first).is_ok());
    assert!(release(&mut bench, meanwhile).is_err());
    assert!(bench.call(&alice, create(3)).is_err());
    let entries = bench.entries();
    let [.., meanwhile, before] = entries.as_slice() else {
        panic!("two refusals are logged")
    };
    assert_eq!(meanwhile.reason, "already_exists");
    assert_eq!(meanwhile.handle, before.handle);
    assert_eq!(meanwhile.lineage, before.lineage);
}
