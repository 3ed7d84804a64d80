//! One generation after another: prepare on every target, activate, retire. The record is
//! durable between the steps, so that wherever this stops, the generation that the record names
//! is whole, and the next change knows what was left lying.

use super::clear::{Cleared, Found, clear, destroy, take_back};
use super::deal;
use super::holder::{self, ShareHolder};
use super::owner::OwnerKey;
use super::record::{Begun, Member, Preparing, SetRecord, count};
use super::report::{Activated, Collected, Failed};
use super::store::LockedSet;
use crate::client::did_nothing;
use crate::error::{Error, ErrorCode, Result};
use futures_util::future::join_all;
use vault_encoding::sha256;
use vault_policy::VaultId;
use zeroize::Zeroizing;

/// Places of each kind that a record remembers for being cleared.
const MOST_LEFT: usize = 1_000;

/// Shares `secret` in a new generation over `targets` and puts it in force.
pub(super) async fn reshare<H: ShareHolder>(
    set: &LockedSet<'_>,
    holders: &[H],
    mut record: SetRecord,
    targets: &[VaultId],
    secret: &[u8],
) -> Result<Activated, Failed> {
    all_given(holders, targets)?;
    let blobs = prepare(set.owner(), &mut record, targets, secret)?;
    set.save(&record)?;
    let puts = put_all(holders, &record, blobs).await;
    if puts.iter().any(|put| *put != Put::Stored) {
        return Err(abandon(set, holders, record, puts).await);
    }
    activate(&mut record);
    set.save(&record)?;
    let cleared = clear(holders, &mut record).await;
    set.save(&record)?;
    Ok(Activated {
        record,
        collected: Collected::default(),
        retired: cleared.retired,
        not_retired: cleared.not_retired,
        left_on_departed: cleared.left_on_departed,
    })
}

/// A target that cannot even be asked fails before anything is written.
fn all_given<H: ShareHolder>(holders: &[H], targets: &[VaultId]) -> Result<(), Failed> {
    let asked = targets
        .iter()
        .map(|vault| (*vault, holder::of(holders, *vault)));
    let absent: Vec<_> = asked
        .filter_map(|(vault, holder)| Some((vault, holder.err()?)))
        .collect();
    match absent.is_empty() {
        true => Ok(()),
        false => Err(Failed {
            not_prepared: absent.clone(),
            ..Failed::from(not_stored(absent.len()))
        }),
    }
}

/// Begins a generation in the record, and makes its shares.
fn prepare(
    owner: &OwnerKey,
    record: &mut SetRecord,
    targets: &[VaultId],
    secret: &[u8],
) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    let generation = record.last_generation.checked_add(1).ok_or_else(|| {
        Error::new(ErrorCode::Internal).detail("there are no more generations of this set")
    })?;
    let places = targets.iter();
    let members: Vec<_> = places
        .map(|vault| record.place(owner, *vault, generation))
        .collect();
    let metadata = record.metadata_of(generation, count(&members));
    let blobs = deal::deal(owner, secret, &metadata, &members)?;
    let begun = members.iter().zip(&blobs).map(|(place, blob)| Begun {
        place: *place,
        digest: sha256(blob),
    });
    // Those of a generation that was prepared before stay in it.
    forget_oldest(&mut record.begun);
    forget_oldest(&mut record.retired);
    record.begun.extend(begun);
    record.last_generation = generation;
    record.preparing = Some(Preparing {
        generation,
        members,
    });
    Ok(blobs)
}

/// A vault that never answers must not let the record grow until it cannot be read.
fn forget_oldest<T>(places: &mut Vec<T>) {
    let excess = places.len().saturating_sub(MOST_LEFT);
    places.drain(..excess);
}

/// What became of a share that was to be stored.
#[derive(PartialEq, Eq)]
enum Put {
    Stored,
    /// The vault answered that it does not store it.
    Refused(Error),
    /// It may be there.
    Unsure(Error),
}

