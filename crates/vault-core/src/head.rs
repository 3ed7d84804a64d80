//! The caller's last seen head against ours: a vault that holds less than, or other than, what a
//! caller has seen refuses, with both heads.

use crate::api::{Code, Head, Refusal, SeenHead};
use crate::group::CheckpointSigner;
use crate::vault::Vault;
use std::sync::Arc;
use vault_audit::{Checkpoint, LogKey, LogTree};
use vault_policy::VaultId;

/// A caller's head that this log contradicts.
pub struct Contradicted {
    refusal: Refusal,
    /// Our own head at the size that was seen, of a fork: together with the note that the caller holds it proves that
    /// there are two logs.
    at: Option<Checkpoint>,
    key: LogKey,
    signer: Arc<dyn CheckpointSigner>,
}

impl Contradicted {
    /// The refusal with our own head, which of a fork is signed here: away from the vault, since strangers can ask for it.
    pub fn sign(mut self) -> Refusal {
        if let Some(head) = self.at.and_then(|at| self.head(at)) {
            self.refusal.head = Some(head);
        }
        self.refusal
    }

    fn head(&self, at: Checkpoint) -> Option<Head> {
        let signature = self.signer.sign(at.text().as_bytes()).ok()?;
        Some(Head {
            size: at.size,
            root: at.root,
            checkpoint: at.sign(&self.key, |_| signature).into(),
        })
    }
}

impl Vault {
    /// Refuses whoever has seen more than this log holds, or another one, with both heads. For what is
    /// answered to everybody; all other calls are asked this first.
    pub fn holds(&self, seen: &SeenHead) -> Result<(), Contradicted> {
        let durable = self.durable().map(crate::Committed::head);
        let checked = check(seen, &self.vault_id, &self.tree, durable, self.queue.folded);
        checked.map_err(|(refusal, at)| Contradicted {
            refusal,
            at,
            key: self.key,
            signer: Arc::clone(&self.signer),
        })
    }
}

/// Refuses if `seen` is not a prefix of the durable log. Before anything is durable in this boot
/// the `folded` leaves count, and the head is filled in when the refusal is released. Of a fork it gives what is to be
/// signed besides.
pub(crate) fn check(
    seen: &SeenHead,
    vault_id: &VaultId,
    tree: &LogTree,
    durable: Option<&Head>,
    folded: u64,
) -> Result<(), (Refusal, Option<Checkpoint>)> {
    if seen.vault_id != *vault_id {
        let detail = "the head seen is that of another vault";
        let refusal = Refusal::new(Code::InvalidArgument).because(detail);
        return Err((refusal, None));
    }
    // Nobody can have seen what is not durable yet; what was read back at boot they can.
    let ours = durable.map_or(folded, |head| head.size);
    let root = tree.root_at(seen.size);
    let (code, at) = if seen.size > ours {
        (Code::RollbackDetected, None)
    } else if root != Some(seen.root) {
        let at = root.filter(|_| durable.is_some()).map(|root| Checkpoint {
            vault_id: vault_id.0,
            size: seen.size,
            root,
        });
        (Code::ForkDetected, at)
    } else {
        return Ok(());
    };
    let mut refusal = Refusal::new(code);
    refusal.head = durable.cloned();
    refusal.seen = Some(*seen);
    Err((refusal, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::Hash;

    #[test]
    fn a_longer_head_is_a_rollback_and_another_root_is_a_fork() {
        let vault_id = VaultId(Hash([1; 32]));
        let mut tree = LogTree::new();
        for leaf in [b"a", b"b", b"c"] {
            tree.append(leaf);
        }
        let durable = Head {
            size: 2,
            root: tree.root_at(2).unwrap(),
            checkpoint: [].into(),
        };
        let code = |size, root| {
            let seen = SeenHead {
                vault_id,
                size,
                root,
            };
            check(&seen, &vault_id, &tree, Some(&durable), 0).map_err(|(refusal, at)| {
                assert_eq!(refusal.head.as_ref(), Some(&durable));
                match refusal.code {
                    // Two roots of one size.
                    Code::ForkDetected => {
                        let at = at.unwrap();
                        assert_eq!((at.size, Some(at.root)), (size, tree.root_at(size)));
                    }
                    _ => assert!(at.is_none()),
                }
                assert!(refusal.seen.is_some());
                refusal.code
            })
        };
        for size in 0..=2 {
            assert_eq!(code(size, tree.root_at(size).unwrap()), Ok(()));
            assert_eq!(code(size, Hash([9; 32])), Err(Code::ForkDetected));
        }
        assert_eq!(code(3, tree.root()), Err(Code::RollbackDetected));
        let other = SeenHead {
            vault_id: VaultId(Hash([2; 32])),
            size: 0,
            root: Hash([0; 32]),
        };
        let (refused, _) = check(&other, &vault_id, &tree, Some(&durable), 0).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
    }
}
