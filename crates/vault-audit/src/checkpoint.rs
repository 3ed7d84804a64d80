//! C2SP checkpoints (c2sp.org/tlog-checkpoint): the head of one vault's log.

use crate::note::{self, LogKey, NoteError};
use base64::{Engine, engine::general_purpose::STANDARD};
use vault_encoding::Hash;

const ORIGIN_PREFIX: &str = "enclave-vaults/log/v1/";

/// The tree head of a vault's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Whose log.
    pub vault_id: Hash,
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
}

/// Why a checkpoint is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a note that this vault signed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Signed, but not the text of a checkpoint.
    #[error("the note is not a checkpoint")]
    Malformed,
    /// A checkpoint of another log.
    #[error("the checkpoint is of another log")]
    OtherLog,
}

impl Checkpoint {
    /// The first line, which is the name of the signing key as well.
    pub fn origin(&self) -> String {
        origin(&self.vault_id)
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin(),
            self.size,
            STANDARD.encode(self.root.0)
        )
    }

    /// The signed note. `sign` is Ed25519 with the private half of `key`; nothing but the text of a
    /// checkpoint is ever given to it.
    pub fn sign(&self, key: &LogKey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
        note::sign(&self.text(), &self.origin(), key, sign)
    }

    /// Reads a note that the vault with this key signed. Extension lines are allowed and ignored.
    pub fn verify(note: &[u8], key: &LogKey) -> Result<Self, CheckpointError> {
        let vault_id = key.vault_id();
        let expected = origin(&vault_id);
        let text = note::open(note, &expected, key)?;
        let mut lines = text.split_terminator('\n');
        if lines.next() != Some(expected.as_str()) {
            return Err(CheckpointError::OtherLog);
        }
        let size = lines.next().and_then(parse_size);
        let root = lines.next().and_then(parse_root);
        match (size, root, lines.all(|line| !line.is_empty())) {
            (Some(size), Some(root), true) => Ok(Self {
                vault_id,
                size,
                root,
            }),
            _ => Err(CheckpointError::Malformed),
        }
    }
}

pub(crate) fn origin(vault_id: &Hash) -> String {
    format!("{ORIGIN_PREFIX}{vault_id}")
}

/// Sizes are below: many verifiers count in signed numbers.
const SIZE_BOUND: u64 = 1 << 63;

/// Decimal without sign or leading zeros.
fn parse_size(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .filter(|size: &u64| *size < SIZE_BOUND && size.to_string() == text)
}

fn parse_root(text: &str) -> Option<Hash> {
    STANDARD
        .decode(text)
        .ok()
        .and_then(|bytes| Hash::from_slice(&bytes))
}
