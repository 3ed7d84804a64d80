//! Shares: opaque bytes that come out as they went in, and nothing of them that lies about.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::num::NonZeroUsize;
use support::{permit, random, subject};
use vault_keys::{
    KeyCache, KeyError, KeyIdentity, KeyMaterial, MemoryKey, ParsedKey, Rng, SealedMaterial,
    SecretAccess,
};
use vault_policy::{KeyType, Operation, SHARE_CLASSES};

struct System;

impl Rng for System {
    fn fill(&mut self, out: &mut [u8]) {
        random(out);
    }
}

fn share_of(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random(&mut bytes);
    bytes[0] = bytes[0].max(1);
    bytes
}

fn material(bytes: &[u8]) -> Result<KeyMaterial, KeyError> {
    KeyMaterial::from_secret_bytes(KeyType::RawShare, bytes, SecretAccess::granted())
}

#[test]
fn a_share_of_every_class_comes_out_as_it_went_in_through_the_seal() {
    let identity = KeyIdentity::of_subject(&subject());
    let memory_key = MemoryKey::generate(&mut System).unwrap();
    for class in SHARE_CLASSES {
        let share = share_of(class);
        let material = material(&share).unwrap();
        assert_eq!(material.public_key_spki(), Ok(None));
        let (handle, version) = (&identity.handle, identity.version);
        let sealed =
            SealedMaterial::seal(&memory_key, handle, version, &material, &mut System).unwrap();
        assert_eq!(sealed.secret_len(), class);
        let opened = sealed.open(&memory_key, handle, version).unwrap();
        assert_eq!(opened.secret_bytes(SecretAccess::granted()), share);
        let key = ParsedKey::parse(identity, &opened).unwrap();
        let fetched = key.reconstruct(permit(Operation::Reconstruct)).unwrap();
        assert_eq!(*fetched, share);
    }
}

#[test]
fn lengths_beside_the_classes_and_an_x_of_zero_are_refused() {
    let key_type = KeyType::RawShare;
    let rejected = Some(KeyError::MaterialRejected { key_type });
    for class in SHARE_CLASSES {
        assert!(material(&share_of(class)).is_ok());
        for length in [class - 1, class + 1] {
            assert_eq!(material(&share_of(length)).err(), rejected, "{length}");
        }
        let mut at_zero = share_of(class);
        at_zero[0] = 0;
        assert_eq!(material(&at_zero).err(), rejected, "{class}");
        at_zero[0] = 255;
        assert!(material(&at_zero).is_ok());
    }
}

#[test]
fn a_vault_never_makes_a_share_itself() {
    let made = KeyMaterial::generate(KeyType::RawShare, &mut System);
    let key_type = KeyType::RawShare;
    assert_eq!(made.err(), Some(KeyError::MaterialRejected { key_type }));
}

#[test]
fn a_share_is_not_the_secret_of_another_type_and_no_other_secret_is_a_share() {
    for key_type in KeyType::ALL {
        let bytes = match key_type {
            KeyType::RawShare => vec![1; 32],
            _ => share_of(SHARE_CLASSES[0]),
        };
        let refused = KeyMaterial::from_secret_bytes(key_type, &bytes, SecretAccess::granted());
        assert_eq!(refused.err(), Some(KeyError::MaterialRejected { key_type }));
    }
}

#[test]
fn a_share_is_not_kept_ready() {
    let identity = KeyIdentity::of_subject(&subject());
    let cache = KeyCache::new(NonZeroUsize::MIN);
    let material = material(&share_of(SHARE_CLASSES[0])).unwrap();
    let parse = || ParsedKey::parse(identity, &material);
    let share = cache.get_or_parse(&identity, parse).unwrap();
    assert_eq!(share.key_type(), KeyType::RawShare);
    assert!(cache.is_empty());
}
