//! What registries said, together.

use crate::error::{Error, Result};
use std::collections::BTreeSet;
use vault_policy::{Measurement, PlatformId, UnixSeconds, VaultId};

/// One entry of a registry: a claim and no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedVault {
    /// Host and port.
    pub endpoint: String,
    /// Which vault is said to answer there.
    pub vault_id: VaultId,
    /// Its build, as the registry says.
    pub measurement: Measurement,
    /// Its machine, as the registry says.
    pub platform_id: PlatformId,
    /// Until when it is listed, by the registry's clock.
    pub expires_at: UnixSeconds,
    /// The first registry that said so.
    pub registry: String,
}

/// The union of several registries' answers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// Every distinct claim, in the order of the registries.
    pub entries: Vec<ListedVault>,
    /// Registries that gave no answer, or none that makes sense.
    pub failures: Vec<(String, Error)>,
}

impl Listing {
    /// Takes in what one registry said.
    pub(super) fn add(&mut self, registry: &str, answer: Result<Vec<ListedVault>>) {
        match answer {
            Ok(entries) => entries.into_iter().for_each(|entry| self.merge(entry)),
            Err(error) => self.failures.push((registry.to_owned(), error)),
        }
    }

    /// What two registries say alike is one entry, which lives as long as either says.
    fn merge(&mut self, entry: ListedVault) {
        let alike = |held: &&mut ListedVault| {
            held.endpoint == entry.endpoint
                && held.vault_id == entry.vault_id
                && held.measurement == entry.measurement
                && held.platform_id == entry.platform_id
        };
        match self.entries.iter_mut().find(alike) {
            Some(held) => held.expires_at = held.expires_at.max(entry.expires_at),
            None => self.entries.push(entry),
        }
    }

    /// Where this vault is said to be, every address once.
    pub fn endpoints<'a>(&'a self, vault: &'a VaultId) -> impl Iterator<Item = &'a str> {
        let mut seen = BTreeSet::new();
        self.entries
            .iter()
            .filter(move |entry| entry.vault_id == *vault)
            .map(|entry| entry.endpoint.as_str())
            .filter(move |endpoint| seen.insert(*endpoint))
    }

    /// Which of these no registry lists. They may be down, or hidden.
    pub fn missing(&self, known: &[VaultId]) -> Vec<VaultId> {
        let listed: BTreeSet<_> = self.entries.iter().map(|entry| entry.vault_id).collect();
        let hidden = known.iter().filter(|vault| !listed.contains(vault));
        hidden.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use vault_encoding::Hash;

    fn entry(registry: &str, endpoint: &str, vault: u8, expires_at: u64) -> ListedVault {
        ListedVault {
            endpoint: endpoint.into(),
            vault_id: VaultId(Hash([vault; 32])),
            measurement: Measurement(Hash([1; 32])),
            platform_id: PlatformId(Hash([2; 32])),
            expires_at: UnixSeconds(expires_at),
            registry: registry.into(),
        }
    }

    #[test]
    fn what_two_registries_say_alike_is_one_entry_and_what_differs_is_two() {
        let mut listing = Listing::default();
        listing.add("r1", Ok(vec![entry("r1", "a:1", 1, 5)]));
        listing.add(
            "r2",
            Ok(vec![entry("r2", "a:1", 1, 9), entry("r2", "b:1", 1, 5)]),
        );
        assert_eq!(listing.entries.len(), 2);
        assert_eq!(listing.entries[0], entry("r1", "a:1", 1, 9));
        let vault = VaultId(Hash([1; 32]));
        assert_eq!(
            listing.endpoints(&vault).collect::<Vec<_>>(),
            ["a:1", "b:1"]
        );
    }

    #[test]
    fn a_failed_registry_is_named_and_takes_nothing_from_the_others() {
        let mut listing = Listing::default();
        listing.add("r1", Err(Error::new(ErrorCode::Unavailable)));
        listing.add("r2", Ok(vec![entry("r2", "a:1", 1, 5)]));
        assert_eq!(listing.entries.len(), 1);
        assert_eq!(listing.failures[0].0, "r1");
    }

    #[test]
    fn missing_are_those_that_nobody_lists() {
        let mut listing = Listing::default();
        listing.add("r1", Ok(vec![entry("r1", "a:1", 1, 5)]));
        let known = [1, 2, 3].map(|id| VaultId(Hash([id; 32])));
        assert_eq!(listing.missing(&known), known[1..]);
    }
}
