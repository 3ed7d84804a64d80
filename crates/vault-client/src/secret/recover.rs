//! Finding secrets again with the owner key alone: every share says, to its owner, of which set
//! and generation it is.

use super::blob::{Parts, ShareMetadata};
use super::deal;
use super::holder::ShareHolder;
use super::owner::OwnerKey;
use super::record::{Member, SetId, count};
use super::report::{RecoveredSet, Recovery};
use crate::error::{Error, ErrorCode, Result};
use futures_util::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use vault_policy::{KeyHandle, VaultId};
use zeroize::Zeroizing;

/// Shares asked for at once, of one vault.
const AT_ONCE: usize = 16;
/// Bytes of shares that are taken from one vault.
const MOST_BYTES: usize = 1 << 30;

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
    // What is listed twice is there once.
    let handles: BTreeSet<_> = handles.into_iter().collect();
    let fetch = |handle| async move { (handle, holder.get(handle).await) };
    let mut answers = stream::iter(handles).map(fetch).buffered(AT_ONCE);
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    let mut bytes = 0usize;
    while let Some((handle, answer)) = answers.next().await {
        match keep(vault_id, handle, answer) {
            Ok(share) => {
                bytes = bytes.saturating_add(share.blob.len());
                found.push(share);
            }
            Err(error) => failures.push((vault_id, error)),
        }
        if bytes > MOST_BYTES {
            failures.push((vault_id, too_many(vault_id)));
            break;
        }
    }
    (found, failures)
}

fn keep(vault_id: VaultId, handle: KeyHandle, answer: Result<Zeroizing<Vec<u8>>>) -> Result<Found> {
    let place = Member { vault_id, handle };
    answer.map(|blob| Found { place, blob })
}

fn too_many(vault_id: VaultId) -> Error {
    Error::new(ErrorCode::TooLarge)
        .vault(vault_id)
        .detail("this vault holds more shares than are searched")
}

/// The shares of one set: of each generation, as every share of it describes it.
type Generations<'a> = BTreeMap<ShareMetadata, Vec<&'a Found>>;

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
                .entry(metadata)
                .or_default()
                .push(share),
            None => recovery.leave(share),
        }
    }
    for generations in sets.values() {
        match choose(generations) {
            Some(mut set) => {
                suppose(owner, &mut set, &recovery.failures);
                recovery.sets.push(set);
            }
            None => generations
                .values()
                .flatten()
                .for_each(|share| recovery.leave(share)),
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

/// A generation that gives its secret.
struct Readable {
    metadata: ShareMetadata,
    secret: Zeroizing<Vec<u8>>,
    members: Vec<Member>,
}

impl Readable {
    fn complete(&self) -> bool {
        count(&self.members) == self.metadata.shares
    }
}

/// The newest complete generation; else the one with the most shares, of equals the newest. One
/// that was begun last and never came into force is not complete, and has fewer.
fn choose(generations: &Generations<'_>) -> Option<RecoveredSet> {
    let readable = generations.iter().filter_map(readable);
    let chosen = readable.max_by_key(|found| {
        let complete = found.complete();
        let shares = if complete { 0 } else { found.members.len() };
        (complete, shares, found.metadata)
    })?;
    let complete = chosen.complete();
    let Readable {
        metadata,
        secret,
        members,
    } = chosen;
    let rest = generations.values().flatten().map(|share| share.place);
    let rest: Vec<_> = rest.filter(|place| !members.contains(place)).collect();
    let (retired, others) = match complete {
        true => (rest, Vec::new()),
        false => (Vec::new(), rest),
    };
    let numbers = generations.keys().map(|metadata| metadata.generation);
    Some(RecoveredSet {
        secret,
        set_id: Some(metadata.set_id),
        generation: Some(metadata.generation),
        newest_generation: numbers.max().unwrap_or(metadata.generation),
        threshold: metadata.threshold,
        shares: metadata.shares,
        complete,
        members,
        retired,
        others,
    })
}

/// The largest number of shares of one generation that fit together. Not all need to: two copies
/// of a record may each have stored some of theirs.
fn readable((metadata, shares): (&ShareMetadata, &Vec<&Found>)) -> Option<Readable> {
    let parts = shares.iter().map(|share| Parts::parse(&share.blob));
    let parts: Vec<_> = parts.collect::<Option<_>>()?;
    let need = usize::from(metadata.threshold).max(1);
    let mut best: Option<Readable> = None;
    for some in parts.windows(need) {
        let Some(secret) = deal::gather(some) else {
            continue;
        };
        let points: Vec<_> = some.iter().map(|part| (part.x, part.y)).collect();
        let fitting = shares.iter().zip(&parts).filter(|(_, part)| {
            vault_shamir::interpolate(&points, part.x).is_ok_and(|y| y.as_slice() == part.y)
        });
        let members: Vec<_> = fitting.map(|(share, _)| share.place).collect();
        if best
            .as_ref()
            .is_none_or(|best| best.members.len() < members.len())
        {
            best = Some(Readable {
                metadata: *metadata,
                secret,
                members,
            });
        }
        if best
            .as_ref()
            .is_some_and(|best| best.members.len() * 2 >= parts.len())
        {
            break;
        }
    }
    best
}
