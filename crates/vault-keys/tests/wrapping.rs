//! Wrap and Unwrap, through permits; the frozen format.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::BTreeSet;
use support::{permit, permit_of, random, subject, subject_of_version};
use vault_encoding::{Hash, text};
use vault_keys::{
    KeyError, KeyIdentity, KeyMaterial, ParsedKey, Rng, SecretAccess, WRAP_OVERHEAD, WrapHeader,
};
use vault_policy::{Action, KeySubject, KeyType, KeyVersion, Lineage, Operation};

struct System;

impl Rng for System {
    fn fill(&mut self, out: &mut [u8]) {
        random(out);
    }
}

/// Counts up from zero: the nonce of the vector.
struct Counting(u8);

impl Rng for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

fn key_of(subject: KeySubject, secret: [u8; 32]) -> ParsedKey {
    let access = SecretAccess::granted();
    let material = KeyMaterial::from_secret_bytes(KeyType::Aes256Gcm, &secret, access).unwrap();
    ParsedKey::parse(KeyIdentity::of_subject(&subject), &material).unwrap()
}

fn key() -> ParsedKey {
    key_of(subject(), [5; 32])
}

fn wrap(key: &ParsedKey, plaintext: &[u8], aad: &[u8]) -> Vec<u8> {
    key.wrap(permit(Operation::Wrap), plaintext, aad, &mut System)
        .unwrap()
}

fn unwrap(key: &ParsedKey, ciphertext: &[u8], aad: &[u8]) -> Result<Vec<u8>, KeyError> {
    key.unwrap(permit(Operation::Unwrap), ciphertext, aad)
        .map(|plaintext| plaintext.to_vec())
}

#[test]
fn what_is_wrapped_unwraps_to_itself_at_every_size() {
    let key = key();
    for len in [0, 1, 15, 16, 17, 4096, 1 << 20] {
        let plaintext = vec![0x5a; len];
        let ciphertext = wrap(&key, &plaintext, b"aad");
        assert_eq!(ciphertext.len(), len + WRAP_OVERHEAD);
        assert_eq!(unwrap(&key, &ciphertext, b"aad"), Ok(plaintext));
    }
}

/// vectors/keys/wrap.json pins the bytes for ever: format version 1 must open in every release.
#[test]
fn the_format_is_frozen() {
    let vector = include_str!("../../../vectors/keys/wrap.json");
    let field = |name: &str| {
        let (_, after) = vector.split_once(&format!("\"{name}\": \"")).unwrap();
        after.split_once('"').unwrap().0
    };
    let plaintext = field("plaintext_text").as_bytes();
    let aad = field("aad_text").as_bytes();
    let secret = text::unhex(field("key")).unwrap();
    let subject = KeySubject {
        lineage: field("lineage").parse().unwrap(),
        version: KeyVersion(field("version").parse().unwrap()),
        ..subject()
    };
    let key = key_of(subject, secret);
    let permit = |operation| permit_of(Action::Operation(operation), subject);
    let wrapped = key
        .wrap(permit(Operation::Wrap), plaintext, aad, &mut Counting(0))
        .unwrap();
    assert_eq!(text::hex(&wrapped), field("ciphertext"));
    let opened = key
        .unwrap(permit(Operation::Unwrap), &wrapped, aad)
        .unwrap();
    assert_eq!(*opened, plaintext);
    assert_eq!(wrapped[..2], [1, 1]);
    assert_eq!(wrapped[2..34], *subject.lineage.0.as_bytes());
    assert_eq!(wrapped[34..38], subject.version.0.to_be_bytes());
    assert_eq!(
        wrapped[38..62],
        core::array::from_fn::<u8, 24, _>(|at| at as u8)
    );
}

#[test]
fn a_parsed_header_gives_its_own_bytes() {
    let ciphertext = wrap(&key(), b"", b"");
    let header = WrapHeader::parse(&ciphertext).unwrap();
    assert_eq!(header.lineage, subject().lineage);
    assert_eq!(header.version, subject().version);
    assert_eq!(header.to_bytes(), ciphertext[..WrapHeader::LEN]);
}

