//! The entries. Pure: who asks and what time it is are arguments.

use crate::config::LimitsConfig;
use crate::endpoint::Endpoint;
use crate::source::Source;
use std::collections::BTreeMap;
use std::ops::Bound;
use vault_policy::{Measurement, PlatformId, UnixSeconds, VaultId};

/// What a dial proved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) vault_id: VaultId,
    pub(crate) measurement: Measurement,
    pub(crate) platform_id: PlatformId,
}

/// What is listed of a vault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) endpoint: Endpoint,
    pub(crate) found: Found,
    /// Listed before this second.
    pub(crate) expires_at: UnixSeconds,
    appraised_at: UnixSeconds,
    /// Whose share of the book it takes: that of whoever announced it first.
    source: Source,
}

/// A share of the book is used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

/// What a heartbeat comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Beat {
    /// The entry lives on.
    Extended,
    /// The endpoint is another, or its appraisal is old: to be dialled.
    Appraise,
    /// There is no such entry.
    Unknown,
}

/// One entry a vault: the endpoint that was appraised last.
pub(crate) struct Book {
    limits: LimitsConfig,
    ttl: u64,
    appraisal: u64,
    entries: BTreeMap<VaultId, Entry>,
}

impl Book {
    pub(crate) fn new(limits: LimitsConfig, ttl: u64, appraisal: u64) -> Self {
        Self {
            limits,
            ttl,
            appraisal,
            entries: BTreeMap::new(),
        }
    }

    /// Seconds that an entry lives.
    pub(crate) fn ttl(&self) -> u64 {
        self.ttl
    }

    /// Whether `source` could announce one vault more. Asked before a dial, so that a full book
    /// costs none.
    pub(crate) fn has_room(&self, source: Source, now: UnixSeconds) -> Result<(), Full> {
        let (all, own) = self.live(now).fold((0, 0), |(all, own), entry| {
            (all + 1, own + usize::from(entry.source == source))
        });
        room(all < self.limits.entries && own < self.limits.entries_per_source)
    }

    /// Whether a live entry is at this endpoint: to announce it again may take no room.
    pub(crate) fn lists(&self, endpoint: &Endpoint, now: UnixSeconds) -> bool {
        self.live(now).any(|entry| entry.endpoint == *endpoint)
    }

    /// Lists what was found at `endpoint`. A live entry of the same vault makes room for itself,
    /// and stays on the share of whoever announced it first: nobody loses an entry, or room for
    /// one, by what another announces.
    pub(crate) fn put(
        &mut self,
        endpoint: Endpoint,
        found: Found,
        source: Source,
        now: UnixSeconds,
    ) -> Result<Entry, Full> {
        self.entries.retain(|_, entry| entry.is_live(now));
        let held = self.entries.get(&found.vault_id);
        let moved = held.is_none_or(|held| held.found.platform_id != found.platform_id);
        if held.is_none() {
            self.has_room(source, now)?;
        }
        if moved {
            self.has_room_on(found.platform_id, now)?;
        }
        let entry = Entry {
            endpoint,
            found,
            expires_at: UnixSeconds(now.0.saturating_add(self.ttl)),
            appraised_at: now,
            source: held.map_or(source, |held| held.source),
        };
        self.entries.insert(found.vault_id, entry.clone());
        Ok(entry)
    }

    fn has_room_on(&self, platform: PlatformId, now: UnixSeconds) -> Result<(), Full> {
        let there = self
            .live(now)
            .filter(|entry| entry.found.platform_id == platform);
        room(there.count() < self.limits.entries_per_platform)
    }

    /// Keeps an entry alive at the endpoint that was appraised.
    pub(crate) fn beat(&mut self, vault: VaultId, endpoint: &Endpoint, now: UnixSeconds) -> Beat {
        let held = self.entries.get_mut(&vault);
        let Some(entry) = held.filter(|entry| entry.is_live(now)) else {
            return Beat::Unknown;
        };
        let age = now.0.saturating_sub(entry.appraised_at.0);
        if entry.endpoint != *endpoint || age >= self.appraisal {
            return Beat::Appraise;
        }
        entry.expires_at = UnixSeconds(now.0.saturating_add(self.ttl));
        Beat::Extended
    }

    /// Up to `size` live entries behind `after`, in the order of their ids, and whether there are
    /// more.
    pub(crate) fn page(
        &self,
        after: Option<VaultId>,
        size: usize,
        now: UnixSeconds,
    ) -> (Vec<Entry>, bool) {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut live = self
            .entries
            .range((from, Bound::Unbounded))
            .map(|(_, entry)| entry)
            .filter(|entry| entry.is_live(now));
        let page = live.by_ref().take(size).cloned().collect();
        (page, live.next().is_some())
    }

    fn live(&self, now: UnixSeconds) -> impl Iterator<Item = &Entry> {
        self.entries
            .values()
            .filter(move |entry| entry.is_live(now))
    }
}

impl Entry {
    fn is_live(&self, now: UnixSeconds) -> bool {
        now < self.expires_at
    }
}

fn room(enough: bool) -> Result<(), Full> {
    if enough { Ok(()) } else { Err(Full) }
}

#[cfg(test)]
mod tests;
