//! Marked keys are found nowhere in the memory of the process once they are dropped, and
//! nowhere in what an error prints. One test alone in its process: nothing else may hold a mark.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the test reads its own memory"
)]

mod support;

use std::fs::File;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use support::{permit, random, subject};
use vault_keys::{
    KeyCache, KeyIdentity, KeyMaterial, MemoryKey, ParsedKey, Rng, SealedMaterial, SecretAccess,
    SignInput, SignatureFormat,
};
use vault_policy::{KeyType, Operation, SHARE_CLASSES};
use zeroize::Zeroizing;

struct System;

impl Rng for System {
    fn fill(&mut self, out: &mut [u8]) {
        random(out);
    }
}

/// A mark that is never whole in memory: bytes are computed one by one when they are needed.
#[derive(Clone, Copy)]
struct Mark(u8);

impl Mark {
    fn byte(self, index: usize) -> u8 {
        let index = black_box(index) as u8;
        index
            .wrapping_mul(73)
            .wrapping_add(self.0)
            .rotate_left(u32::from(index) % 7)
            ^ 0x5c
    }

    /// The forms in which libraries keep a key: as it is, as little-endian limbs, and as the
    /// inner and outer pad of HMAC.
    fn form(self, form: usize, index: usize) -> u8 {
        match form {
            0 => self.byte(index),
            1 => self.byte(31 - index),
            2 => self.byte(index) ^ 0x36,
            _ => self.byte(index) ^ 0x5c,
        }
    }

    fn starts(self, window: &[u8]) -> bool {
        let part_at =
            |form, start| (0..PART).all(|index| window[index] == self.form(form, start + index));
        (0..FORMS).any(|form| (0..32).step_by(PART).any(|start| part_at(form, start)))
    }

    /// As long as a secret of this type; a share goes on behind the mark.
    fn secret(self, key_type: KeyType) -> Zeroizing<Box<[u8]>> {
        let length = match key_type {
            KeyType::RawShare => SHARE_CLASSES[0],
            _ => 32,
        };
        let mut secret = Zeroizing::new(vec![0; length].into_boxed_slice());
        for (index, byte) in secret.iter_mut().enumerate() {
            *byte = self.byte(index);
        }
        secret
    }
}

const FORMS: usize = 4;
/// A quarter of a key, one machine word, counts as the key.
const PART: usize = 8;
const CHUNK: usize = 1 << 16;

/// Counts the mark in every writable map, but for the buffer that this reads into.
fn hits(mark: Mark) -> usize {
    let memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw"));
    let (mut found, mut scanned) = (0, 0);
    for map in writable.map(range_of) {
        let mut at = map.start;
        while at < map.end {
            let len = CHUNK.min((map.end - at) as usize);
            // Pages that cannot be read (guards, device memory) hold no key.
            let read = memory.read_at(&mut buffer[..len], at).unwrap_or(0);
            found += count(mark, &buffer, read, at);
            scanned += read as u64;
            at += if len == CHUNK {
                (CHUNK - PART + 1) as u64
            } else {
                len as u64
            };
        }
    }
    assert!(scanned > 1 << 20, "only {scanned} bytes could be read");
    found
}

fn count(mark: Mark, buffer: &[u8], read: usize, at: u64) -> usize {
    let start = buffer.as_ptr() as u64;
    let own = start..start + buffer.len() as u64;
    buffer[..read]
        .windows(PART)
        .enumerate()
        .filter(|(offset, window)| !own.contains(&(at + *offset as u64)) && mark.starts(window))
        .count()
}

fn range_of(map: &str) -> Range<u64> {
    let (range, _) = map.split_once(' ').unwrap();
    let (start, end) = range.split_once('-').unwrap();
    let address = |hex| u64::from_str_radix(hex, 16).unwrap();
    address(start)..address(end)
}

/// Copies of a key: what one of them leaves behind may be overwritten by chance, not that of all.
const COPIES: usize = 64;

