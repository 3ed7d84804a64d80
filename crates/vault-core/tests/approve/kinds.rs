//! Every operation that can be approved is, and the owner's second factor is an approval too.

use crate::authenticator::Authenticator;
use crate::common::Bench;
use crate::world::{
    MESSAGE, Managers, Terms, ann, approve, begin, create, pinned, policy, refused, service, with,
};
use vault_approval::{ApprovalRequest, Digested, SignatureForm, SignedInput};
use vault_core::api::{
    KeyRef, Mac, MacVerify, Payload, ScheduleDeletion, Sign, Unwrap, Verify, Wrap,
};
use vault_core::{Answer, Caller, Code, Refusal, Reply, Request, SignatureFormat};
use vault_encoding::sha256;
use vault_policy::{KeyType, KeyVersion};
use zeroize::Zeroizing;

fn world(kind: KeyType, operations: &str) -> (Bench, Managers, KeyRef) {
    let (mut bench, managers) = (Bench::new(), Managers::new());
    let policy = policy(&managers, operations, &Terms::default());
    let info = create(&mut bench, &policy, kind, 1);
    (bench, managers, pinned(&info))
}

/// Refused without an approval; accepted with it; refused with one of anything else.
fn approved(
    bench: &mut Bench,
    who: &Caller,
    by: &Authenticator,
    key: KeyRef,
    asked: &ApprovalRequest,
    request: &Request,
) -> Reply {
    assert_eq!(
        refused(bench.call(who, request.clone())).0,
        Code::PolicyDenied
    );
    let begun = begin(bench, who, key, asked, 0).unwrap();
    let outcome: Result<Reply, Refusal> =
        bench.with(who, request.clone(), with(approve(&begun, &[by])));
    match outcome {
        Ok(reply) => reply,
        Err(refusal) => panic!("{asked:?}: {refusal:?}"),
    }
}

const V1: KeyVersion = KeyVersion(1);

#[test]
fn signing_verifying_and_reading_the_public_key_are_approved() {
    let operations = r#""sign","sign_digest","verify","get_public_key""#;
    let (mut bench, m, key) = world(KeyType::P256Signing, operations);
    let who = service();
    for (format, form) in [
        (SignatureFormat::Der, SignatureForm::Der),
        (SignatureFormat::P1363, SignatureForm::P1363),
    ] {
        let digest = sha256(MESSAGE).0.to_vec();
        for input in [Payload::Message(MESSAGE.to_vec()), Payload::Digest(digest)] {
            let payload = Digested::of(input.bytes());
            let (asked, kind) = match &input {
                Payload::Message(_) => (
                    ApprovalRequest::Sign {
                        key_version: V1,
                        payload,
                        format: form,
                    },
                    SignedInput::Message,
                ),
                Payload::Digest(_) => (
                    ApprovalRequest::SignDigest {
                        key_version: V1,
                        payload,
                        format: form,
                    },
                    SignedInput::Digest,
                ),
            };
            let request = Request::Sign(Sign {
                key,
                input: input.clone(),
                format,
            });
            let reply = approved(&mut bench, &who, &m.bob, key, &asked, &request);
            let Answer::Sign { signature, .. } = reply.answer else {
                panic!("another answer");
            };
            let asked = ApprovalRequest::Verify {
                key_version: V1,
                input: kind,
                payload,
                format: form,
                signature_sha256: sha256(&signature),
            };
            let version = Some(V1);
            let request = Request::Verify(Verify {
                key,
                input,
                format,
                signature,
                version,
            });
            let reply = approved(&mut bench, &who, &m.carol, key, &asked, &request);
            assert!(reply.receipt.leaf.is_some(), "what was approved is logged");
            assert!(matches!(reply.answer, Answer::Verify { valid: true }));
        }
    }
    let asked = ApprovalRequest::GetPublicKey { key_version: V1 };
    for version in [None, Some(V1)] {
        let request = Request::GetPublicKey { key, version };
        let reply = approved(&mut bench, &who, &m.bobs, key, &asked, &request);
        assert!(reply.receipt.leaf.is_some());
    }
}

