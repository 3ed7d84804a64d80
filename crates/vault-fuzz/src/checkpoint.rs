//! Signed notes and checkpoints. The input is also signed with the log's key as it is, and behind the first
//! line of this log, so that the text behind the signature is reached.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::sync::LazyLock;
use vault_audit::{Checkpoint, LogKey};
use vault_encoding::{Hash, sha256};

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed"));
static KEY: LazyLock<LogKey> =
    LazyLock::new(|| LogKey::from_public(PAIR.public_key().as_ref().try_into().expect("32 bytes")));

fn sign(text: &[u8]) -> [u8; 64] {
    PAIR.sign(text).as_ref().try_into().expect("64 bytes")
}

/// The name of the log, which is also its first line.
fn origin() -> String {
    format!("enclave-vaults/log/v1/{}", KEY.vault_id())
}

/// A note over this text, as the log's key signs one.
fn note(text: &[u8]) -> Vec<u8> {
    let name = origin();
    let id = sha256(&[name.as_bytes(), b"\n\x01", KEY.public()].concat());
    let signature = STANDARD.encode([&id.0[..4], &sign(text)].concat());
    [text, format!("\n\u{2014} {name} {signature}\n").as_bytes()].concat()
}

/// What is taken of a signed text begins with the one spelling of what it says.
fn signed(text: &[u8]) {
    if let Ok(read) = Checkpoint::verify(&note(text), &KEY) {
        assert_eq!(read.vault_id, KEY.vault_id());
        let canonical = read.sign(&KEY, sign);
        let lines = canonical.split_inclusive(|byte| *byte == b'\n').take(3);
        assert!(text.starts_with(&lines.collect::<Vec<_>>().concat()), "another spelling");
    }
}

/// Lines of whoever signs beside the log take nothing away and add nothing.
fn beside(note: &[u8], lines: &[u8], checkpoint: &Checkpoint) {
    if let Ok(read) = Checkpoint::verify(&[note, lines].concat(), &KEY) {
        assert_eq!(read, *checkpoint);
    }
}

/// One input.
pub fn run(data: &[u8]) {
    assert!(
        Checkpoint::verify(data, &KEY).is_err(),
        "nobody signed this"
    );
    signed(data);
    signed(&[origin().as_bytes(), b"\n", data].concat());
    let (size, root) = data.split_at(data.len().min(8));
    let mut bytes = [0; 32];
    bytes[..root.len().min(32)].copy_from_slice(&root[..root.len().min(32)]);
    let size = size
        .iter()
        .fold(0, |size, byte| (size << 8) | u64::from(*byte));
    let checkpoint = Checkpoint {
        vault_id: KEY.vault_id(),
        size: size >> 1,
        root: Hash(bytes),
    };
    let mut note = checkpoint.sign(&KEY, sign);
    assert_eq!(Checkpoint::verify(&note, &KEY).as_ref(), Ok(&checkpoint));
    beside(&note, data, &checkpoint);
    // One changed byte of a signed note.
    if let [at, change, ..] = data
        && *change != 0
    {
        let at = usize::from(*at) % note.len();
        note[at] ^= change;
        if let Ok(read) = Checkpoint::verify(&note, &KEY) {
            assert_eq!(read, checkpoint);
        }
    }
}
