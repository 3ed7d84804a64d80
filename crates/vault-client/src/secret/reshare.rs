//! One generation after another: prepare on every target, activate, retire. The record is
//! durable between the steps, so that wherever this stops, the generation that the record names
//! is whole, and the next change knows what was left lying.

use super::deal;
use super::holder::{self, ShareHolder};
use super::owner::OwnerKey;
use super::record::{Member, Preparing, SetRecord, count};
use super::report::{Activated, Collected, Failed};
use super::store::LockedSet;
use crate::error::{Error, ErrorCode, Result};
use futures_util::future::join_all;
use vault_policy::VaultId;
use zeroize::Zeroizing;

/// Shares `secret` in a new generation over `targets` and puts it in force.
pub(super) async fn reshare<H: ShareHolder>(
    set: &LockedSet<'_>,
    holders: &[H],
    mut record: SetRecord,
    targets: &[VaultId],
    secret: &[u8],
) -> Result<Activated, Failed> {
    let blobs = prepare(set.owner(), &mut record, targets, secret)?;
    set.save(&record)?;
    let refused = put_all(holders, &record, blobs).await;
    if !refused.is_empty() {
        return Err(abandon(set, holders, record, refused).await);
    }
    activate(&mut record);
    set.save(&record)?;
    let (retired, not_retired) = retire(holders, &mut record).await;
    set.save(&record)?;
    Ok(Activated {
        record,
        collected: Collected::default(),
        retired,
        not_retired,
    })
}

/// Begins a generation in the record, and makes its shares.
fn prepare(
    owner: &OwnerKey,
    record: &mut SetRecord,
    targets: &[VaultId],
    secret: &[u8],
) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    give_up_prepared(record, &[]);
    let generation = record.last_generation.checked_add(1).ok_or_else(|| {
        Error::new(ErrorCode::Internal).detail("there are no more generations of this set")
    })?;
    let places = targets.iter();
    let members: Vec<_> = places
        .map(|vault| record.place(owner, *vault, generation))
        .collect();
    let metadata = record.metadata_of(generation, count(&members));
    let blobs = deal::deal(owner, secret, &metadata, &members)?;
    record.last_generation = generation;
    record.preparing = Some(Preparing {
        generation,
        members,
    });
    Ok(blobs)
}

/// Stores each share at its place; says who did not.
async fn put_all<H: ShareHolder>(
    holders: &[H],
    record: &SetRecord,
    blobs: Vec<Zeroizing<Vec<u8>>>,
) -> Vec<(VaultId, Error)> {
    let members = record.preparing.iter().flat_map(|next| &next.members);
    let puts = members.zip(blobs).map(|(place, blob)| async move {
        let put = put(holders, place, &record.policy, &blob).await;
        put.err().map(|error| (place.vault_id, error))
    });
    join_all(puts).await.into_iter().flatten().collect()
}

/// Stores a share. That it is there already, from a call whose answer was lost, is no error.
async fn put<H: ShareHolder>(
    holders: &[H],
    place: &Member,
    policy: &[u8],
    blob: &Zeroizing<Vec<u8>>,
) -> Result<()> {
    let holder = holder::of(holders, place.vault_id)?;
    let stored = holder.put(place.handle, policy.to_vec(), blob.clone());
    match stored.await {
        Err(error) if error.code == ErrorCode::AlreadyExists => {
            let there = holder.get(place.handle).await;
            match there.is_ok_and(|there| there.as_slice() == blob.as_slice()) {
                true => Ok(()),
                false => Err(error),
            }
        }
        other => other,
    }
}

fn activate(record: &mut SetRecord) {
    if let Some(next) = record.preparing.take() {
        record.shares = count(&next.members);
        let old = std::mem::replace(&mut record.members, next.members);
        record.retired.extend(old);
        record.generation = next.generation;
    }
}

/// Destroys what is retired; what cannot be stays in the record.
pub(super) async fn retire<H: ShareHolder>(
    holders: &[H],
    record: &mut SetRecord,
) -> (Vec<VaultId>, Vec<(VaultId, Error)>) {
    let old = std::mem::take(&mut record.retired);
    let gone = join_all(old.iter().map(|place| destroy(holders, place))).await;
    let (mut retired, mut not_retired) = (Vec::new(), Vec::new());
    for (place, gone) in old.into_iter().zip(gone) {
        match gone {
            Ok(()) => retired.push(place.vault_id),
            Err(error) => {
                record.retired.push(place);
                not_retired.push((place.vault_id, error));
            }
        }
    }
    (retired, not_retired)
}

async fn destroy<H: ShareHolder>(holders: &[H], place: &Member) -> Result<()> {
    let destroyed = holder::of(holders, place.vault_id)?.destroy(place.handle);
    match destroyed.await {
        Err(error) if error.code != ErrorCode::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Takes back what was stored of a generation that not every target took.
async fn abandon<H: ShareHolder>(
    set: &LockedSet<'_>,
    holders: &[H],
    mut record: SetRecord,
    refused: Vec<(VaultId, Error)>,
) -> Failed {
    // What was there before is not this generation's: another copy of the record put it there.
    let others = refused.iter();
    let others: Vec<_> = others
        .filter(|(_, error)| error.code == ErrorCode::AlreadyExists)
        .map(|(vault, _)| *vault)
        .collect();
    give_up_prepared(&mut record, &others);
    let written = set.save(&record);
    let (_, not_retired) = retire(holders, &mut record).await;
    let error = match written.and_then(|()| set.save(&record)) {
        Ok(()) => Error::new(ErrorCode::TooFewVaults).detail(format_args!(
            "{} of the vaults did not store their share; nothing has changed",
            refused.len()
        )),
        Err(error) => error,
    };
    Failed {
        error,
        collected: Collected::default(),
        not_prepared: refused,
        not_retired,
    }
}

fn give_up_prepared(record: &mut SetRecord, others: &[VaultId]) {
    let left = record.preparing.take().map(|next| next.members);
    let left = left.into_iter().flatten();
    let mine = left.filter(|place| !others.contains(&place.vault_id));
    record.retired.extend(mine);
}
