//! Pairs that contradict themselves, of shares that went: proofs for ever, so that nobody makes one go by
//! carrying more.

use super::room::{Origin, oldest_of_most};
use super::{CarriedHead, Pair};
use std::collections::BTreeMap;
use vault_policy::VaultId;

/// Vaults of which a pair is held. Keys of vaults that nobody runs cost nothing, so the origin with the most gives
/// one up.
const VAULTS: usize = 64;

struct Pinned {
    pair: Pair,
    origin: Origin,
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
                continue;
            }
            self.make_room(origin);
            let origin = origin.clone();
            self.0.insert(vault, Pinned { pair, origin, at });
        }
    }

    fn make_room(&mut self, comes: &Origin) {
        if self.0.len() < VAULTS {
            return;
        }
        let held = self.0.iter();
        let held = held.map(|(vault, pinned)| (*vault, pinned.origin.clone(), pinned.at));
        if let Some(vault) = oldest_of_most(held.collect(), comes) {
            self.0.remove(&vault);
        }
    }

    pub(super) fn about(&self, vault: &VaultId) -> impl Iterator<Item = &CarriedHead> {
        self.0.get(vault).into_iter().flat_map(|held| &held.pair)
    }
}
