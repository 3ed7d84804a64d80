//! The caller's last seen head against ours: a vault that holds less than, or other than, what a
//! caller has seen refuses, with both heads.

use crate::api::{Code, Head, Refusal, SeenHead};
use vault_audit::{Checkpoint, LogTree};
use vault_policy::VaultId;

/// Refuses if `seen` is not a prefix of the durable log. Before anything is durable in this boot
/// the `folded` leaves count, and the head is filled in when the refusal is released. A fork is
/// refused with our own head at the size that was seen, which `sign` signs: together with the
/// note that the caller holds it proves that there are two logs.
pub(crate) fn check(
    seen: &SeenHead,
    vault_id: &VaultId,
    tree: &LogTree,
    durable: Option<&Head>,
    folded: u64,
    sign: impl FnOnce(Checkpoint) -> Option<Head>,
) -> Result<(), Refusal> {
    if seen.vault_id != *vault_id {
        let detail = "the head seen is that of another vault";
        return Err(Refusal::new(Code::InvalidArgument).because(detail));
    }
    // Nobody can have seen what is not durable yet; what was read back at boot they can.
    let ours = durable.map_or(folded, |head| head.size);
    let root = tree.root_at(seen.size);
    let (code, head) = if seen.size > ours {
        (Code::RollbackDetected, None)
    } else if root != Some(seen.root) {
        let at = root.filter(|_| durable.is_some()).map(|root| Checkpoint {
            vault_id: vault_id.0,
            size: seen.size,
            root,
        });
        (Code::ForkDetected, at.and_then(sign))
    } else {
        return Ok(());
    };
    let mut refusal = Refusal::new(code);
    refusal.head = head.or_else(|| durable.cloned());
    refusal.seen = Some(*seen);
    Err(refusal)
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
            let sign = |at: Checkpoint| {
                Some(Head {
                    size: at.size,
                    root: at.root,
                    checkpoint: b"signed".as_slice().into(),
                })
            };
            check(&seen, &vault_id, &tree, Some(&durable), 0, sign).map_err(|refusal| {
                let head = refusal.head.as_ref().unwrap();
                match refusal.code {
                    // Two roots of one size.
                    Code::ForkDetected => {
                        assert_eq!((head.size, Some(head.root)), (size, tree.root_at(size)));
                        assert_eq!(&*head.checkpoint, b"signed");
                    }
                    _ => assert_eq!(head, &durable),
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
        let refused = check(&other, &vault_id, &tree, Some(&durable), 0, |_| None).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
    }
}
