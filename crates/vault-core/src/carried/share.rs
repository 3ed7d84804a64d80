//! What one caller carried.

use super::{CarriedHead, Pair};
use std::collections::BTreeMap;
use vault_policy::VaultId;

/// Vaults of which one caller's share holds heads.
const VAULTS: usize = 16;

/// Of one vault.
struct Held {
    largest: CarriedHead,
    /// What was carried last and is not the largest, and when: a log that was put back knowingly goes on below
    /// the head that was given up.
    last: Option<(CarriedHead, u64)>,
    /// Stays, whatever comes later.
    fork: Option<Pair>,
    at: u64,
}

#[derive(Default)]
pub(super) struct Share {
    vaults: BTreeMap<VaultId, Held>,
    /// When something was carried last.
    pub(super) at: u64,
}

impl Share {
    /// Keeps what is larger or contradicts; gives the pairs that found no place any more.
    pub(super) fn take_all(
        &mut self,
        heads: impl IntoIterator<Item = CarriedHead>,
        now: u64,
    ) -> Vec<Pair> {
        self.at = now;
        let heads = heads.into_iter();
        heads.filter_map(|head| self.take(head, now)).collect()
    }

    fn take(&mut self, head: CarriedHead, now: u64) -> Option<Pair> {
        let vault = head.vault_id();
        if let Some(held) = self.vaults.get_mut(&vault) {
            held.at = now;
            held.take(head, now);
            return None;
        }
        let lost = self.make_room();
        let held = Held {
            largest: head,
            last: None,
            fork: None,
            at: now,
        };
        self.vaults.insert(vault, held);
        lost
    }

    fn make_room(&mut self) -> Option<Pair> {
        if self.vaults.len() < VAULTS {
            return None;
        }
        let age = |(_, held): &(&VaultId, &Held)| (held.fork.is_some(), held.at);
        let oldest = self.vaults.iter().min_by_key(age);
        let vault = oldest.map(|(vault, _)| *vault)?;
        self.vaults.remove(&vault)?.fork
    }

    pub(super) fn into_pairs(self) -> Vec<Pair> {
        let held = self.vaults.into_values();
        held.filter_map(|held| held.fork).collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &CarriedHead> {
        self.vaults.values().flat_map(Held::all)
    }

    pub(super) fn about(&self, vault: &VaultId) -> impl Iterator<Item = &CarriedHead> {
        self.vaults.get(vault).into_iter().flat_map(Held::all)
    }
}

impl Held {
    fn take(&mut self, head: CarriedHead, now: u64) {
        let other = self.single().find(|held| held.contradicts(&head)).cloned();
        match other {
            Some(other) if self.fork.is_none() => self.fork = Some([other, head]),
            _ if head.head.size > self.largest.head.size => self.largest = head,
            _ if head.head == self.largest.head => {}
            _ => self.keep_last(head, now),
        }
    }

    /// Of one call the first stays: what the caller itself remembers comes before what others have seen.
    fn keep_last(&mut self, head: CarriedHead, now: u64) {
        if self.last.as_ref().is_none_or(|(_, at)| *at < now) {
            self.last = Some((head, now));
        }
    }

    fn single(&self) -> impl Iterator<Item = &CarriedHead> {
        let last = self.last.iter().map(|(head, _)| head);
        [&self.largest].into_iter().chain(last)
    }

    fn all(&self) -> impl Iterator<Item = &CarriedHead> {
        self.fork.iter().flatten().chain(self.single())
    }
}
