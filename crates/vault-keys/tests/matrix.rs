//! Every type against every operation, and every permit against every operation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use support::{permit, permit_of, random, secret_of, subject, subject_of_version};
use vault_encoding::Hash;
use vault_keys::{
    KeyError, KeyIdentity, KeyMaterial, ParsedKey, Rng, SecretAccess, SignInput, SignatureFormat,
    allowed_by_type,
};
use vault_policy::{
    Action, Approvable, KeyHandle, KeySubject, KeyType, Lineage, Operation, Permit,
};

struct System;

impl Rng for System {
    fn fill(&mut self, out: &mut [u8]) {
        random(out);
    }
}

/// From the table of key types in docs/keys.md, not from the code.
const TABLE: [(KeyType, &[Operation]); 5] = [
    (
        KeyType::P256Signing,
        &[
            Operation::Sign,
            Operation::SignDigest,
            Operation::Verify,
            Operation::GetPublicKey,
        ],
    ),
    (
        KeyType::Ed25519Signing,
        &[Operation::Sign, Operation::Verify, Operation::GetPublicKey],
    ),
    (KeyType::Aes256Gcm, &[Operation::Wrap, Operation::Unwrap]),
    (KeyType::HmacSha256, &[Operation::Mac, Operation::MacVerify]),
    (KeyType::RawShare, &[Operation::Reconstruct]),
];

fn key(key_type: KeyType) -> ParsedKey {
    let access = SecretAccess::granted();
    let material = KeyMaterial::from_secret_bytes(key_type, &secret_of(key_type), access).unwrap();
    ParsedKey::parse(KeyIdentity::of_subject(&subject()), &material).unwrap()
}

/// Calls the operation with plausible arguments.
fn call(key: &ParsedKey, operation: Operation, permit: Permit) -> Result<(), KeyError> {
    let format = SignatureFormat::P1363;
    let message = SignInput::Message(b"message");
    match operation {
        Operation::Sign => key.sign(permit, message, format).map(drop),
        Operation::SignDigest => key
            .sign(permit, SignInput::Digest(&[1; 32]), format)
            .map(drop),
        Operation::Verify => key.verify(permit, message, format, &[1; 64]).map(drop),
        Operation::Wrap => key.wrap(permit, b"plaintext", b"", &mut System).map(drop),
        Operation::Unwrap => match key.unwrap(permit, &[0; 100], b"") {
            Err(KeyError::NotWrapped) => Ok(()),
            other => other.map(drop),
        },
        Operation::Mac => key.mac(permit, b"message").map(drop),
        Operation::MacVerify => key.mac_verify(permit, b"message", &[1; 32]).map(drop),
        Operation::GetPublicKey => key.public_key(permit).map(drop),
        Operation::Reconstruct => key.reconstruct(permit).map(drop),
        Operation::StageProfile => unreachable!("uses no key"),
    }
}

#[test]
fn every_type_does_what_its_row_says_and_nothing_else() {
    let mut cells = 0;
    for (key_type, able) in TABLE {
        let key = key(key_type);
        assert_eq!(key.key_type(), key_type);
        for operation in Operation::USES {
            let expected = if able.contains(&operation) {
                Ok(())
            } else {
                Err(KeyError::NotOfType {
                    key_type,
                    operation,
                })
            };
            assert_eq!(call(&key, operation, permit(operation)), expected);
            assert_eq!(allowed_by_type(key_type, operation), expected.is_ok());
            cells += 1;
        }
    }
    assert_eq!(cells, KeyType::ALL.len() * Operation::USES.len());
}

#[test]
fn no_operation_takes_a_permit_for_another_action() {
    let others = Operation::ALL.map(Action::Operation).into_iter().chain([
        Action::GetKey,
        Action::GetPolicy,
        Action::Delete,
        Action::UpdatePolicy,
        Action::PromoteProfile,
        Action::BeginApproval(Approvable::Delete),
    ]);
    for permitted in others {
        for key_type in KeyType::ALL {
            let key = key(key_type);
            for needed in Operation::USES
                .into_iter()
                .filter(|it| Action::Operation(*it) != permitted)
            {
                let refused = call(&key, needed, permit_of(permitted, subject()));
                assert_eq!(
                    refused,
                    Err(KeyError::PermitForOtherAction { permitted, needed })
                );
            }
        }
    }
}

#[test]
fn no_operation_takes_a_permit_for_another_key_lineage_or_version() {
    let others = [
        subject_of_version(2),
        KeySubject {
            handle: KeyHandle([8; 16]),
            ..subject()
        },
        KeySubject {
            lineage: Lineage(Hash([8; 32])),
            ..subject()
        },
    ];
    for (key_type, able) in TABLE {
        let key = key(key_type);
        for operation in able {
            for other in others {
                let permit = permit_of(Action::Operation(*operation), other);
                assert_eq!(
                    call(&key, *operation, permit),
                    Err(KeyError::PermitForOtherKey)
                );
            }
        }
    }
}

#[test]
fn a_digest_needs_the_permit_of_its_own_operation() {
    let key = key(KeyType::P256Signing);
    let digest = SignInput::Digest(&[1; 32]);
    let refused = key.sign(permit(Operation::Sign), digest, SignatureFormat::Der);
    let permitted = Action::Operation(Operation::Sign);
    let needed = Operation::SignDigest;
    assert_eq!(
        refused,
        Err(KeyError::PermitForOtherAction { permitted, needed })
    );
}

#[test]
fn ed25519_takes_neither_digests_nor_der() {
    let key = key(KeyType::Ed25519Signing);
    let key_type = KeyType::Ed25519Signing;
    let der = SignatureFormat::Der;
    let message = SignInput::Message(b"message");
    let refused = Err(KeyError::FormatNotOfType {
        key_type,
        format: der,
    });
    assert_eq!(
        key.sign(permit(Operation::Sign), message, der).map(drop),
        refused
    );
    assert_eq!(
        key.verify(permit(Operation::Verify), message, der, &[0; 64])
            .map(drop),
        refused
    );
    let digest = SignInput::Digest(&[1; 32]);
    let operation = Operation::SignDigest;
    let verified = key.verify(
        permit(Operation::Verify),
        digest,
        SignatureFormat::P1363,
        &[0; 64],
    );
    assert_eq!(
        verified,
        Err(KeyError::NotOfType {
            key_type,
            operation
        })
    );
}
