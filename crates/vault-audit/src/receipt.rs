//! What a caller is given: its entry, and the proof that the log holds it.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entry::{Entry, LeafError};
use crate::note::LogKey;
use crate::salt;
use vault_encoding::{Hash, merkle};

/// A leaf with its way to a signed root. Unverified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// Opens the leaf's request hash.
    pub request_salt: Hash,
    /// The leaf's index.
    pub index: u64,
    /// Inclusion proof, leaf to root.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: Vec<u8>,
}

/// Why a receipt is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The leaf is not an entry.
    #[error("leaf: {0}")]
    Leaf(#[from] LeafError),
    /// The checkpoint is not of this vault.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The proof does not lead from the leaf to the checkpoint's root.
    #[error("the leaf is not in the log at that index")]
    NotIncluded,
}

/// A receipt that holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedReceipt {
    entry: Entry,
    index: u64,
    checkpoint: Checkpoint,
    request_salt: Hash,
}

/// Verifies leaf, proof and signature.
pub fn verify_receipt(receipt: &Receipt, key: &LogKey) -> Result<VerifiedReceipt, ReceiptError> {
    let checkpoint = Checkpoint::verify(&receipt.checkpoint, key)?;
    let entry = Entry::from_leaf(&receipt.leaf)?;
    let hash = merkle::leaf_hash(&receipt.leaf);
    let Checkpoint { size, root, .. } = &checkpoint;
    if !merkle::verify_inclusion(&hash, receipt.index, *size, &receipt.proof, root) {
        return Err(ReceiptError::NotIncluded);
    }
    let Receipt {
        index,
        request_salt,
        ..
    } = *receipt;
    Ok(VerifiedReceipt {
        entry,
        index,
        checkpoint,
        request_salt,
    })
}

impl VerifiedReceipt {
    /// What is logged.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Where.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The head that it was proven against.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Whether the entry is about this request.
    pub fn is_of_request(&self, canonical_request: &[u8]) -> bool {
        let hash = salt::request_hash(&self.request_salt, canonical_request);
        self.entry.request_hash == Some(hash)
    }
}
