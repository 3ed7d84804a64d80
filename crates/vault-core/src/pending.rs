//! Step 4 of a call: nothing leaves before the log covers it.

use crate::api::{Answer, LoggedLeaf, Receipt, Refusal, Reply};
use crate::commit::Committed;

/// An outcome that waits for the log.
///
/// ```compile_fail
/// fn early(pending: vault_core::Pending) -> vault_core::Answer {
///     pending.outcome.unwrap()
/// }
/// ```
///
/// ```compile_fail
/// fn uncommitted(pending: vault_core::Pending, group: &vault_core::Group) {
///     let _ = pending.release(group);
/// }
/// ```
///
/// ```
/// fn in_time(pending: vault_core::Pending, committed: &vault_core::Committed) {
///     let _ = pending.release(committed);
/// }
/// ```
#[must_use = "a pending outcome is not answered until it is released"]
pub struct Pending {
    outcome: Result<Answer, Refusal>,
    /// Size of the log that the outcome depends on.
    needs: u64,
    /// The group that holds it; `None` if that is durable already.
    group: Option<u64>,
    leaf: Option<LoggedLeaf>,
    /// Whether the leaf's own group must bring an inclusion proof.
    proof: bool,
}

impl Pending {
    pub(crate) fn new(
        outcome: Result<Answer, Refusal>,
        needs: u64,
        group: Option<u64>,
        leaf: Option<LoggedLeaf>,
        proof: bool,
    ) -> Self {
        Self {
            outcome,
            needs,
            group,
            leaf,
            proof,
        }
    }

    /// The group that must be durable; `None` if nothing is waited for (release with
    /// [`Vault::durable`](crate::Vault::durable)). A receipt with proof needs this very group's
    /// [`Committed`].
    pub fn awaits(&self) -> Option<u64> {
        self.group
    }

    /// Whether `committed` suffices.
    pub fn is_covered_by(&self, committed: &Committed) -> bool {
        let proven = match &self.leaf {
            Some(leaf) if self.proof => committed.proof(leaf.index).is_some(),
            _ => true,
        };
        committed.head().size >= self.needs && proven
    }

    /// The outcome, or the pending outcome back if `committed` does not cover it.
    pub fn release(self, committed: &Committed) -> Result<Result<Reply, Refusal>, Self> {
        if !self.is_covered_by(committed) {
            return Err(self);
        }
        let Self {
            outcome,
            mut leaf,
            proof,
            ..
        } = self;
        if let Some(leaf) = &mut leaf
            && proof
        {
            leaf.proof = committed.proof(leaf.index).cloned();
        }
        Ok(match outcome {
            Ok(answer) => {
                let receipt = Receipt {
                    head: committed.head().clone(),
                    leaf,
                };
                Ok(Reply { receipt, answer })
            }
            Err(mut refusal) => {
                if refusal.seen.is_some() || leaf.is_some() {
                    refusal.head.get_or_insert_with(|| committed.head().clone());
                }
                refusal.leaf = leaf;
                Err(refusal)
            }
        })
    }
}
