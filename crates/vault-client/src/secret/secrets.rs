//! An owner's split secrets.

use super::clear::clear;
use super::collect;
use super::holder::ShareHolder;
use super::owner::OwnerKey;
use super::policy::check_readable;
use super::record::{SetId, SetRecord};
use super::report::{Activated, Failed, Reconstructed, RecoveredSet, Recovery, Wait};
use super::reshare::reshare;
use super::store::{self, LockedSet};
use super::{blind, recover};
use crate::error::{Error, ErrorCode, Result};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use vault_policy::VaultId;

/// How often a reader follows a record that changes under it.
const READS: usize = 4;
/// How long a repair waits for shares that it does not need.
const PATIENCE: Duration = Duration::from_secs(1);
/// Left free behind the newest generation that was found: later ones may have been begun.
const GENERATIONS_UNSEEN: u32 = 1_000;

/// The records of an owner's split secrets: a directory, which several processes may share.
pub struct Secrets {
    dir: PathBuf,
    owner: OwnerKey,
}

impl Secrets {
    /// Those in `dir`, which is made (for its user only) when something is first written.
    pub fn new(dir: impl Into<PathBuf>, owner: OwnerKey) -> Self {
        let dir = dir.into();
        Self { dir, owner }
    }

    /// The names of the recorded secrets, sorted.
    pub fn names(&self) -> Result<Vec<String>> {
        store::names(&self.dir)
    }

    /// The record of one secret, authenticated under the owner key.
    pub fn record(&self, name: &str) -> Result<SetRecord> {
        store::load(&self.dir, &self.owner, name)?.ok_or_else(|| unknown(name))
    }

    /// Splits a secret over these vaults, so that any `threshold` of them give it back. All of
    /// them must store their share; otherwise there is no secret of this name, and what was
    /// stored already is destroyed again.
    pub async fn split<H: ShareHolder>(
        &self,
        holders: &[H],
        name: &str,
        secret: &[u8],
        threshold: u8,
        policy: Vec<u8>,
    ) -> Result<Activated, Failed> {
        let targets: Vec<_> = holders.iter().map(ShareHolder::vault_id).collect();
        check_targets(threshold, &targets)?;
        let set = self.locked(name)?;
        let unfinished = match set.load()? {
            Some(record) if record.generation > 0 => return Err(taken(name).into()),
            other => other,
        };
        let record = first_record(name, threshold, policy, unfinished)?;
        reshare(&set, holders, record, &targets, secret).await
    }

    /// Gets a secret back. Holders of vaults that hold no share of it are left alone.
    pub async fn reconstruct<H: ShareHolder>(
        &self,
        holders: &[H],
        name: &str,
        wait: Wait,
    ) -> Result<Reconstructed, Failed> {
        let mut record = self.active_record(name)?;
        for _ in 1..READS {
            let failed = match collect::reconstruct(&self.owner, &record, holders, wait).await {
                Ok(found) => return Ok(found),
                Err(failed) => failed,
            };
            // Another process may have retired, meanwhile, the generation that was read.
            let newer = self.active_record(name)?;
            if newer.generation == record.generation {
                return Err(failed);
            }
            record = newer;
        }
        collect::reconstruct(&self.owner, &record, holders, wait).await
    }

    /// Shares the secret anew over the same vaults, under new handles, and destroys the old
    /// shares. All vaults must take their new share; otherwise nothing changes. `policy` replaces
    /// the one in the record; one under which nobody could read the new shares is refused.
    pub async fn refresh<H: ShareHolder>(
        &self,
        holders: &[H],
        name: &str,
        policy: Option<Vec<u8>>,
    ) -> Result<Activated, Failed> {
        self.repair(holders, name, &[], &[], policy).await
    }

    /// Shares the secret anew: without the vaults `without`, which are lost or not trusted any
    /// more, and with the vaults `with` besides.
    pub async fn repair<H: ShareHolder>(
        &self,
        holders: &[H],
        name: &str,
        without: &[VaultId],
        with: &[VaultId],
        policy: Option<Vec<u8>>,
    ) -> Result<Activated, Failed> {
        let set = self.locked(name)?;
        let mut record = self.active_record(name)?;
        record.policy = policy.unwrap_or(record.policy);
        check_readable(&record.policy)?;
        let mut targets = remaining(&record, without)?;
        targets.extend_from_slice(with);
        check_targets(record.threshold, &targets)?;
        // All that stay must answer anyway; those that are lost may never.
        let wait = match without {
            [] => Wait::All,
            _ => Wait::Patience(PATIENCE),
        };
        let found = collect::reconstruct(&self.owner, &record, holders, wait).await?;
        let collected = found.collected;
        match reshare(&set, holders, record, &targets, &found.secret).await {
            Ok(done) => Ok(Activated { collected, ..done }),
            Err(failed) => Err(Failed {
                collected,
                ..failed
            }),
        }
    }

