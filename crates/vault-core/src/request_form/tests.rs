//! Every form is one of its own.

use super::*;
use crate::api::*;
use vault_encoding::Limits;
use vault_keys::SignatureFormat;
use vault_policy::{KeyType, Lineage, PolicyVersion};
use zeroize::Zeroizing;

fn requests() -> Vec<Request> {
    let key = KeyRef {
        handle: KeyHandle([1; 16]),
        lineage: None,
    };
    let pinned = KeyRef {
        lineage: Some(Lineage(Hash([2; 32]))),
        ..key
    };
    let message = || Payload::Message(b"m".to_vec());
    let format = SignatureFormat::Der;
    vec![
        Request::CreateKey(CreateKey {
            handle: key.handle,
            key_type: KeyType::P256Signing,
            name: "a \"name\"\n".into(),
            policy: b"{}".to_vec(),
            labels: vec![Label {
                name: "ä".into(),
                value: "\\".into(),
            }],
            share: None,
        }),
        Request::GetKey { key },
        Request::GetPolicy { key: pinned },
        Request::Reconstruct { key },
        Request::CreateKey(CreateKey {
            handle: key.handle,
            key_type: KeyType::RawShare,
            name: String::new(),
            policy: b"{}".to_vec(),
            labels: Vec::new(),
            share: Some(Zeroizing::new(vec![1; 320])),
        }),
        Request::ScheduleDeletion(ScheduleDeletion { key, window: 0 }),
        Request::Sign(Sign {
            key,
            input: message(),
            format,
        }),
        Request::Sign(Sign {
            key: pinned,
            input: Payload::Digest(vec![0; 32]),
            format,
        }),
        Request::Verify(Verify {
            key,
            input: message(),
            format,
            signature: vec![1],
            version: Some(KeyVersion(1)),
        }),
        Request::Wrap(Wrap {
            key,
            plaintext: Zeroizing::new(vec![1]),
            aad: vec![],
        }),
        Request::Unwrap(Unwrap {
            key,
            ciphertext: vec![1],
            aad: vec![2],
        }),
        Request::Mac(Mac {
            key,
            message: vec![1],
        }),
        Request::MacVerify(MacVerify {
            key,
            message: vec![1],
            tag: vec![],
            version: None,
        }),
        Request::GetPublicKey { key, version: None },
        Request::UpdatePolicy(UpdatePolicy {
            key,
            policy: b"{}".to_vec(),
            expected_version: PolicyVersion(1),
        }),
        Request::StageProfile(StageProfile {
            key,
            profile: b"{}".to_vec(),
        }),
        Request::ListProfiles { key },
        Request::PromoteProfile(PromoteProfile {
            key: pinned,
            digest: Hash([3; 32]),
            expected_version: PolicyVersion(1),
        }),
        Request::RevokeProfile(RevokeProfile {
            key: pinned,
            digest: Hash([3; 32]),
        }),
        Request::CancelDeletion { key },
        Request::BeginApproval {
            key,
            request: b"{}".to_vec(),
            valid_for: 60,
        },
        Request::IssueApproval {
            key,
            statement: b"{}".to_vec(),
        },
        Request::Simulate {
            key,
            request: b"{}".to_vec(),
        },
    ]
}

#[test]
fn every_form_is_canonical_and_no_two_requests_share_one() {
    let limits = Limits {
        bytes: 4096,
        depth: 8,
        nodes: 100,
    };
    let mut seen = std::collections::BTreeSet::new();
    for request in requests() {
        let form = canonical(&request);
        let read = Canonical::from_bytes(&form, limits);
        assert!(read.is_ok(), "{read:?} {}", String::from_utf8_lossy(&form));
        assert!(seen.insert(form));
    }
}

/// Of each request its canonical text, under one salt.
fn vectors() -> String {
    let salt = vault_audit::request_salt(&[7; 32]);
    let vector = |request: &Request| {
        let form = canonical(request);
        let hash = vault_audit::request_hash(&salt, &form);
        let text = |value: &str| Canonical::text(value);
        Canonical::map([
            ("canonical", text(std::str::from_utf8(&form).unwrap())),
            ("request_hash", text(&hash.to_string())),
            ("request_salt", text(&salt.to_string())),
        ])
    };
    let requests = requests();
    let vectors = requests.iter().map(vector);
    let lines = vectors.map(|vector| String::from_utf8(vector.to_bytes()).unwrap());
    lines.map(|line| line + "\n").collect()
}

#[test]
fn the_forms_are_those_of_the_vectors() {
    let kept = include_str!("../../../../vectors/audit/requests.jsonl");
    let now = vectors();
    assert_eq!(now, kept, "a form that changes is another format:\n{now}");
}
