//! Keys of a whole vault, in memory: found while they are ready for use, and nowhere while they
//! are sealed, after a restart, and once they are deleted. One test alone in its process.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs::File;
use std::hint::black_box;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use vault_core::api::{CreateKey, KeyRef, Mac, Payload, ScheduleDeletion, Sign, Wrap};
use vault_core::{Answer, CallContext, Reply, Request, Rng, SignatureFormat, TimeReading};
use vault_policy::{KeyHandle, KeyType, SHARE_CLASSES, UnixSeconds};
use vault_store::faulty::SimulatedDisk;
use vault_test::sim::{Machine, Owned, Person, SimRng};
use zeroize::Zeroizing;

const NOW: TimeReading = TimeReading::Host(UnixSeconds(1_800_000_000));
/// Of each type: what one leaves behind may be overwritten by chance, not that of all.
const COPIES: u8 = 12;
const CHUNK: usize = 1 << 16;
/// A quarter of a key, one machine word, counts as the key.
const PART: usize = 8;

/// A mark that is never whole in memory but where a key is: bytes are computed one by one.
#[derive(Clone, Copy)]
struct Mark(u8);

impl Mark {
    fn byte(self, index: usize) -> u8 {
        let index = black_box(index) as u8;
        let mixed = index.wrapping_mul(73).wrapping_add(self.0);
        mixed.rotate_left(u32::from(index) % 7) ^ 0x5c
    }

    /// As it is, as little-endian limbs, and as the pads of HMAC.
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
        (0..4).any(|form| (0..32).step_by(PART).any(|start| part_at(form, start)))
    }
}

/// Gives the mark as the second secret of a creation: the first is the salt of its entry.
struct Marking<'a> {
    mark: Mark,
    drawn: usize,
    rng: &'a mut SimRng,
}

impl Rng for Marking<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        self.drawn += usize::from(out.len() == 32);
        if out.len() == 32 && self.drawn == 2 {
            for (index, byte) in out.iter_mut().enumerate() {
                *byte = self.mark.byte(index);
            }
        } else {
            self.rng.fill(out);
        }
    }
}

/// Counts the mark in every writable map, but for the buffer that this reads into.
fn hits(mark: Mark) -> usize {
    let memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw"));
    let (mut found, mut scanned) = (0, 0);
    for map in writable.map(range_of) {
        for at in (map.start..map.end).step_by(CHUNK - PART + 1) {
            let length = CHUNK.min((map.end - at) as usize);
            // Pages that cannot be read (guards, device memory) hold no key.
            let read = memory.read_at(&mut buffer[..length], at).unwrap_or(0);
            found += count(mark, &buffer, read, at);
            scanned += read;
        }
    }
    assert!(scanned > 1 << 20, "only {scanned} bytes could be read");
    found
}

fn count(mark: Mark, buffer: &[u8], read: usize, at: u64) -> usize {
    let start = buffer.as_ptr() as u64;
    let own = start..start + buffer.len() as u64;
    let windows = buffer[..read].windows(PART).enumerate();
    let elsewhere = windows.filter(|(offset, _)| !own.contains(&(at + *offset as u64)));
    elsewhere.filter(|(_, window)| mark.starts(window)).count()
}

fn range_of(map: &str) -> Range<u64> {
    let (range, _) = map.split_once(' ').unwrap();
    let (start, end) = range.split_once('-').unwrap();
    let address = |hex| u64::from_str_radix(hex, 16).unwrap();
    address(start)..address(end)
}

struct Bench {
    owned: Owned,
    disk: SimulatedDisk,
    machine: Machine,
    rng: SimRng,
}

impl Bench {
    fn new() -> Self {
        let mut rng = SimRng::new(11);
        let owned = Owned::new(&mut rng).unwrap();
        let disk = SimulatedDisk::new();
        let mut machine = Machine::boot(&owned, &disk, NOW, &mut rng).unwrap();
        machine.flush().unwrap();
        Self {
            owned,
            disk,
            machine,
            rng,
        }
    }