#[test]
fn no_flipped_bit_unwraps() {
    let key = key();
    let ciphertext = wrap(&key, b"plaintext", b"aad");
    for bit in 0..ciphertext.len() * 8 {
        let mut flipped = ciphertext.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0..2 => KeyError::NotWrapped,
            2..34 => KeyError::WrappedByOtherKey,
            34..38 => {
                let version = WrapHeader::parse(&flipped).unwrap().version;
                KeyError::WrappedByOtherVersion { version }
            }
            _ => KeyError::NotAuthentic,
        };
        assert_eq!(unwrap(&key, &flipped, b"aad"), Err(expected), "bit {bit}");
    }
}

#[test]
fn no_cut_and_no_extension_unwraps() {
    let key = key();
    let ciphertext = wrap(&key, b"plaintext", b"aad");
    for len in 0..ciphertext.len() {
        let expected = if len < WRAP_OVERHEAD {
            KeyError::NotWrapped
        } else {
            KeyError::NotAuthentic
        };
        assert_eq!(unwrap(&key, &ciphertext[..len], b"aad"), Err(expected));
    }
    let extended = [ciphertext.as_slice(), &[0]].concat();
    assert_eq!(unwrap(&key, &extended, b"aad"), Err(KeyError::NotAuthentic));
}

#[test]
fn associated_data_must_be_the_same() {
    let key = key();
    let ciphertext = wrap(&key, b"plaintext", b"aad");
    for other in [b"".as_slice(), b"aae", b"aad\0", b"aa"] {
        assert_eq!(
            unwrap(&key, &ciphertext, other),
            Err(KeyError::NotAuthentic)
        );
    }
}

/// Same secret, other names: the header is checked, and it is authenticated too.
#[test]
fn a_ciphertext_belongs_to_one_version_of_one_key() {
    let ciphertext = wrap(&key(), b"plaintext", b"");
    let other_version = subject_of_version(4);
    let other_lineage = KeySubject {
        lineage: Lineage(Hash([1; 32])),
        ..subject()
    };
    let cases = [
        (
            other_version,
            KeyError::WrappedByOtherVersion {
                version: KeyVersion(3),
            },
        ),
        (other_lineage, KeyError::WrappedByOtherKey),
    ];
    for (subject, expected) in cases {
        let key = key_of(subject, [5; 32]);
        let permit = || permit_of(Action::Operation(Operation::Unwrap), subject);
        assert_eq!(key.unwrap(permit(), &ciphertext, b"").err(), Some(expected));
        let identity = key.identity();
        let header = WrapHeader {
            lineage: identity.lineage,
            version: identity.version,
        };
        let mut renamed = ciphertext.clone();
        renamed[..WrapHeader::LEN].copy_from_slice(&header.to_bytes());
        assert_eq!(
            key.unwrap(permit(), &renamed, b"").err(),
            Some(KeyError::NotAuthentic)
        );
    }
}

#[test]
fn nonces_do_not_repeat() {
    let key = key();
    let mut seen = BTreeSet::new();
    for _ in 0..20_000 {
        let ciphertext = wrap(&key, b"", b"");
        let nonce: [u8; 24] = ciphertext[38..62].try_into().unwrap();
        assert!(seen.insert(nonce));
    }
    assert_eq!(seen.len(), 20_000);
}

#[test]
fn no_bytes_make_unwrap_panic() {
    let key = key();
    let prefix = wrap(&key, b"", b"");
    for len in 0..200 {
        let mut bytes = vec![0; len];
        random(&mut bytes);
        assert!(unwrap(&key, &bytes, b"").is_err());
        let mut after_header = prefix[..WrapHeader::LEN].to_vec();
        after_header.extend_from_slice(&bytes);
        assert!(unwrap(&key, &after_header, b"").is_err());
    }
}