/// Stores each share at its place.
async fn put_all<H: ShareHolder>(
    holders: &[H],
    record: &SetRecord,
    blobs: Vec<Zeroizing<Vec<u8>>>,
) -> Vec<Put> {
    let members = record.preparing.iter().flat_map(|next| &next.members);
    let puts = members
        .zip(blobs)
        .map(|(place, blob)| async move { put(holders, place, &record.policy, &blob).await });
    join_all(puts).await
}

/// Stores a share. That it is there already, from a call whose answer was lost, is no error.
async fn put<H: ShareHolder>(
    holders: &[H],
    place: &Member,
    policy: &[u8],
    blob: &Zeroizing<Vec<u8>>,
) -> Put {
    let holder = match holder::of(holders, place.vault_id) {
        Ok(holder) => holder,
        Err(error) => return Put::Refused(error),
    };
    let stored = holder.put(place.handle, policy.to_vec(), blob.clone());
    match stored.await {
        Ok(()) => Put::Stored,
        Err(error) if error.code == ErrorCode::AlreadyExists => {
            match holder.get(place.handle).await {
                Ok(there) if there.as_slice() == blob.as_slice() => Put::Stored,
                Ok(_) => Put::Refused(error),
                Err(_) => Put::Unsure(error),
            }
        }
        Err(error) if did_nothing(error.code) => Put::Refused(error),
        Err(error) => Put::Unsure(error),
    }
}

fn activate(record: &mut SetRecord) {
    if let Some(next) = record.preparing.take() {
        let begun = &mut record.begun;
        begun.retain(|begun| !next.members.contains(&begun.place));
        record.shares = count(&next.members);
        let old = std::mem::replace(&mut record.members, next.members);
        record.retired.extend(old);
        record.generation = next.generation;
    }
}

/// Takes back what was stored of a generation that not every target took, and nothing else.
async fn abandon<H: ShareHolder>(
    set: &LockedSet<'_>,
    holders: &[H],
    mut record: SetRecord,
    puts: Vec<Put>,
) -> Failed {
    let next = record.preparing.take().map(|next| next.members);
    let next = next.unwrap_or_default();
    let is_next = |begun: &Begun| next.contains(&begun.place);
    let (begun, earlier) = record.begun.iter().copied().partition(is_next);
    record.begun = earlier;
    let begun: Vec<Begun> = begun;
    let undone = begun
        .iter()
        .zip(&puts)
        .map(|(begun, put)| undo(holders, begun, put));
    let undone = join_all(undone).await;
    let mut cleared = Cleared::default();
    for (begun, undone) in begun.iter().zip(undone) {
        match undone {
            Ok(Found::Own | Found::Foreign) => continue,
            // Looked for again with the next change.
            Ok(Found::Nothing) => {}
            Err(error) => cleared.left(&record, begun.place.vault_id, error),
        }
        record.begun.push(*begun);
    }
    let not_prepared = not_prepared(&begun, puts);
    Failed {
        error: match set.save(&record) {
            Ok(()) => not_stored(not_prepared.len()),
            Err(error) => error,
        },
        collected: Collected::default(),
        not_prepared,
        not_retired: cleared.not_retired,
        left_on_departed: cleared.left_on_departed,
    }
}

/// What is certainly this copy's is destroyed; where that is not sure, it is looked at first;
/// where nothing was stored, nothing is done.
async fn undo<H: ShareHolder>(holders: &[H], begun: &Begun, put: &Put) -> Result<Found> {
    match put {
        Put::Stored => destroy(holders, &begun.place).await.map(|()| Found::Own),
        // The refusal may be one of a repeated call, and the first one's answer be lost.
        Put::Refused(_) => Ok(Found::Nothing),
        Put::Unsure(_) => take_back(holders, begun).await,
    }
}

fn not_prepared(begun: &[Begun], puts: Vec<Put>) -> Vec<(VaultId, Error)> {
    let puts = begun.iter().zip(puts);
    let failed = puts.filter_map(|(begun, put)| match put {
        Put::Stored => None,
        Put::Refused(error) | Put::Unsure(error) => Some((begun.place.vault_id, error)),
    });
    failed.collect()
}

fn not_stored(vaults: usize) -> Error {
    Error::new(ErrorCode::TooFewVaults).detail(format_args!(
        "{vaults} of the vaults did not store their share; nothing has changed"
    ))
}