    /// One call of the owner, until it is durable.
    fn call(&mut self, request: Request, rng: Option<Mark>) -> Reply {
        let caller = Person::Alice.caller().unwrap();
        let vault = &mut self.machine.vault;
        let judged = vault.authorize(&caller, request, &CallContext::default(), NOW);
        let operated = match rng {
            None => judged.operate(&mut self.rng),
            Some(mark) => judged.operate(&mut Marking {
                mark,
                drawn: 0,
                rng: &mut self.rng,
            }),
        };
        let pending = vault.record(operated);
        self.machine.flush().unwrap();
        let outcome = pending.release(self.machine.vault.durable().unwrap());
        outcome.unwrap_or_else(|_| panic!("durable")).unwrap()
    }

    fn create(&mut self, key_type: KeyType, mark: Mark, number: u8) -> KeyRef {
        let policy = Person::Alice.policy(key_type).unwrap();
        let request = CreateKey {
            handle: KeyHandle([number; 16]),
            key_type,
            name: format!("key {number}"),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
            share: share(key_type, mark),
        };
        let reply = self.call(Request::CreateKey(request), Some(mark));
        let Answer::CreateKey(info) = reply.answer else {
            panic!("another answer");
        };
        KeyRef {
            handle: info.handle,
            lineage: None,
        }
    }

    fn restart(&mut self) {
        self.machine = Machine::boot(&self.owned, &self.disk, NOW, &mut self.rng).unwrap();
        self.machine.flush().unwrap();
    }
}

/// A share that begins with the mark.
fn share(key_type: KeyType, mark: Mark) -> Option<Zeroizing<Vec<u8>>> {
    (key_type == KeyType::RawShare).then(|| {
        let mut share = Zeroizing::new(vec![0; SHARE_CLASSES[0]]);
        for (index, byte) in share.iter_mut().enumerate() {
            *byte = mark.byte(index);
        }
        share
    })
}

fn usage(key_type: KeyType, key: KeyRef) -> Request {
    let message = b"message".to_vec();
    match key_type {
        KeyType::P256Signing | KeyType::Ed25519Signing => Request::Sign(Sign {
            key,
            input: Payload::Message(message),
            format: SignatureFormat::P1363,
        }),
        KeyType::Aes256Gcm => Request::Wrap(Wrap {
            key,
            plaintext: Zeroizing::new(message),
            aad: Vec::new(),
        }),
        KeyType::HmacSha256 => Request::Mac(Mac { key, message }),
        KeyType::RawShare => Request::Reconstruct { key },
    }
}

#[test]
fn keys_of_a_vault_are_in_its_memory_only_while_they_are_ready_for_use() {
    let mut bench = Bench::new();
    let mut number = 0;
    for (key_type, mark) in KeyType::ALL
        .into_iter()
        .zip([0x13, 0x35, 0x57, 0x79, 0x9b].map(Mark))
    {
        assert_eq!(hits(mark), 0, "{key_type:?}: found before there is a key");
        let planted: Box<[u8]> = (0..32).map(|index| mark.byte(index)).collect();
        let planted = Zeroizing::new(planted);
        assert!(
            hits(mark) > 0,
            "{key_type:?}: the search sees what is there"
        );
        drop(planted);
        let keys: Vec<_> = (0..COPIES)
            .map(|_| {
                number += 1;
                bench.create(key_type, mark, number)
            })
            .collect();
        assert_eq!(hits(mark), 0, "{key_type:?}: found while it is sealed");
        for &key in &keys {
            bench.call(usage(key_type, key), None);
        }
        // HMAC keeps the hash states after its pads, from which the key cannot be computed; a
        // share is not kept ready at all.
        let kept = !matches!(key_type, KeyType::HmacSha256 | KeyType::RawShare);
        assert_eq!(hits(mark) > 0, kept, "{key_type:?}: ready for use");
        bench.restart();
        assert_eq!(hits(mark), 0, "{key_type:?}: found after a restart");
        for &key in &keys {
            bench.call(usage(key_type, key), None);
        }
        assert_eq!(hits(mark) > 0, kept, "{key_type:?}: ready for use again");
        for &key in &keys {
            bench.call(
                Request::ScheduleDeletion(ScheduleDeletion { key, window: 0 }),
                None,
            );
        }
        assert_eq!(hits(mark), 0, "{key_type:?}: found after it was deleted");
    }
}