/// Loads the key, seals it, caches it, uses it in every way that its type allows, and gives back
/// everything that was printed.
fn live_and_use(key_type: KeyType, mark: Mark) -> String {
    let secret = mark.secret(key_type);
    let load = || {
        let access = SecretAccess::granted();
        KeyMaterial::from_secret_bytes(key_type, &secret, access).unwrap()
    };
    let materials: Vec<_> = (0..COPIES).map(|_| load()).collect();
    assert!(
        hits(mark) > COPIES,
        "{key_type:?}: the scan does not see keys that are there"
    );

    let identity = KeyIdentity::of_subject(&subject());
    let memory_key = MemoryKey::generate(&mut System).unwrap();
    let (handle, version) = (&identity.handle, identity.version);
    let seal = |material| {
        SealedMaterial::seal(&memory_key, handle, version, material, &mut System).unwrap()
    };
    let sealed: Vec<_> = materials.iter().map(seal).collect();
    drop((materials, secret));
    assert_eq!(hits(mark), 0, "{key_type:?}: found while it is sealed");

    let open = |sealed: &SealedMaterial| sealed.open(&memory_key, handle, version);
    let parse = |sealed| ParsedKey::parse(identity, &open(sealed).unwrap());
    let parsed: Vec<_> = sealed.iter().map(parse).collect();
    let cache = KeyCache::new(NonZeroUsize::MIN);
    let key = cache.get_or_parse(&identity, || parse(&sealed[0])).unwrap();
    let printed = Operation::USES
        .map(|operation| use_key(&key, operation))
        .concat();
    // HMAC keeps the hash states after its pads, from which the key cannot be computed.
    let kept = key_type != KeyType::HmacSha256;
    assert_eq!(
        hits(mark) > 0,
        kept,
        "{key_type:?}: a parsed key is there or not"
    );
    cache.remove(&identity.lineage);
    drop((key, parsed));
    printed
}

/// Results and errors alike, as text.
fn use_key(key: &ParsedKey, operation: Operation) -> String {
    let permit = permit(operation);
    let message = SignInput::Message(b"message");
    let digest = SignInput::Digest(&[1; 32]);
    let format = SignatureFormat::P1363;
    match operation {
        Operation::Sign => format!("{:?}", key.sign(permit, message, format)),
        Operation::SignDigest => format!("{:?}", key.sign(permit, digest, format)),
        Operation::Verify => format!("{:?}", key.verify(permit, message, format, &[1; 64])),
        Operation::Wrap => format!("{:?}", key.wrap(permit, b"plain", b"", &mut System)),
        Operation::Unwrap => format!("{:?}", key.unwrap(permit, &[1; 100], b"").err()),
        Operation::Mac => format!("{:?}", key.mac(permit, b"message")),
        Operation::MacVerify => format!("{:?}", key.mac_verify(permit, b"message", &[1; 32])),
        Operation::GetPublicKey => format!("{:?}", key.public_key(permit)),
        Operation::Reconstruct => format!("{:?}", key.reconstruct(permit).err()),
        Operation::StageProfile => unreachable!("uses no key"),
    }
}

#[test]
fn marked_keys_are_nowhere_once_they_are_dropped() {
    for (key_type, mark) in KeyType::ALL
        .into_iter()
        .zip([0x11, 0x33, 0x55, 0x77, 0x99].map(Mark))
    {
        assert_eq!(hits(mark), 0, "{key_type:?}: found before there is a key");
        let printed = live_and_use(key_type, mark);
        assert_eq!(hits(mark), 0, "{key_type:?}: found after the last use");
        let secret = mark.secret(key_type);
        for text in [
            vault_encoding::text::hex(&secret[..32]),
            format!("{:?}", &secret[..32]),
        ] {
            let text = text.trim_matches(['[', ']']);
            assert!(
                !printed.contains(&text[..text.len() / 2]),
                "{key_type:?}: printed"
            );
        }
        assert!(printed.len() > 100);
    }
}
