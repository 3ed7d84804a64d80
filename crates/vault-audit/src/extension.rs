//! Whether a later checkpoint extends an earlier one.

use crate::checkpoint::Checkpoint;
use vault_encoding::{Hash, merkle};

/// How two heads of one log contradict each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExtensionError {
    /// They are of different logs and say nothing about each other.
    #[error("the checkpoints are of different logs")]
    OtherLog,
    /// The later head has fewer leaves: the log was rolled back.
    #[error("the log was rolled back from {old} leaves to {new}")]
    RolledBack {
        /// Leaves that were seen.
        old: u64,
        /// Leaves that are shown now.
        new: u64,
    },
    /// The same size with another root: the log was forked. The two notes prove it.
    #[error("the log was forked: two roots at {size} leaves")]
    Forked {
        /// The size of both.
        size: u64,
    },
    /// The proof does not lead from one to the other: forked, or a wrong proof.
    #[error("no proof that the log of {new} leaves extends that of {old}")]
    NotProven {
        /// Leaves that were seen.
        old: u64,
        /// Leaves that are shown now.
        new: u64,
    },
}

/// Holds `new` to be an extension of `old`. The proof is empty if the sizes are equal or `old` is empty.
pub fn verify_extension(
    old: &Checkpoint,
    new: &Checkpoint,
    proof: &[Hash],
) -> Result<(), ExtensionError> {
    if old.vault_id != new.vault_id {
        return Err(ExtensionError::OtherLog);
    }
    if new.size < old.size {
        return Err(ExtensionError::RolledBack {
            old: old.size,
            new: new.size,
        });
    }
    if new.size == old.size && new.root != old.root {
        return Err(ExtensionError::Forked { size: new.size });
    }
    if merkle::verify_consistency(old.size, new.size, proof, &old.root, &new.root) {
        Ok(())
    } else {
        Err(ExtensionError::NotProven {
            old: old.size,
            new: new.size,
        })
    }
}
