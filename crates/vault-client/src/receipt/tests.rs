//! Which entry belongs to a call.

use super::*;
use merkle::{Tree, leaf_hash};
use vault_audit::{Entry, request_hash};

#[test]
fn only_a_place_within_the_head_and_nothing_else_is_a_repeat() {
    let head = SeenHead {
        size: 3,
        root: Hash::default(),
        checkpoint: Vec::new(),
    };
    let at = |index| v1::LoggedLeaf {
        index,
        ..Default::default()
    };
    assert!(is_repeat(&at(2), &head));
    assert!(!is_repeat(&at(3), &head));
    let leaf = vec![1];
    assert!(!is_repeat(&v1::LoggedLeaf { leaf, ..at(2) }, &head));
    let proof = vec![vec![0; 32]];
    assert!(!is_repeat(&v1::LoggedLeaf { proof, ..at(2) }, &head));
}

#[test]
fn the_proof_of_the_last_leaf_gives_the_root_before_it() {
    let mut tree = Tree::default();
    for index in 0..40u64 {
        let before = tree.root();
        tree.push(leaf_hash(&index.to_be_bytes()));
        let proof = tree.inclusion(index, index + 1).unwrap();
        let leaf = index.to_be_bytes().to_vec();
        let logged = Logged {
            index,
            request_salt: Hash::default(),
            leaf,
            proof,
        };
        assert_eq!(logged.root_before(), Some(before), "{index}");
    }
}

fn form() -> Form {
    Form::about(
        "sign",
        &v1::KeyRef {
            handle: "k-aeaqcaibaeaqcaibaeaqcaibae".to_owned(),
            lineage: vec![2; 32],
            ..Default::default()
        },
    )
    .bytes("payload", b"message")
}

fn entry() -> Entry {
    Entry {
        time_lo: Some(1),
        time_hi: Some(2),
        principals: Vec::new(),
        operation: "sign".to_owned(),
        handle: "k-aeaqcaibaeaqcaibaeaqcaibae".to_owned(),
        version: Some(1),
        lineage: Some(Hash([2; 32])),
        policy_hash: Some(Hash([3; 32])),
        request_hash: Some(request_hash(&Hash([7; 32]), &form().canonical())),
        change_hash: None,
        approvals: Vec::new(),
        allowed: true,
        reason: String::new(),
        outcome: "done".to_owned(),
    }
}

fn shown(entry: &Entry) -> Shown {
    Shown::Entry(Logged {
        index: 0,
        request_salt: Hash([7; 32]),
        leaf: entry.to_leaf().unwrap(),
        proof: Vec::new(),
    })
}

fn used() -> Asked {
    Asked {
        form: Some(form()),
        logs: true,
        sent_before: false,
    }
}

#[test]
fn the_entry_of_a_call_says_what_was_asked_and_that_it_was_allowed() {
    let logged = used().admit(shown(&entry())).unwrap();
    assert_eq!(logged.unwrap().leaf, entry().to_leaf().unwrap());

    let of_another: [fn(&mut Entry); 6] = [
        |entry| entry.allowed = false,
        |entry| entry.operation = "mac".to_owned(),
        |entry| entry.handle = "k-aiaqcaibaeaqcaibaeaqcaibae".to_owned(),
        |entry| entry.lineage = None,
        |entry| entry.request_hash = None,
        |entry| entry.request_hash = Some(request_hash(&Hash([7; 32]), b"{}")),
    ];
    for change in of_another {
        let mut entry = entry();
        change(&mut entry);
        let refused = used().admit(shown(&entry)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::ReceiptInvalid, "{entry:?}");
    }
    let never_logged = Asked {
        form: None,
        logs: false,
        sent_before: false,
    };
    assert!(never_logged.admit(shown(&entry())).is_err());
    let garbled = Shown::Entry(Logged {
        index: 0,
        request_salt: Hash([7; 32]),
        leaf: b"{}".to_vec(),
        proof: Vec::new(),
    });
    assert!(used().admit(garbled).is_err(), "no entry");
}

#[test]
fn a_use_without_an_entry_is_refused_and_a_repeat_was_made_before() {
    let read = Asked {
        logs: false,
        ..used()
    };
    let again = Asked {
        sent_before: true,
        ..used()
    };
    assert!(used().admit(Shown::Nothing).is_err());
    assert!(again.admit(Shown::Nothing).is_err());
    assert_eq!(read.admit(Shown::Nothing).unwrap(), None);
    assert!(used().admit(Shown::Before).is_err());
    assert_eq!(again.admit(Shown::Before).unwrap(), None);
}
