//! The entries. Pure: who asks and what time it is are arguments.

use crate::config::LimitsConfig;
use crate::endpoint::Endpoint;
use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use vault_policy::{Measurement, PlatformId, UnixSeconds, VaultId};

/// What a dial proved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) vault_id: VaultId,
    pub(crate) measurement: Measurement,
    pub(crate) platform_id: PlatformId,
}

/// What is listed of a vault: one of its endpoints.
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

/// Where an entry stands: by vault, then by endpoint.
pub(crate) type Place = (VaultId, Endpoint);

/// Endpoints of one vault, each announced by another source.
pub(crate) const ENDPOINTS: usize = 4;

/// A share of the book is used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

/// What a heartbeat comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Beat {
    /// The entry lives on.
    Extended,
    /// It is listed, and its appraisal is old: to be dialled again.
    Again,
    /// The vault is listed, and not there: to be dialled like an announcement.
    Elsewhere,
    /// The vault is not listed.
    Unknown,
}

/// A source has one endpoint of a vault, the one that was appraised last; whoever announces
/// another takes nothing from what others have announced.
pub(crate) struct Book {
    limits: LimitsConfig,
    ttl: u64,
    appraisal: u64,
    entries: BTreeMap<Place, Entry>,
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

    /// Whether `source` could announce one endpoint more. Asked before a dial, so that a full book
    /// costs none.
    pub(crate) fn has_room(&self, source: Source, now: UnixSeconds) -> Result<(), Full> {
        let (all, own) = self.live(now).fold((0, 0), |(all, own), entry| {
            (all + 1, own + usize::from(entry.source == source))
        });
        room(all < self.limits.entries && own < self.limits.entries_per_source)
    }

    /// Whether a live entry is at this endpoint: to announce it again takes no room.
    pub(crate) fn lists(&self, endpoint: &Endpoint, now: UnixSeconds) -> bool {
        self.live(now).any(|entry| entry.endpoint == *endpoint)
    }

    /// Lists what was found at `endpoint`. A live entry there is renewed, and stays on the share of
    /// whoever announced it first; another endpoint that this source announced for the vault makes
    /// room. Nobody loses an entry, or room for one, by what another announces.
    pub(crate) fn put(
        &mut self,
        endpoint: Endpoint,
        found: Found,
        source: Source,
        now: UnixSeconds,
    ) -> Result<Entry, Full> {
        self.entries.retain(|_, entry| entry.is_live(now));
        let place = (found.vault_id, endpoint.clone());
        let held = self.entries.get(&place).map(|held| held.source);
        if held.is_none() {
            self.make_room(&found, source, now)?;
        }
        let entry = Entry {
            endpoint,
            found,
            expires_at: self.expiry(now),
            appraised_at: now,
            source: held.unwrap_or(source),
        };
        self.entries.insert(place, entry.clone());
        Ok(entry)
    }

    /// Room for one more endpoint of a vault, perhaps in the place of the source's own last one.
    fn make_room(&mut self, found: &Found, source: Source, now: UnixSeconds) -> Result<(), Full> {
        let listed: Vec<_> = self
            .of(found.vault_id, now)
            .map(|entry| (entry.source, entry.endpoint.clone()))
            .collect();
        if let Some((_, old)) = listed.iter().find(|(by, _)| *by == source) {
            self.entries.remove(&(found.vault_id, old.clone()));
            return Ok(());
        }
        room(listed.len() < ENDPOINTS)?;
        if listed.is_empty() {
            self.has_room_on(found.platform_id, now)?;
        }
        self.has_room(source, now)
    }

    /// By vaults, so that other endpoints of one do not count.
    fn has_room_on(&self, platform: PlatformId, now: UnixSeconds) -> Result<(), Full> {
        let there = self
            .live(now)
            .filter(|entry| entry.found.platform_id == platform);
        let vaults: BTreeSet<_> = there.map(|entry| entry.found.vault_id).collect();
        room(vaults.len() < self.limits.entries_per_platform)
    }

    /// Keeps an entry alive at an endpoint that was appraised.
    pub(crate) fn beat(&mut self, vault: VaultId, endpoint: &Endpoint, now: UnixSeconds) -> Beat {
        let expiry = self.expiry(now);
        let is_listed = self.of(vault, now).next().is_some();
        let held = self.entries.get_mut(&(vault, endpoint.clone()));
        match held.filter(|entry| entry.is_live(now)) {
            Some(entry) if entry.age(now) < self.appraisal => {
                entry.expires_at = expiry;
                Beat::Extended
            }
            Some(_) => Beat::Again,
            None if is_listed => Beat::Elsewhere,
            None => Beat::Unknown,
        }
    }

    /// Keeps an entry alive that could not be dialled for want of a turn, up to twice the time
    /// that its appraisal carries it; whether it did.
    pub(crate) fn spare(&mut self, vault: VaultId, endpoint: &Endpoint, now: UnixSeconds) -> bool {
        let (expiry, most) = (self.expiry(now), self.appraisal.saturating_mul(2));
        let held = self.entries.get_mut(&(vault, endpoint.clone()));
        let spared = held.filter(|entry| entry.is_live(now) && entry.age(now) < most);
        match spared {
            Some(entry) => {
                entry.expires_at = expiry;
                true
            }
            None => false,
        }
    }

    /// Up to `size` live entries behind `after`, in the order of their places, and whether there
    /// are more.
    pub(crate) fn page(
        &self,
        after: Option<Place>,
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

    fn expiry(&self, now: UnixSeconds) -> UnixSeconds {
        UnixSeconds(now.0.saturating_add(self.ttl))
    }

    fn live(&self, now: UnixSeconds) -> impl Iterator<Item = &Entry> {
        self.entries
            .values()
            .filter(move |entry| entry.is_live(now))
    }

    fn of(&self, vault: VaultId, now: UnixSeconds) -> impl Iterator<Item = &Entry> {
        self.live(now)
            .filter(move |entry| entry.found.vault_id == vault)
    }
}

impl Entry {
    fn is_live(&self, now: UnixSeconds) -> bool {
        now < self.expires_at
    }

    /// Seconds since its appraisal.
    fn age(&self, now: UnixSeconds) -> u64 {
        now.0.saturating_sub(self.appraised_at.0)
    }
}

fn room(enough: bool) -> Result<(), Full> {
    if enough { Ok(()) } else { Err(Full) }
}

#[cfg(test)]
mod tests;
