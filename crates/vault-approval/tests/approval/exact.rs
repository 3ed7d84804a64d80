//! What is equal in everything that counts, and what differs in one thing.

use crate::support::{hash, requests, statement};
use vault_approval::{Bundle, Context, Nonce, Salted, Statement, mailbox};
use vault_encoding::{Domain, Hash};
use vault_policy::{
    KeyHandle, KeySubject, KeyVersion, Lineage, PolicyHash, PolicyVersion, UnixSeconds,
};

fn one(vault: u8) -> Statement {
    statement(vault, requests().remove(0))
}

fn bundle(statements: Vec<Statement>) -> Bundle {
    let salted = |statement| Salted {
        statement,
        salt: [7; 32],
    };
    let padding = vec![[9; 32]; 16 - statements.len()];
    let context = Context {
        note: Some("release 1.0".into()),
        ..Context::default()
    };
    Bundle::new(
        statements.into_iter().map(salted).collect(),
        padding,
        context,
    )
    .unwrap()
}

#[test]
fn a_statement_is_about_one_key_under_one_policy() {
    let said = one(0);
    let subject = KeySubject {
        handle: said.handle,
        lineage: said.lineage,
        version: KeyVersion(9),
        policy_hash: said.policy_hash,
        policy_version: said.policy_version,
    };
    assert!(said.is_about(&subject));
    let others: [fn(&mut KeySubject); 4] = [
        |it| it.handle = KeyHandle([0x12; 16]),
        |it| it.lineage = Lineage(hash("another lineage")),
        |it| it.policy_hash = PolicyHash(hash("another policy")),
        |it| it.policy_version = PolicyVersion(4),
    ];
    for other in others {
        let mut another = subject;
        other(&mut another);
        assert!(!said.is_about(&another), "{another:?}");
    }
}

#[test]
fn a_bundle_is_one_request_if_its_statements_differ_in_vault_nonce_key_and_expiry_alone() {
    let mut second = one(1);
    second.handle = KeyHandle([0x13; 16]);
    second.not_after = UnixSeconds(1_800_003_601);
    let same = bundle(vec![one(0), second.clone()]);
    assert!(same.is_one_request());
    assert_eq!(same.context().note.as_deref(), Some("release 1.0"));
    let differs: [fn(&mut Statement); 5] = [
        |it| it.request = requests().remove(1),
        |it| it.policy_hash = PolicyHash(hash("another policy")),
        |it| it.policy_version = PolicyVersion(4),
        |it| it.constellation = None,
        |it| it.requester.tls_client_key = None,
    ];
    for change in differs {
        let mut other = second.clone();
        change(&mut other);
        assert!(!bundle(vec![one(0), other]).is_one_request());
    }
}

#[test]
fn each_vault_gets_its_own_place_in_the_tree() {
    let bundle = bundle(vec![one(0), one(1)]);
    let tree = bundle.tree().unwrap();
    for index in [0, 1] {
        let given = bundle.approval(index, Vec::new()).unwrap();
        assert_eq!(given.nonce, one(index as u8).nonce);
        assert_eq!((given.index, given.salt), (index, [7; 32]));
        assert_eq!(given.path, tree.path(index).unwrap());
    }
    assert!(bundle.approval(2, Vec::new()).is_none(), "a filler");
}

#[test]
fn a_mailbox_is_the_hash_of_its_credential() {
    assert_eq!(mailbox(b"one"), Domain::Mailbox.hash(&[b"one"]));
    assert_ne!(mailbox(b"one"), mailbox(b"other"));
}

#[test]
fn a_nonce_is_shown_in_hex() {
    let nonce = Nonce([0xab; 32]);
    assert_eq!(format!("{nonce:?}"), Hash([0xab; 32]).to_string());
}
