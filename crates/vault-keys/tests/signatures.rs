//! Sign, verify and read the public key, through permits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::BTreeSet;
use support::{permit, random, secret_of, subject};
use vault_encoding::{sha256, text};
use vault_keys::{
    KeyError, KeyIdentity, KeyMaterial, ParsedKey, Rng, SecretAccess, SignInput, SignatureFormat,
};
use vault_policy::{KeyType, Operation};

struct System;

impl Rng for System {
    fn fill(&mut self, out: &mut [u8]) {
        random(out);
    }
}

fn parsed(material: &KeyMaterial) -> ParsedKey {
    ParsedKey::parse(KeyIdentity::of_subject(&subject()), material).unwrap()
}

fn generated(key_type: KeyType) -> ParsedKey {
    parsed(&KeyMaterial::generate(key_type, &mut System).unwrap())
}

fn from_hex(key_type: KeyType, secret: &str) -> ParsedKey {
    let secret: [u8; 32] = text::unhex(secret).unwrap();
    let access = SecretAccess::granted();
    parsed(&KeyMaterial::from_secret_bytes(key_type, &secret, access).unwrap())
}

fn sign(key: &ParsedKey, input: SignInput<'_>, format: SignatureFormat) -> Vec<u8> {
    let permit = permit(input.sign_operation());
    key.sign(permit, input, format).unwrap().as_ref().to_vec()
}

fn verify(key: &ParsedKey, input: SignInput<'_>, format: SignatureFormat, bytes: &[u8]) -> bool {
    key.verify(permit(Operation::Verify), input, format, bytes)
        .unwrap()
}

#[test]
fn a_message_and_its_digest_verify_alike_in_both_formats() {
    let key = generated(KeyType::P256Signing);
    let digest = sha256(b"message");
    let inputs = [
        SignInput::Message(b"message"),
        SignInput::Digest(digest.as_bytes()),
    ];
    for format in [SignatureFormat::P1363, SignatureFormat::Der] {
        for signed in inputs {
            let signature = sign(&key, signed, format);
            for verified in inputs {
                assert!(verify(&key, verified, format, &signature));
            }
            let other = match format {
                SignatureFormat::P1363 => SignatureFormat::Der,
                SignatureFormat::Der => SignatureFormat::P1363,
            };
            assert!(!verify(&key, signed, other, &signature));
            assert!(!verify(
                &key,
                SignInput::Message(b"massage"),
                format,
                &signature
            ));
        }
    }
}

#[test]
fn no_flipped_bit_and_no_other_length_verifies() {
    for key_type in [KeyType::P256Signing, KeyType::Ed25519Signing] {
        let key = generated(key_type);
        let message = SignInput::Message(b"message");
        let signature = sign(&key, message, SignatureFormat::P1363);
        assert_eq!(signature.len(), 64);
        assert!(verify(&key, message, SignatureFormat::P1363, &signature));
        for bit in 0..512 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&key, message, SignatureFormat::P1363, &flipped));
        }
        for len in (0..64).chain([65, 128]) {
            let mut resized = signature.clone();
            resized.resize(len, 0);
            assert!(!verify(&key, message, SignatureFormat::P1363, &resized));
        }
    }
}

#[test]
fn a_digest_has_32_bytes() {
    let key = generated(KeyType::P256Signing);
    for len in [0, 20, 31, 33, 48, 64] {
        let digest = vec![1; len];
        let input = SignInput::Digest(&digest);
        let refused = key.sign(permit(Operation::SignDigest), input, SignatureFormat::Der);
        assert_eq!(refused, Err(KeyError::DigestLength { given: len }));
    }
}

#[test]
fn ecdsa_nonces_are_fresh_for_one_message_and_for_many() {
    let key = generated(KeyType::P256Signing);
    let mut seen = BTreeSet::new();
    for index in 0..200u32 {
        let other = index.to_be_bytes();
        for message in [b"message".as_slice(), &other] {
            let signature = sign(&key, SignInput::Message(message), SignatureFormat::P1363);
            assert!(seen.insert(signature[..32].to_vec()), "r repeats");
        }
    }
    assert_eq!(seen.len(), 400);
}

/// RFC 8032, 7.1, tests 1 and 2.
#[test]
fn ed25519_signatures_are_those_of_the_rfc() {
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            b"".as_slice(),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            &[0x72],
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ];
    for (seed, public, message, signature) in vectors {
        let key = from_hex(KeyType::Ed25519Signing, seed);
        let ours = sign(&key, SignInput::Message(message), SignatureFormat::P1363);
        assert_eq!(text::hex(&ours), signature);
        let spki = key.public_key(permit(Operation::GetPublicKey)).unwrap();
        assert_eq!(
            text::hex(&spki),
            format!("302a300506032b6570032100{public}")
        );
    }
}

/// RFC 6979, A.2.5: the key pair.
#[test]
fn the_public_half_of_a_p256_scalar_is_that_of_the_rfc() {
    let key = from_hex(
        KeyType::P256Signing,
        "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
    );
    let spki = text::hex(&key.public_key(permit(Operation::GetPublicKey)).unwrap());
    let x = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
    let y = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
    let prefix = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    assert_eq!(spki, format!("{prefix}04{x}{y}"));
}

#[test]
fn the_public_key_at_creation_is_the_public_key_later() {
    for key_type in KeyType::ALL {
        let access = SecretAccess::granted();
        let material =
            KeyMaterial::from_secret_bytes(key_type, &secret_of(key_type), access).unwrap();
        let at_creation = material.public_key_spki().unwrap();
        let later = parsed(&material)
            .public_key(permit(Operation::GetPublicKey))
            .ok();
        assert_eq!(at_creation, later);
    }
}

#[test]
fn secrets_of_another_length_or_outside_the_group_are_refused() {
    for key_type in KeyType::ALL {
        for len in [0, 16, 31, 33, 64, 319, 321] {
            let access = SecretAccess::granted();
            let refused = KeyMaterial::from_secret_bytes(key_type, &vec![1; len], access);
            assert_eq!(refused.err(), Some(KeyError::MaterialRejected { key_type }));
        }
    }
    for secret in [[0; 32], [0xff; 32]] {
        let key_type = KeyType::P256Signing;
        let access = SecretAccess::granted();
        let refused = KeyMaterial::from_secret_bytes(key_type, &secret, access);
        assert_eq!(refused.err(), Some(KeyError::MaterialRejected { key_type }));
    }
}

#[test]
fn scalars_outside_the_group_are_drawn_again() {
    struct Scripted(Vec<[u8; 32]>);
    impl Rng for Scripted {
        fn fill(&mut self, out: &mut [u8]) {
            out.copy_from_slice(&self.0.remove(0));
        }
    }
    let mut rng = Scripted(vec![[0xff; 32], [0; 32], [5; 32]]);
    let material = KeyMaterial::generate(KeyType::P256Signing, &mut rng).unwrap();
    assert_eq!(material.secret_bytes(SecretAccess::granted()), &[5; 32]);
}
