//! What became of each vault: never hidden behind the result of the whole.

use super::record::{Member, SetId, SetRecord};
use crate::error::Error;
use std::fmt;
use std::time::Duration;
use vault_policy::{KeyHandle, VaultId};
use zeroize::Zeroizing;

/// How long to collect shares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Until enough good ones have come. Vaults that have not answered by then stay unjudged.
    Enough,
    /// Until enough good ones have come, and all others have been given this long besides: a
    /// wrong share is named although it was not needed, and a dead vault delays by no more.
    Patience(Duration),
    /// Until every vault has answered or failed, so that each is judged.
    All,
}

/// What a vault answered when it was asked for its share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Share {
    /// Authentic, and the secret was made from it.
    Used,
    /// Authentic, but enough others were there.
    Spare,
    /// The vault answered with something that is not the share it was given for this place:
    /// altered, of another generation, set, handle or vault.
    Wrong,
    /// The vault could not be asked or refused.
    Missing(Error),
    /// It had not answered when there was enough.
    Unasked,
}

/// Every vault of the set, with what became of its share.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Collected {
    /// In the order of the record.
    pub shares: Vec<(VaultId, Share)>,
}

impl Collected {
    /// Whose shares the secret was made from.
    pub fn used(&self) -> Vec<VaultId> {
        self.of(|share| matches!(share, Share::Used))
    }

    /// Who answered with a wrong share.
    pub fn wrong(&self) -> Vec<VaultId> {
        self.of(|share| matches!(share, Share::Wrong))
    }

    /// Who could not be asked or refused.
    pub fn missing(&self) -> Vec<VaultId> {
        self.of(|share| matches!(share, Share::Missing(_)))
    }

    fn of(&self, is: impl Fn(&Share) -> bool) -> Vec<VaultId> {
        let found = self.shares.iter().filter(|(_, share)| is(share));
        found.map(|(vault, _)| *vault).collect()
    }
}

/// A secret that was got back.
pub struct Reconstructed {
    /// The secret.
    pub secret: Zeroizing<Vec<u8>>,
    /// The generation that it was made from.
    pub generation: u32,
    /// What became of each vault's share.
    pub collected: Collected,
}

/// A new generation of shares that is in force: after a split, a refresh or a repair.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Activated {
    /// The set as it is recorded now. What could not be retired is in `record.retired`.
    pub record: SetRecord,
    /// What became of the shares that the secret was read from; empty after a split.
    pub collected: Collected,
    /// Old shares that were destroyed.
    pub retired: Vec<VaultId>,
    /// Vaults of the set that may still hold an old share, and why; tried again with the next
    /// refresh.
    pub not_retired: Vec<(VaultId, Error)>,
    /// Vaults that are not of the set any more and may still hold an old share, and why; tried
    /// again with the next refresh.
    pub left_on_departed: Vec<(VaultId, Error)>,
}

/// A failure, with what is known of each vault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// What became of each share that was to be read.
    pub collected: Collected,
    /// Vaults on which a new share could not be stored, and why. Nothing has changed: the
    /// generation that was in force still is.
    pub not_prepared: Vec<(VaultId, Error)>,
    /// Vaults on which a share could not be destroyed, or of which it is not known whether they
    /// stored one, and why.
    pub not_retired: Vec<(VaultId, Error)>,
    /// The same of vaults that are not of the set, or not any more.
    pub left_on_departed: Vec<(VaultId, Error)>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            collected: Collected::default(),
            not_prepared: Vec::new(),
            not_retired: Vec::new(),
            left_on_departed: Vec::new(),
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failed {}

/// A secret that was found again on the vaults.
pub struct RecoveredSet {
    /// The secret.
    pub secret: Zeroizing<Vec<u8>>,
    /// Known with the owner key only.
    pub set_id: Option<SetId>,
    /// Known with the owner key only.
    pub generation: Option<u32>,
    /// The highest generation of which any share was found.
    pub newest_generation: u32,
    /// Sealed in the shares; without the owner key, the least number of shares that fit.
    pub threshold: u8,
    /// How many shares there are; without the owner key, how many were found.
    pub shares: u8,
    /// Whether all of them were found and fit together. Not known without the owner key.
    pub complete: bool,
    /// Where the shares of this generation are, or, of vaults that could not be searched, would
    /// be.
    pub members: Vec<Member>,
    /// What a refresh destroys once this is adopted: shares of other generations of the same set,
    /// if this one is complete; and places of this one that may hold a share.
    pub retired: Vec<Member>,
    /// Shares of other generations of the same set, if this one is not complete: nothing touches
    /// them.
    pub others: Vec<Member>,
}

/// What was found on the vaults without a record.
#[derive(Default)]
pub struct Recovery {
    /// Secrets.
    pub sets: Vec<RecoveredSet>,
    /// Shares that belong to none of them: wrong, too few, or another owner key's.
    pub unmatched: Vec<(VaultId, KeyHandle)>,
    /// Vaults that could not be searched, or not wholly.
    pub failures: Vec<(VaultId, Error)>,
    /// Whether trial decoding stopped at its bound before every combination was tried.
    pub gave_up: bool,
}
