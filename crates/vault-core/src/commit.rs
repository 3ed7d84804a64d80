//! Persist, then answer: the only way to a [`Committed`], and the only way from a pending
//! outcome to a reply.

use crate::api::Head;
use crate::group::{Group, Position};
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_encoding::Hash;

/// Where groups become durable.
pub trait DurableLog {
    /// Makes one group durable: written and synced when this returns `Ok`. `at` follows the group
    /// before, anything else must be refused, and it belongs into the group's authenticated header.
    fn append(&mut self, at: &Position, payload: &[u8]) -> Result<(), CommitFault>;
}

/// The log could not be made durable. Nobody knows what is on the disk: the process must end
/// at once and must not retry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the log could not be made durable: {0}")]
pub struct CommitFault(pub &'static str);

/// Proof that the log up to a head is durable.
///
/// ```compile_fail,E0451
/// let forged = vault_core::Committed { inner: unreachable!() };
/// ```
#[derive(Clone, Debug)]
pub struct Committed {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sequence: u64,
    head: Head,
    proofs: BTreeMap<u64, Vec<Hash>>,
}

impl Committed {
    pub(crate) fn new(sequence: u64, head: Head, proofs: BTreeMap<u64, Vec<Hash>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                sequence,
                head,
                proofs,
            }),
        }
    }

    /// The group that was made durable.
    pub fn sequence(&self) -> u64 {
        self.inner.sequence
    }

    /// The durable head.
    pub fn head(&self) -> &Head {
        &self.inner.head
    }

    pub(crate) fn proof(&self, index: u64) -> Option<&Vec<Hash>> {
        self.inner.proofs.get(&index)
    }
}

/// Signs the group's checkpoint, appends the group and syncs it. Needs no vault, so that other
/// calls go on meanwhile. Groups are committed one after the other, in their sequence.
pub fn commit(group: Group, log: &mut dyn DurableLog) -> Result<Committed, CommitFault> {
    let signed = group.sign()?;
    log.append(&signed.at, &signed.payload)?;
    Ok(Committed::new(
        signed.at.sequence,
        signed.head,
        signed.proofs,
    ))
}