#[test]
fn wrapping_and_unwrapping_are_approved() {
    let (mut bench, m, key) = world(KeyType::Aes256Gcm, r#""wrap","unwrap""#);
    let who = service();
    let aad = b"associated".to_vec();
    let asked = ApprovalRequest::Wrap {
        key_version: V1,
        aad: Digested::of(&aad),
        payload: Digested::of(MESSAGE),
    };
    let request = Request::Wrap(Wrap {
        key,
        plaintext: Zeroizing::new(MESSAGE.to_vec()),
        aad: aad.clone(),
    });
    let reply = approved(&mut bench, &who, &m.bob, key, &asked, &request);
    let Answer::Wrap { ciphertext, .. } = reply.answer else {
        panic!("another answer");
    };
    let asked = |key_version| ApprovalRequest::Unwrap {
        key_version,
        aad: Digested::of(&aad),
        payload: Digested::of(&ciphertext),
    };
    let aad = aad.clone();
    let request = Request::Unwrap(Unwrap {
        key,
        ciphertext: ciphertext.clone(),
        aad,
    });
    let named = begin(&mut bench, &who, key, &asked(V1), 0);
    assert_eq!(named.unwrap_err().code, Code::InvalidArgument);
    let asked = asked(KeyVersion(0));
    let reply = approved(&mut bench, &who, &m.bob, key, &asked, &request);
    assert!(matches!(reply.answer, Answer::Unwrap { plaintext, .. } if *plaintext == MESSAGE));
}

#[test]
fn tags_are_approved() {
    let (mut bench, m, key) = world(KeyType::HmacSha256, r#""mac","mac_verify""#);
    let who = service();
    let message = MESSAGE.to_vec();
    let payload = Digested::of(MESSAGE);
    let asked = ApprovalRequest::Mac {
        key_version: V1,
        payload,
    };
    let request = Request::Mac(Mac {
        key,
        message: message.clone(),
    });
    let reply = approved(&mut bench, &who, &m.bob, key, &asked, &request);
    let Answer::Mac { tag, .. } = reply.answer else {
        panic!("another answer");
    };
    let asked = ApprovalRequest::MacVerify {
        key_version: V1,
        payload,
        tag_sha256: sha256(&tag),
    };
    let request = Request::MacVerify(MacVerify {
        key,
        message,
        tag,
        version: None,
    });
    let reply = approved(&mut bench, &who, &m.bob, key, &asked, &request);
    assert!(matches!(reply.answer, Answer::MacVerify { valid: true }));
}

#[test]
fn the_owner_deletes_with_the_second_factor_and_not_without() {
    let (mut bench, m) = (Bench::new(), Managers::new());
    let terms = Terms {
        factor: true,
        ..Terms::default()
    };
    let policy = policy(&m, r#""sign""#, &terms);
    let info = create(&mut bench, &policy, KeyType::P256Signing, 1);
    let key = pinned(&info);
    let request = Request::ScheduleDeletion(ScheduleDeletion { key, window: 0 });
    let asked = ApprovalRequest::DeleteKey { window: 0 };
    let begun = begin(&mut bench, &ann(), key, &asked, 0).unwrap();
    let by_manager = bench.with(&ann(), request.clone(), with(approve(&begun, &[&m.bob])));
    assert_eq!(refused(by_manager).0, Code::PolicyDenied);
    let other = ApprovalRequest::DeleteKey { window: 86_400 };
    let begun = begin(&mut bench, &ann(), key, &other, 0).unwrap();
    let of_other = bench.with(&ann(), request.clone(), with(approve(&begun, &[&m.factor])));
    assert_eq!(refused(of_other).0, Code::ApprovalRefused);
    approved(&mut bench, &ann(), &m.factor, key, &asked, &request);
    assert!(
        begin(&mut bench, &ann(), key, &asked, 0).is_err(),
        "it is gone"
    );
}
