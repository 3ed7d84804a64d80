//! What a tenant was told, to be held against what the vault says later.

use super::policy;
use crate::issuer::Issuer;
use crate::sim::SimRng;
use anyhow::{Result, anyhow};
use std::collections::BTreeMap;
use vault_client::{Client, ErrorCode, KeyName};
use vault_policy::{KeyHandle, KeyType, Lineage};

/// Of every key the same, so that it has one tag for ever.
pub(super) const MESSAGE: &[u8] = b"what every key of the soak authenticates";

/// Keys that a start is asked for besides those that are new.
const SPOT_CHECKS: u64 = 50;

/// One tenant's keys, or a worker's part of them.
pub(super) struct Ledger {
    who: &'static str,
    policies: BTreeMap<KeyType, Vec<u8>>,
    keys: BTreeMap<KeyHandle, Entry>,
}

/// An acknowledged key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key_type: KeyType,
    pub(super) lineage: Lineage,
    pub(super) tag: Option<Vec<u8>>,
    pub(super) state: State,
    /// Whether it was looked for since it became what it is.
    checked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Live,
    /// The deletion was not answered.
    Unsure,
    Deleted,
}

impl Ledger {
    pub(super) fn new(issuer: &Issuer, who: &'static str) -> Result<Self> {
        let mut policies = BTreeMap::new();
        for key_type in [
            KeyType::HmacSha256,
            KeyType::Aes256Gcm,
            KeyType::P256Signing,
        ] {
            policies.insert(key_type, policy(issuer, who, key_type)?);
        }
        Ok(Self {
            who,
            policies,
            keys: BTreeMap::new(),
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.keys.len() as u64
    }

    pub(super) fn is_of(&self, part: &Self) -> bool {
        self.who == part.who
    }

    /// Everything, in so many parts, so that no two workers use one key.
    pub(super) fn split(&mut self, parts: usize) -> Vec<Self> {
        let mut ledgers: Vec<Self> = (0..parts)
            .map(|_| Self {
                who: self.who,
                policies: self.policies.clone(),
                keys: BTreeMap::new(),
            })
            .collect();
        for (place, (handle, entry)) in std::mem::take(&mut self.keys).into_iter().enumerate() {
            if let Some(part) = ledgers.get_mut(place % parts) {
                part.keys.insert(handle, entry);
            }
        }
        ledgers
    }

    pub(super) fn join(&mut self, part: Self) {
        self.keys.extend(part.keys);
    }

    pub(super) fn policy(&self, key_type: KeyType) -> Result<Vec<u8>> {
        let policy = self.policies.get(&key_type);
        policy.cloned().ok_or_else(|| anyhow!("no such policy"))
    }

    /// A key was acknowledged.
    pub(super) fn add(&mut self, handle: KeyHandle, key_type: KeyType, lineage: Lineage) {
        let entry = Entry {
            key_type,
            lineage,
            tag: None,
            state: State::Live,
            checked: false,
        };
        self.keys.insert(handle, entry);
    }

    /// One of the live keys.
    pub(super) fn choose(&mut self, rng: &mut SimRng) -> Option<(KeyHandle, &mut Entry)> {
        let live = |entry: &Entry| entry.state == State::Live;
        let count = self.keys.values().filter(|entry| live(entry)).count();
        let place = usize::try_from(rng.below(count as u64)).ok()?;
        let mut keys = self.keys.iter_mut().filter(|(_, entry)| live(entry));
        keys.nth(place).map(|(handle, entry)| (*handle, entry))
    }

    pub(super) fn set(&mut self, handle: KeyHandle, state: State) {
        if let Some(entry) = self.keys.get_mut(&handle) {
            entry.state = state;
            entry.checked = false;
        }
    }

    /// What is not as it was told.
    pub(super) async fn check(
        &mut self,
        client: &Client,
        rng: &mut SimRng,
        everything: bool,
    ) -> Result<Vec<String>> {
        let share = (self.len() / SPOT_CHECKS).max(1);
        let mut lost = Vec::new();
        for (handle, entry) in &mut self.keys {
            if !everything && entry.checked && rng.below(share) != 0 {
                continue;
            }
            if let Some(how) = entry.check(client, *handle).await? {
                lost.push(format!("{} {handle}: {how}", self.who));
            }
        }
        Ok(lost)
    }
}

impl Entry {
    async fn check(&mut self, client: &Client, handle: KeyHandle) -> Result<Option<String>> {
        let found = client.get_key(KeyName::from(handle)).await;
        let used = client.public_key(KeyName::from(handle), None).await;
        self.checked = true;
        let info = match found {
            Ok(info) => info.value,
            Err(error) => return Ok(Some(format!("{:?}", error.code))),
        };
        if info.lineage != self.lineage || info.key_type != self.key_type {
            return Ok(Some("another key".into()));
        }
        let deleted = info.state == vault_client::KeyState::Destroyed;
        if self.state == State::Unsure {
            self.state = match deleted {
                true => State::Deleted,
                false => State::Live,
            };
        }
        let gone = used.is_err_and(|error| error.code == ErrorCode::NotFound);
        Ok(match self.state {
            State::Deleted if !deleted || !gone => Some("deleted, and there again".into()),
            State::Live if deleted => Some("deleted by nobody".into()),
            _ => None,
        })
    }
}
