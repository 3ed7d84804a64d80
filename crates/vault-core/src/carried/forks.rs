//! Pairs that contradict themselves, of shares that went: proofs for ever, so that nobody makes one go by
//! carrying more.

use super::room::{Origin, oldest_of_most};
use super::{CarriedHead, Pair};
use std::collections::BTreeMap;
use vault_policy::VaultId;

/// Vaults of which a pair is held. Keys of vaults that nobody runs cost nothing, so the origin with the most gives
/// one up.
const VAULTS: usize = 64;
/// Origins that are remembered of one pair.
const ORIGINS: usize = 8;

struct Pinned {
    pair: Pair,
    /// All that had one: who was first cannot make it go for the others.
    origins: Vec<Origin>,
    at: u64,
}

/// One pair of each vault: one is proof enough.
#[derive(Default)]
pub(super) struct Forks(BTreeMap<VaultId, Pinned>);

impl Forks {
    pub(super) fn pin(&mut self, origin: &Origin, pairs: Vec<Pair>, at: u64) {
        for pair in pairs {
            let [one, _] = &pair;
            let vault = one.vault_id();
            if self.0.contains_key(&vault) {
                self.add_origin(&vault, origin);
                continue;
            }
            self.make_room(origin);
            let origins = vec![origin.clone()];
            self.0.insert(vault, Pinned { pair, origins, at });
        }
    }

    /// Of more than are remembered, those that have the fewest pairs stay.
    fn add_origin(&mut self, vault: &VaultId, origin: &Origin) {
        let all = self.0.values().flat_map(|held| &held.origins);
        let all: Vec<_> = all.cloned().collect();
        let Some(held) = self.0.get_mut(vault) else {
            return;
        };
        if held.origins.contains(origin) {
            return;
        }
        held.origins.push(origin.clone());
        let count = |of: &Origin| all.iter().filter(|other| *other == of).count();
        held.origins.sort_by_cached_key(count);
        held.origins.truncate(ORIGINS);
    }

    fn make_room(&mut self, comes: &Origin) {
        if self.0.len() < VAULTS {
            return;
        }
        let held = self.0.iter();
        let held = held.map(|(vault, pinned)| (*vault, &pinned.origins[..], pinned.at));
        if let Some(vault) = oldest_of_most(held.collect(), comes) {
            self.0.remove(&vault);
        }
    }

    pub(super) fn about(&self, vault: &VaultId) -> impl Iterator<Item = &CarriedHead> {
        self.0.get(vault).into_iter().flat_map(|held| &held.pair)
    }
}
