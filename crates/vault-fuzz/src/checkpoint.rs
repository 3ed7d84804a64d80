//! Signed notes and checkpoints. The second half of the input is signed with the log's key, so
//! that the text behind the signature is reached.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::sync::LazyLock;
use vault_audit::{Checkpoint, LogKey};
use vault_encoding::Hash;

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed"));
static KEY: LazyLock<LogKey> =
    LazyLock::new(|| LogKey::from_public(PAIR.public_key().as_ref().try_into().expect("32 bytes")));

fn sign(text: &[u8]) -> [u8; 64] {
    PAIR.sign(text).as_ref().try_into().expect("64 bytes")
}

/// One input.
pub fn run(data: &[u8]) {
    assert!(
        Checkpoint::verify(data, &KEY).is_err(),
        "nobody signed this"
    );
    let (size, root) = data.split_at(data.len().min(8));
    let mut bytes = [0; 32];
    bytes[..root.len().min(32)].copy_from_slice(&root[..root.len().min(32)]);
    let size = size
        .iter()
        .fold(0, |size, byte| (size << 8) | u64::from(*byte));
    let checkpoint = Checkpoint {
        vault_id: KEY.vault_id(),
        size,
        root: Hash(bytes),
    };
    let mut note = checkpoint.sign(&KEY, sign);
    assert_eq!(Checkpoint::verify(&note, &KEY), Ok(checkpoint));
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
