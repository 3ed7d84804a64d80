//! Destroying shares that are not in force: those that were, and those that never came to be.
//! Two copies of a record give the same place to the same generation, so what this copy only
//! began to store is destroyed if it is this copy's, and left if it is the other one's.

use super::holder::{self, ShareHolder};
use super::record::{Begun, Member, SetRecord};
use crate::error::{Error, ErrorCode, Result};
use futures_util::future::{join, join_all};
use vault_encoding::sha256;
use vault_policy::VaultId;

/// What became of places that were to be cleared.
#[derive(Default)]
pub(super) struct Cleared {
    pub(super) retired: Vec<VaultId>,
    pub(super) not_retired: Vec<(VaultId, Error)>,
    pub(super) left_on_departed: Vec<(VaultId, Error)>,
}

impl Cleared {
    /// A place that may not be clear, told apart by whether its vault is of the set.
    pub(super) fn left(&mut self, record: &SetRecord, vault: VaultId, error: Error) {
        let mut members = record.members.iter();
        // Of a set without members, none has departed.
        let departed =
            !record.members.is_empty() && !members.any(|member| member.vault_id == vault);
        match departed {
            true => self.left_on_departed.push((vault, error)),
            false => self.not_retired.push((vault, error)),
        }
    }
}

/// What was found at a place where a share was begun to be stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// This copy's share, which is destroyed now.
    Own,
    /// Another share.
    Foreign,
    /// None. An earlier call may still be on its way there.
    Nothing,
}

/// Destroys what is retired and what was begun; what cannot be stays in the record.
pub(super) async fn clear<H: ShareHolder>(holders: &[H], record: &mut SetRecord) -> Cleared {
    let old = std::mem::take(&mut record.retired);
    let begun = std::mem::take(&mut record.begun);
    let destroyed = join_all(old.iter().map(|place| destroy(holders, place)));
    let taken = join_all(begun.iter().map(|begun| take_back(holders, begun)));
    let (destroyed, taken) = join(destroyed, taken).await;
    let mut cleared = Cleared::default();
    for (place, destroyed) in old.into_iter().zip(destroyed) {
        match destroyed {
            Ok(()) => cleared.retired.push(place.vault_id),
            Err(error) => {
                cleared.left(record, place.vault_id, error);
                record.retired.push(place);
            }
        }
    }
    for (begun, taken) in begun.into_iter().zip(taken) {
        match taken {
            Ok(Found::Own) => cleared.retired.push(begun.place.vault_id),
            Ok(Found::Foreign | Found::Nothing) => {}
            Err(error) => {
                cleared.left(record, begun.place.vault_id, error);
                record.begun.push(begun);
            }
        }
    }
    cleared
}

/// Destroys the share at this place if it is the one that was begun to be stored there.
pub(super) async fn take_back<H: ShareHolder>(holders: &[H], begun: &Begun) -> Result<Found> {
    let there = holder::of(holders, begun.place.vault_id)?.get(begun.place.handle);
    match there.await {
        Ok(there) if sha256(&there) == begun.digest => {
            destroy(holders, &begun.place).await.map(|()| Found::Own)
        }
        Ok(_) => Ok(Found::Foreign),
        Err(error) if error.code == ErrorCode::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error),
    }
}

/// That there is no share any more is no error.
pub(super) async fn destroy<H: ShareHolder>(holders: &[H], place: &Member) -> Result<()> {
    let destroyed = holder::of(holders, place.vault_id)?.destroy(place.handle);
    match destroyed.await {
        Err(error) if error.code != ErrorCode::NotFound => Err(error),
        _ => Ok(()),
    }
}
