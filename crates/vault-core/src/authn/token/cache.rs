//! Tokens that were verified before, by hash, until they or their keys end.

use super::{IssuerSet, TokenError, VerifiedToken, still_before};
use std::collections::{BTreeMap, VecDeque};
use vault_encoding::{Hash, sha256};
use vault_policy::{UnixSeconds, VaultTime};

/// Bounded; holds what tokens say, never a token, and never who may send it on which call. Keys
/// that changed void every entry.
pub struct TokenCache {
    entries: BTreeMap<Hash, Entry>,
    /// Hashes in the order of their first use.
    order: VecDeque<Hash>,
    capacity: usize,
    generation: u64,
}

struct Entry {
    token: VerifiedToken,
    keys_until: UnixSeconds,
}

impl TokenCache {
    /// Holds at most `capacity` tokens.
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            order: VecDeque::new(),
            capacity,
            generation: 0,
        }
    }

    /// A token that is known and still valid; `None` means that it must be verified.
    pub fn get(
        &mut self,
        token: &[u8],
        issuers: &IssuerSet,
        now: VaultTime,
    ) -> Option<VerifiedToken> {
        self.follow(issuers);
        let entry = self.entries.get(&sha256(token))?;
        let valid = still_before(now, entry.keys_until, TokenError::KeysStale).is_ok()
            && still_before(now, entry.token.expires_at(), TokenError::Expired).is_ok();
        valid.then(|| entry.token.clone())
    }

    /// Remembers a token that was verified under these issuers, until it or its keys end.
    pub fn remember(&mut self, token: &VerifiedToken, issuers: &IssuerSet) {
        self.follow(issuers);
        let issuer = issuers.get(token.issuer());
        let Some(keys_until) = issuer.and_then(|issuer| Some(issuer.keys.as_ref()?.until)) else {
            return;
        };
        let entry = Entry {
            token: token.clone(),
            keys_until,
        };
        self.insert(*token.hash(), entry);
    }

    /// Number of tokens held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn follow(&mut self, issuers: &IssuerSet) {
        if self.generation != issuers.generation() {
            self.entries.clear();
            self.order.clear();
            self.generation = issuers.generation();
        }
    }

    fn insert(&mut self, hash: Hash, entry: Entry) {
        if self.entries.insert(hash, entry).is_none() {
            self.order.push_back(hash);
        }
        while self.entries.len() > self.capacity {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            self.entries.remove(&oldest);
        }
    }
}
