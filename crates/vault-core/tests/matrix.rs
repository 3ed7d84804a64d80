//! T-MATRIX: every type, every operation, every kind of sender, with and without usage. What is
//! expected follows from the tables of docs/policy.md, which stand here once more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use std::collections::BTreeSet;
use vault_core::api::*;
use vault_core::{Caller, Code};
use vault_policy::{KeyPolicy, KeyType, SenderConstraint};

const SENDERS: [SenderConstraint; 4] = [
    SenderConstraint::None,
    SenderConstraint::Dpop,
    SenderConstraint::Certificate,
    SenderConstraint::Audience,
];

/// The table of types, by the names of operations in policies.
fn can(key_type: KeyType) -> &'static [&'static str] {
    match key_type {
        KeyType::P256Signing => &["sign", "sign_digest", "verify", "get_public_key"],
        KeyType::Ed25519Signing => &["sign", "verify", "get_public_key"],
        KeyType::Aes256Gcm => &["wrap", "unwrap"],
        KeyType::HmacSha256 => &["mac", "mac_verify"],
        KeyType::RawShare => &["reconstruct"],
    }
}

/// The operation; `None` for what belongs to principals and owners by right.
fn operation(request: &Request) -> Option<&'static str> {
    Some(match request {
        Request::Sign(Sign {
            input: Payload::Message(_),
            ..
        }) => "sign",
        Request::Sign(_) => "sign_digest",
        Request::Verify(_) => "verify",
        Request::Wrap(_) => "wrap",
        Request::Unwrap(_) => "unwrap",
        Request::Mac(_) => "mac",
        Request::MacVerify(_) => "mac_verify",
        Request::GetPublicKey { .. } => "get_public_key",
        Request::Reconstruct { .. } => "reconstruct",
        _ => return None,
    })
}

/// The gates one after the other: policy, sender, usage, type. `None`: it is done.
fn expected(
    request: &Request,
    key_type: KeyType,
    sender: SenderConstraint,
    usage: bool,
) -> Option<Code> {
    let operation = operation(request);
    let granted = operation.is_none_or(|name| can(key_type).contains(&name));
    let public_key = operation == Some("get_public_key");
    if !granted && !public_key {
        return Some(Code::PolicyDenied);
    }
    if key_type == KeyType::RawShare && sender == SenderConstraint::None {
        return Some(Code::SenderConstraintRequired);
    }
    if operation.is_some() && !public_key && !usage {
        return Some(Code::UsageDenied);
    }
    match (granted, operation) {
        (false, _) => Some(Code::UsageDenied),
        // The matrix unwraps what no key has wrapped.
        (true, Some("unwrap")) => Some(Code::DecryptionFailed),
        (true, _) => None,
    }
}

/// The owner may do all that the type can; without usage, the key may do none of it.
fn key(bench: &mut Bench, key_type: KeyType, usage: bool, number: u8) -> KeyInfo {
    let mut create = creation("alice", key_type, "owner", number);
    let mut fields = policy("alice", key_type, "owner").fields().clone();
    if !usage {
        fields.usage.operations = BTreeSet::new();
        fields.lifecycle.sealed_forever = true;
    }
    create.policy = KeyPolicy::from_fields(fields)
        .unwrap()
        .canonical_bytes()
        .to_vec();
    let creator = bound("alice", SenderConstraint::Dpop);
    match bench
        .call(&creator, Request::CreateKey(create))
        .unwrap()
        .answer
    {
        Answer::CreateKey(info) => info,
        _ => panic!("another answer"),
    }
}

#[test]
fn every_type_operation_sender_and_usage_goes_as_the_tables_say() {
    let mut cells = 0;
    for key_type in KeyType::ALL {
        for usage in [true, false] {
            for sender in SENDERS {
                let mut bench = Bench::new();
                let info = key(&mut bench, key_type, usage, 1);
                let who: Caller = bound("alice", sender);
                let (last, others): (Vec<_>, Vec<_>) = about(own(&info))
                    .into_iter()
                    .partition(|request| matches!(request, Request::ScheduleDeletion(_)));
                for request in others.into_iter().chain(last) {
                    let expected = expected(&request, key_type, sender, usage);
                    let name = operation(&request).unwrap_or("by right");
                    let outcome = bench.call(&who, request).err().map(|refusal| refusal.code);
                    assert_eq!(outcome, expected, "{key_type:?} {name} {sender:?} {usage}");
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, KeyType::ALL.len() * 2 * SENDERS.len() * 12);
}
