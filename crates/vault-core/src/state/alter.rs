//! A key that changes: what stands in its place, and what is counted of it.

use super::{Body, LiveKey, Slot, State};
use crate::change::Alteration;
use crate::quota::Held;
use std::sync::Arc;
use vault_policy::{Lineage, UnixSeconds};

impl State {
    /// Applies what the leaf at `index` says of a key; gives back what stood there before. `None` if it
    /// cannot follow what is there.
    pub(crate) fn alter(
        &mut self,
        lineage: &Lineage,
        how: &Alteration,
        index: u64,
    ) -> Option<Arc<LiveKey>> {
        let position = self.position(lineage)?;
        let Body::Live(old) = &self.slots.get(position)?.body else {
            return None;
        };
        let old = Arc::clone(old);
        let mut key = old.altered(how)?;
        if let Some(known) = self.known_policy(&key.policy.hash()) {
            key.policy = Arc::clone(known);
        }
        let new = Arc::new(key);
        self.forget_due(&old, position);
        self.due
            .extend(new.due_at().map(|due_at| (due_at, position)));
        let less = Held::by(&old, self.drop_policy(&old));
        let more = Held::by(&new, self.hold_policy(&new));
        self.held = self.held.minus(less).plus(more);
        let changed = index.saturating_add(1);
        let slot = self.slots.get_mut(position)?;
        slot.changed = changed;
        slot.body = Body::Live(new);
        let owner = Arc::clone(&slot.owner);
        if let Some(owned) = self.owners.get_mut(&*owner) {
            owned.held = owned.held.minus(less).plus(more);
            owned.changed = changed;
        }
        Some(old)
    }

    pub(super) fn forget_due(&mut self, key: &LiveKey, position: usize) {
        if let Some(due_at) = key.due_at() {
            self.due.remove(&(due_at, position));
        }
    }

    /// A key that may go by now: the one that may longest.
    pub(crate) fn due(&self, now: UnixSeconds) -> Option<&Slot> {
        let (due_at, position) = self.due.first()?;
        (*due_at <= now).then(|| self.slots.get(*position))?
    }
}
