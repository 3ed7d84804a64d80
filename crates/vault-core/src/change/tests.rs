//! Encodings of changes: frozen, and one for each.

use super::*;
use crate::api::Label;
use crate::idempotency::Scope;
use crate::state::Staged;
use std::sync::Arc;
use vault_audit::Principal;
use vault_encoding::Domain;
use vault_keys::SECRET_LEN;
use vault_policy::{
    KeyHandle, KeyPolicy, KeyType, KeyVersion, OidcSubject, PolicyVersion, TemplateArgs, template,
};

fn created() -> CreatedKey {
    CreatedKey {
        handle: KeyHandle([9; 16]),
        key_type: KeyType::P256Signing,
        version: KeyVersion(1),
        policy_version: PolicyVersion(1),
        created_at: UnixSeconds(7),
        name: "release".into(),
        labels: vec![Label {
            name: "team".into(),
            value: "a".into(),
        }],
        policy: b"{}".to_vec(),
        public_key: vec![4; 5],
        secret: Zeroizing::new(Box::new([3; SECRET_LEN])),
        remembered: None,
    }
}

/// Stores of that time open for ever.
#[test]
fn a_key_that_is_no_share_is_encoded_as_before_there_were_shares() {
    let text = |text: &str| [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
    let parts = [
        vec![1],
        vec![9; 16],
        vec![1],
        1u32.to_be_bytes().to_vec(),
        1u64.to_be_bytes().to_vec(),
        7u64.to_be_bytes().to_vec(),
        text("release"),
        1u32.to_be_bytes().to_vec(),
        text("team"),
        text("a"),
        text("{}"),
        text("\u{4}\u{4}\u{4}\u{4}\u{4}"),
        vec![3; 32],
        vec![0],
    ];
    let change = Change::Create(Box::new(created()));
    assert_eq!(*change.encode(), parts.concat());
}

#[test]
fn what_decodes_encodes_to_the_same_bytes_and_no_cut_of_it_decodes() {
    let changes = [
        Change::Create(Box::new(created())),
        Change::Destroy {
            lineage: Lineage(Hash([1; 32])),
            remembered: None,
        },
        Change::RaiseFloor(UnixSeconds(5)),
        Change::Snapshot {
            hash: Hash([2; 32]),
            next_sequence: 4,
        },
        Change::Govern(InForce {
            generation: 1,
            trust_root: Hash([2; 32]),
            governance: vec![5; 3],
        }),
        altered(policy(), true),
        altered(Alteration::Stage(staged(oidc())), false),
        altered(Alteration::Stage(staged(enclave())), true),
        altered(Alteration::Stage(staged(certificate())), true),
        altered(Alteration::Stage(staged(trust_domain())), true),
        altered(promote(), false),
        altered(Alteration::Revoke(Hash([4; 32])), true),
        altered(Alteration::Schedule(UnixSeconds(9)), false),
        altered(Alteration::Cancel, true),
        Change::Create(Box::new(CreatedKey {
            key_type: KeyType::RawShare,
            public_key: Vec::new(),
            secret: Zeroizing::new(Box::new([3; 320])),
            ..created()
        })),
    ];
    for change in changes {
        let bytes = change.encode();
        let again = Change::decode(&bytes).unwrap().unwrap().encode();
        assert_eq!(*again, *bytes);
        for cut in 1..bytes.len() {
            assert!(Change::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(Change::decode(&longer).is_err());
        if let Some(Change::Create(_)) = Change::decode(&bytes).unwrap() {
            let mut from = Reader::new(&bytes[1..]);
            CreatedKey::skip(&mut from).unwrap();
            assert_eq!(from.end(), Ok(()));
        }
    }
    assert!(matches!(Change::decode(&[]), Ok(None)));
}

fn subject() -> OidcSubject {
    OidcSubject {
        issuer: "https://issuer.test".into(),
        subject: "ann".into(),
    }
}

fn some_policy() -> Arc<KeyPolicy> {
    let args = TemplateArgs::new(subject(), KeyType::HmacSha256);
    Arc::new(template("owner", &args).unwrap())
}

fn policy() -> Alteration {
    Alteration::Policy {
        version: PolicyVersion(2),
        policy: some_policy(),
    }
}

fn promote() -> Alteration {
    Alteration::Promote {
        digest: Hash([6; 32]),
        version: PolicyVersion(3),
        policy: some_policy(),
    }
}

fn oidc() -> Principal {
    Principal::Oidc {
        issuer: "i".into(),
        subject: "s".into(),
    }
}

fn enclave() -> Principal {
    Principal::Enclave {
        measurement: Hash([1; 32]),
        platform: Hash([2; 32]),
    }
}

fn certificate() -> Principal {
    Principal::Certificate {
        spki: Hash([3; 32]),
    }
}

fn trust_domain() -> Principal {
    Principal::Td {
        mrtd: [1; 48],
        platform: Hash([2; 32]),
        rtmrs: Box::new([[3; 48], [4; 48], [5; 48], [6; 48]]),
    }
}

fn staged(by: Principal) -> Staged {
    let at = (by == oidc()).then_some(UnixSeconds(8));
    Staged::new(b"{}", at, by)
}

fn altered(how: Alteration, remembered: bool) -> Change {
    let remembered = remembered.then(|| Remembered {
        scope: Scope::of(&subject(), "update_policy", "key"),
        body: Hash([1; 32]),
        request_salt: Hash([2; 32]),
    });
    Change::Alter(Box::new(Altered {
        lineage: Lineage(Hash([7; 32])),
        how,
        remembered,
    }))
}

/// Frozen: what a store holds once is read for ever.
#[test]
fn changes_of_a_key_are_encoded_as_docs_say() {
    let bytes = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    let lineage = [7; 32];
    let policy_bytes = some_policy().canonical_bytes().to_vec();
    let oidc_by = [&[1][..], &bytes(b"i"), &bytes(b"s")].concat();
    let enclave_by = [&[2][..], &[1; 32], &[2; 32]].concat();
    let expected = [
        (
            policy(),
            6,
            [&2u64.to_be_bytes()[..], &bytes(&policy_bytes)].concat(),
        ),
        (
            Alteration::Stage(staged(oidc())),
            7,
            [&bytes(b"{}")[..], &[1], &8u64.to_be_bytes(), &oidc_by].concat(),
        ),
        (
            Alteration::Stage(staged(enclave())),
            7,
            [&bytes(b"{}")[..], &[0], &enclave_by].concat(),
        ),
        (
            Alteration::Stage(staged(certificate())),
            7,
            [&bytes(b"{}")[..], &[0, 3], &[3; 32]].concat(),
        ),
        (
            promote(),
            8,
            [&[6; 32][..], &3u64.to_be_bytes(), &bytes(&policy_bytes)].concat(),
        ),
        (Alteration::Revoke(Hash([4; 32])), 9, vec![4; 32]),
        (
            Alteration::Schedule(UnixSeconds(9)),
            10,
            9u64.to_be_bytes().to_vec(),
        ),
        (Alteration::Cancel, 11, Vec::new()),
    ];
    for (how, code, what) in expected {
        let whole = [&[code][..], &lineage, &what, &[0]].concat();
        assert_eq!(*altered(how, false).encode(), whole, "{code}");
    }
}

#[test]
fn a_proposal_is_named_by_the_digest_of_its_whole_profile() {
    let digest = Domain::AttestationProfile.hash(&[b"{}"]);
    assert_eq!(staged(oidc()).digest, digest);
    let by = staged(oidc()).info().staged_by;
    assert_eq!(by, "{\"issuer\":\"i\",\"kind\":\"oidc\",\"subject\":\"s\"}");
}
