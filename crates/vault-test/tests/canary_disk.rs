//! Marked keys are nowhere on the disk, in leaves, receipts, answers or refusals: created, used,
//! refused, snapshotted, deleted, and read back by another boot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vault_core::api::{CreateKey, KeyInfo, KeyRef, Mac, Payload, ScheduleDeletion, Sign, Wrap};
use vault_core::{Answer, CallContext, Refusal, Reply, Request, Rng, SignatureFormat, TimeReading};
use vault_encoding::text::hex;
use vault_keys::{KeyMaterial, SecretAccess};
use vault_policy::{KeyHandle, KeyType, SHARE_CLASSES, UnixSeconds};
use vault_store::faulty::SimulatedDisk;
use vault_test::sim::{Machine, Owned, Person, SimRng};
use zeroize::Zeroizing;

const NOW: TimeReading = TimeReading::Host(UnixSeconds(1_800_000_000));

/// Gives the mark whenever 32 bytes are drawn, so that it becomes the key.
struct Marking<'a> {
    mark: [u8; 32],
    rng: &'a mut SimRng,
}

impl Rng for Marking<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        match <&mut [u8; 32]>::try_from(&mut *out) {
            Ok(secret) => *secret = self.mark,
            Err(_) => self.rng.fill(out),
        }
    }
}

fn mark_of(number: u8) -> [u8; 32] {
    core::array::from_fn(|index| {
        (index as u8).wrapping_mul(73).rotate_left(3) ^ (number << 4) ^ 0x5c
    })
}

/// A quarter of the key counts, as bytes, as hex and as base64.
fn assert_unmarked(what: &str, bytes: &[u8], mark: &[u8; 32]) {
    let mut needles: Vec<Vec<u8>> = vec![STANDARD.encode(mark).into_bytes()[..20].to_vec()];
    for part in mark.chunks_exact(8) {
        needles.push(part.to_vec());
        needles.push(part.iter().rev().copied().collect());
        needles.push(hex(part).into_bytes());
        needles.push(format!("{part:?}").trim_matches(['[', ']']).into());
    }
    for needle in needles {
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "{what} holds a key");
    }
}

struct Bench {
    owned: Owned,
    disk: SimulatedDisk,
    machine: Machine,
    rng: SimRng,
    seen: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let mut rng = SimRng::new(7);
        let owned = Owned::new(&mut rng).unwrap();
        let disk = SimulatedDisk::new();
        let mut machine = Machine::boot(&owned, &disk, NOW, &mut rng).unwrap();
        machine.flush().unwrap();
        Self {
            owned,
            disk,
            machine,
            rng,
            seen: Vec::new(),
        }
    }

    /// One call; everything that comes back is kept.
    fn call(&mut self, who: Person, request: Request, mark: [u8; 32]) -> Result<Reply, Refusal> {
        let context = CallContext {
            want_proof: true,
            ..CallContext::default()
        };
        let vault = &mut self.machine.vault;
        let judged = vault.authorize(&who.caller().unwrap(), request, &context, NOW);
        let operated = judged.operate(&mut Marking {
            mark,
            rng: &mut self.rng,
        });
        let pending = vault.record(operated);
        self.machine.flush().unwrap();
        let outcome = pending.release(self.machine.vault.durable().unwrap());
        let outcome = outcome.unwrap_or_else(|_| panic!("everything is durable"));
        match &outcome {
            Ok(reply) => self.seen.extend(shown(reply)),
            Err(refusal) => self.seen.extend(format!("{refusal:?}").into_bytes()),
        }
        outcome
    }

    fn create(&mut self, key_type: KeyType, number: u8, mark: [u8; 32]) -> KeyInfo {
        let policy = Person::Alice.policy(key_type).unwrap();
        let request = CreateKey {
            handle: KeyHandle([number; 16]),
            key_type,
            name: format!("key {number}"),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
            share: share(key_type, &mark),
        };
        match self
            .call(Person::Alice, Request::CreateKey(request), mark)
            .unwrap()
            .answer
        {
            Answer::CreateKey(info) => info,
            _ => panic!("another answer"),
        }
    }

    fn assert_unmarked(&self, mark: &[u8; 32]) {
        assert_unmarked("an answer", &self.seen, mark);
        for name in self.disk.names() {
            assert_unmarked(&name, &self.disk.contents(&name).unwrap(), mark);
        }
        for index in 0..self.machine.vault.size() {
            let leaf = self.machine.leaf(index).unwrap();
            assert_unmarked("a leaf", &leaf, mark);
        }
    }
}

