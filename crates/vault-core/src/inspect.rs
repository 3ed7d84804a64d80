//! A look at the state from outside, for simulations, tests and operators' counters. Nothing here is
//! secret, and nothing waits for the log.

use crate::api::KeyState;
use crate::archive::ArchivedLeaves;
use crate::codec::Writer;
use crate::state::Body;
use crate::vault::Vault;
use std::sync::Arc;
use vault_encoding::{Domain, Hash};
use vault_policy::Lineage;

impl Vault {
    /// Every key that ever was, in the order of creation.
    pub fn census(&self) -> Vec<(Lineage, KeyState)> {
        let state = |body: &Body| match body {
            Body::Live(key) => key.state(),
            Body::Destroyed(_) => KeyState::Destroyed,
        };
        let slots = self.state.slots().iter();
        slots
            .map(|slot| (slot.subject().lineage, state(&slot.body)))
            .collect()
    }

    /// Parsed keys in memory.
    pub fn parsed_keys(&self) -> usize {
        self.ring.held()
    }

    /// Leaves in memory, durable or not.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Root over the first `size` leaves.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.tree.root_at(size)
    }

    /// A leaf in memory, durable or not; older ones are in the archive.
    pub fn leaf(&self, index: u64) -> Option<Arc<[u8]>> {
        self.leaves.get(index)
    }

    /// Hash of a leaf, durable or not.
    pub fn leaf_hash(&self, index: u64) -> Option<Hash> {
        self.tree.leaf_hash(index)
    }

    /// A leaf that is in the archive.
    pub fn archived(&self, index: u64) -> Option<ArchivedLeaves> {
        let here = index >= self.leaves.first() || index >= self.size();
        (!here).then(|| ArchivedLeaves::find(self, index..index.saturating_add(1)))?
    }

    /// Digest of everything that the log decides, key material excepted: equal for a state that was
    /// lived through, one that was folded from the log, and one that was read from a snapshot.
    pub fn state_digest(&self) -> Hash {
        let mut out = Writer::default();
        out.fixed(&self.tree.root().0);
        out.u64(self.state.floor.0);
        if let Some(in_force) = &self.state.in_force {
            in_force.write(&mut out);
        }
        for slot in self.state.slots().iter() {
            out.bytes(slot.owner.issuer.as_bytes());
            out.bytes(slot.owner.subject.as_bytes());
            out.u64(slot.changed);
            let info = slot.info();
            out.fixed(&info.lineage.0.0);
            out.fixed(&info.policy_hash.0.0);
            out.bytes(info.name.as_bytes());
            out.bytes(&info.public_key);
            out.u64(info.created_at.0);
            out.u8(u8::from(info.state != KeyState::Destroyed));
            out.u32(u32::try_from(info.labels.len()).unwrap_or(u32::MAX));
            out.u64(info.policy_version.0);
            if let Body::Live(key) = &slot.body
                && let Some(marks) = key.marks()
            {
                marks.write(&mut out);
            }
        }
        for kept in self.state.idempotency.entries() {
            kept.remembered.write(&mut out);
            out.fixed(&kept.lineage.0.0);
            out.u64(kept.index);
            kept.told.write(&mut out);
        }
        Domain::State.hash(&[&out.finish()])
    }
}