    /// Destroys all shares of a secret. The record goes when the last share is gone; until then
    /// it names what is left, and the error those who have it.
    pub async fn destroy<H: ShareHolder>(&self, holders: &[H], name: &str) -> Result<(), Failed> {
        let set = self.locked(name)?;
        let mut record = set.load()?.ok_or_else(|| unknown(name))?;
        record.preparing = None;
        record.retired.append(&mut record.members);
        record.generation = 0;
        set.save(&record)?;
        let left = clear(holders, &mut record).await.not_retired;
        if left.is_empty() {
            return Ok(set.remove()?);
        }
        set.save(&record)?;
        Err(Failed {
            not_retired: left.clone(),
            ..Failed::from(
                Error::new(ErrorCode::Partial)
                    .detail(format_args!("{} shares could not be destroyed", left.len())),
            )
        })
    }

    /// Finds the owner's secrets on these vaults without a record.
    pub async fn recover<H: ShareHolder>(&self, holders: &[H]) -> Recovery {
        recover::recover(&self.owner, holders).await
    }

    /// Finds secrets on these vaults without record and owner key, by trying combinations of
    /// shares up to a bound.
    pub async fn recover_without_owner<H: ShareHolder>(holders: &[H]) -> Recovery {
        blind::recover(holders).await
    }

    /// Records a recovered secret under a name, so that it can be used and refreshed again. With
    /// its next refresh, the shares of other generations are destroyed, if every share of this
    /// one was found; otherwise they are left alone.
    pub fn adopt(&self, found: &RecoveredSet, name: &str, policy: Vec<u8>) -> Result<SetRecord> {
        let (Some(set_id), Some(generation)) = (found.set_id, found.generation) else {
            return Err(Error::new(ErrorCode::InvalidArgument)
                .detail("without its owner key a secret can only be split anew"));
        };
        let set = self.locked(name)?;
        if set.load()?.is_some() {
            return Err(taken(name));
        }
        let newest = found.newest_generation.max(generation);
        let record = SetRecord {
            name: name.to_owned(),
            set_id,
            threshold: found.threshold,
            generation,
            last_generation: newest.saturating_add(GENERATIONS_UNSEEN),
            shares: found.shares,
            members: found.members.clone(),
            policy,
            preparing: None,
            retired: found.retired.clone(),
            begun: Vec::new(),
        };
        set.save(&record)?;
        Ok(record)
    }

    fn locked<'a>(&'a self, name: &'a str) -> Result<LockedSet<'a>> {
        LockedSet::acquire(&self.dir, &self.owner, name)
    }

    fn active_record(&self, name: &str) -> Result<SetRecord> {
        let record = self.record(name)?;
        match record.generation {
            0 => Err(unknown(name).next("evault secret split --help")),
            _ => Ok(record),
        }
    }
}

/// A record of no generation, which takes over what an unfinished one has left lying.
fn first_record(
    name: &str,
    threshold: u8,
    policy: Vec<u8>,
    unfinished: Option<SetRecord>,
) -> Result<SetRecord> {
    let (retired, begun) = match unfinished {
        Some(record) => (record.retired, record.begun),
        None => (Vec::new(), Vec::new()),
    };
    Ok(SetRecord {
        name: name.to_owned(),
        set_id: SetId(crate::client::random()?),
        threshold,
        generation: 0,
        last_generation: 0,
        shares: 0,
        members: Vec::new(),
        policy,
        preparing: None,
        retired,
        begun,
    })
}

fn remaining(record: &SetRecord, without: &[VaultId]) -> Result<Vec<VaultId>> {
    let members: Vec<_> = record.members.iter().map(|place| place.vault_id).collect();
    if let Some(stranger) = without.iter().find(|vault| !members.contains(vault)) {
        return Err(Error::new(ErrorCode::InvalidArgument)
            .vault(*stranger)
            .detail("this vault holds no share of the secret"));
    }
    let kept = members.into_iter().filter(|vault| !without.contains(vault));
    Ok(kept.collect())
}

fn check_targets(threshold: u8, targets: &[VaultId]) -> Result<()> {
    let distinct: BTreeSet<_> = targets.iter().collect();
    let fault = if distinct.len() != targets.len() {
        "no vault may hold two shares of a secret"
    } else if targets.len() > 255 {
        "at most 255 vaults hold shares of a secret"
    } else if threshold < vault_shamir::MIN_THRESHOLD || usize::from(threshold) > targets.len() {
        "the threshold is at least 2 and at most the number of vaults"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorCode::InvalidArgument).detail(fault))
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorCode::NotFound)
        .summary("no such secret is recorded here")
        .detail(name)
        .next("evault secret recover")
}

fn taken(name: &str) -> Error {
    Error::new(ErrorCode::AlreadyExists).detail(format_args!("a secret {name} is recorded"))
}
