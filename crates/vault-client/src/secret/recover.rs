//! Finding secrets again with the owner key alone: every share says, to its owner, of which set
//! and generation it is.

use super::blob::{Parts, ShareMetadata};
use super::deal;
use super::holder::ShareHolder;
use super::owner::OwnerKey;
use super::record::{Member, SetId};
use super::report::{RecoveredSet, Recovery};
use crate::error::{Error, Result};
use futures_util::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use vault_policy::{KeyHandle, VaultId};
use zeroize::Zeroizing;

/// Shares asked for at once, of one vault.
const AT_ONCE: usize = 16;

/// One stored share.
pub(super) struct Found {
    pub(super) place: Member,
    pub(super) blob: Zeroizing<Vec<u8>>,
}

/// Everything that these vaults hold for the caller, and who could not be searched.
pub(super) async fn search<H: ShareHolder>(holders: &[H]) -> (Vec<Found>, Vec<(VaultId, Error)>) {
    let searched = futures_util::future::join_all(holders.iter().map(search_one)).await;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for (mut shares, mut failed) in searched {
        found.append(&mut shares);
        failures.append(&mut failed);
    }
    (found, failures)
}

async fn search_one<H: ShareHolder>(holder: &H) -> (Vec<Found>, Vec<(VaultId, Error)>) {
    let vault_id = holder.vault_id();
    let handles = match holder.list().await {
        Ok(handles) => handles,
        Err(error) => return (Vec::new(), vec![(vault_id, error)]),
    };
    let fetch = |handle| async move { (handle, holder.get(handle).await) };
    let mut answers = stream::iter(handles).map(fetch).buffered(AT_ONCE);
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    while let Some((handle, answer)) = answers.next().await {
        match keep(vault_id, handle, answer) {
            Ok(share) => found.push(share),
            Err(error) => failures.push((vault_id, error)),
        }
    }
    (found, failures)
}

fn keep(vault_id: VaultId, handle: KeyHandle, answer: Result<Zeroizing<Vec<u8>>>) -> Result<Found> {
    let place = Member { vault_id, handle };
    answer.map(|blob| Found { place, blob })
}

type Generations<'a> = BTreeMap<u32, Vec<(ShareMetadata, &'a Found)>>;

pub(super) async fn recover<H: ShareHolder>(owner: &OwnerKey, holders: &[H]) -> Recovery {
    let (found, failures) = search(holders).await;
    let mut recovery = Recovery {
        failures,
        ..Recovery::default()
    };
    let mut sets: BTreeMap<SetId, Generations<'_>> = BTreeMap::new();
    for share in &found {
        let opened = Parts::parse(&share.blob).and_then(|parts| parts.open(owner, &share.place));
        match opened {
            Some(metadata) => sets
                .entry(metadata.set_id)
                .or_default()
                .entry(metadata.generation)
                .or_default()
                .push((metadata, share)),
            None => recovery.leave(share),
        }
    }
    for generations in sets.values() {
        match newest(generations) {
            Some(mut set) => {
                suppose(owner, &mut set, &recovery.failures);
                recovery.sets.push(set);
            }
            None => generations
                .values()
                .flatten()
                .for_each(|(_, share)| recovery.leave(share)),
        }
    }
    recovery
}

/// Vaults that could not be searched may be members, and their places follow from the owner
/// key. If there are more such vaults than shares are missing, they are only kept in mind as
/// places to clear.
fn suppose(owner: &OwnerKey, set: &mut RecoveredSet, failures: &[(VaultId, Error)]) {
    let (Some(set_id), Some(generation)) = (set.set_id, set.generation) else {
        return;
    };
    let known = |vault: &VaultId| set.members.iter().any(|place| place.vault_id == *vault);
    let vaults: BTreeSet<_> = failures.iter().map(|(vault, _)| *vault).collect();
    let unknown = vaults.into_iter().filter(|vault| !known(vault));
    let places: Vec<_> = unknown
        .map(|vault| set_id.place(owner, vault, generation))
        .collect();
    let missing = usize::from(set.shares).saturating_sub(set.members.len());
    match places.len() <= missing {
        true => set.members.extend(places),
        false if missing > 0 => set.retired.extend(places),
        false => {}
    }
}

impl Recovery {
    pub(super) fn leave(&mut self, share: &Found) {
        let Member { vault_id, handle } = share.place;
        self.unmatched.push((vault_id, handle));
    }
}

/// The highest generation that has enough shares.
fn newest(generations: &Generations<'_>) -> Option<RecoveredSet> {
    let (generation, secret, metadata) = generations.iter().rev().find_map(whole)?;
    let places = |wanted: bool| {
        let chosen = generations
            .iter()
            .filter(move |(number, _)| (**number == generation) == wanted);
        chosen
            .flat_map(|(_, shares)| shares.iter().map(|(_, share)| share.place))
            .collect()
    };
    Some(RecoveredSet {
        secret,
        set_id: Some(metadata.set_id),
        generation: Some(generation),
        newest_generation: generations.keys().max().copied().unwrap_or(generation),
        threshold: metadata.threshold,
        shares: metadata.shares,
        members: places(true),
        retired: places(false),
    })
}

fn whole(
    (generation, shares): (&u32, &Vec<(ShareMetadata, &Found)>),
) -> Option<(u32, Zeroizing<Vec<u8>>, ShareMetadata)> {
    let (metadata, _) = shares.first()?;
    let need = usize::from(metadata.threshold);
    let parts = shares.iter().map(|(_, share)| Parts::parse(&share.blob));
    let parts: Vec<_> = parts.collect::<Option<_>>()?;
    let secret = deal::gather(parts.get(..need)?)?;
    Some((*generation, secret, *metadata))
}