fn shown(reply: &Reply) -> Vec<u8> {
    let mut bytes = format!("{:?}", reply.receipt).into_bytes();
    bytes.extend_from_slice(&reply.receipt.head.checkpoint);
    match &reply.answer {
        Answer::CreateKey(info) => bytes.extend(format!("{info:?}").into_bytes()),
        Answer::Sign { signature, .. } => bytes.extend_from_slice(signature),
        Answer::Wrap { ciphertext, .. } => bytes.extend_from_slice(ciphertext),
        Answer::Mac { tag, .. } => bytes.extend_from_slice(tag),
        // The one answer that is the secret.
        Answer::Reconstruct { .. } | Answer::ScheduleDeletion { .. } => {}
        _ => panic!("not asked for here"),
    }
    bytes
}

/// A share that begins with the mark.
fn share(key_type: KeyType, mark: &[u8; 32]) -> Option<Zeroizing<Vec<u8>>> {
    (key_type == KeyType::RawShare).then(|| {
        let mut share = Zeroizing::new(vec![0xa5; SHARE_CLASSES[0]]);
        share[..32].copy_from_slice(mark);
        share
    })
}

fn usage(key_type: KeyType, key: KeyRef) -> Request {
    let message = b"message".to_vec();
    match key_type {
        KeyType::P256Signing | KeyType::Ed25519Signing => {
            let (input, format) = (Payload::Message(message), SignatureFormat::P1363);
            Request::Sign(Sign { key, input, format })
        }
        KeyType::Aes256Gcm => {
            let (plaintext, aad) = (Zeroizing::new(message), Vec::new());
            Request::Wrap(Wrap {
                key,
                plaintext,
                aad,
            })
        }
        KeyType::HmacSha256 => Request::Mac(Mac { key, message }),
        KeyType::RawShare => Request::Reconstruct { key },
    }
}

/// The mark is the key: its public half, or its tag, is that of the mark; a share begins with it.
fn assert_is_mark(info: &KeyInfo, reply: &Reply, mark: &[u8; 32]) {
    if let Answer::Reconstruct { share, .. } = &reply.answer {
        assert!(share.starts_with(mark));
        return;
    }
    let access = SecretAccess::granted();
    let material = KeyMaterial::from_secret_bytes(info.key_type, mark, access).unwrap();
    let public = material.public_key_spki().unwrap().unwrap_or_default();
    assert_eq!(info.public_key, public);
    if let Answer::Mac { tag, .. } = &reply.answer {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, mark);
        assert_eq!(
            aws_lc_rs::hmac::sign(&key, b"message").as_ref(),
            tag.as_slice()
        );
    }
}

#[test]
fn marked_keys_are_nowhere_on_the_disk_or_in_what_is_answered() {
    let mut bench = Bench::new();
    let mut keys = Vec::new();
    for (number, key_type) in (1u8..).zip(KeyType::ALL) {
        let mark = mark_of(number);
        let info = bench.create(key_type, number, mark);
        let key = KeyRef {
            handle: info.handle,
            lineage: None,
        };
        let reply = bench
            .call(Person::Alice, usage(key_type, key), mark)
            .unwrap();
        assert_is_mark(&info, &reply, &mark);
        assert!(
            bench
                .call(Person::Stranger, usage(key_type, key), mark)
                .is_err()
        );
        let deletion = Request::ScheduleDeletion(ScheduleDeletion { key, window: 0 });
        assert!(bench.call(Person::Service, deletion, mark).is_err());
        keys.push((key, mark));
    }
    // Before it is sealed, the state does hold every key: the search would find one.
    let state = bench.machine.vault.snapshot().unwrap().unwrap().payload;
    for (_, mark) in &keys {
        assert!(state.windows(32).any(|window| window == mark));
    }
    assert!(bench.machine.snapshot(&mut bench.rng).unwrap());
    for (_, mark) in &keys {
        bench.assert_unmarked(mark);
    }
    bench.machine = Machine::boot(&bench.owned, &bench.disk, NOW, &mut bench.rng).unwrap();
    bench.machine.flush().unwrap();
    for (key, mark) in &keys {
        let deletion = Request::ScheduleDeletion(ScheduleDeletion {
            key: *key,
            window: 0,
        });
        bench.call(Person::Alice, deletion, *mark).unwrap();
        bench.assert_unmarked(mark);
    }
    assert!(bench.disk.names().len() > 1, "a segment and a snapshot");
}
