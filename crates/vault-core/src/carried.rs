//! Heads of other vaults' logs that callers carry here, and take with them. In memory only: what
//! is lost with a restart is carried again. Verified under the key that comes with each, so that
//! a vault needs to know nobody; nothing follows from one for this vault itself.

use crate::api::{Code, Refusal};
use crate::caller::Caller;
use crate::leaf;
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_audit::{Checkpoint, LogKey, Principal};
use vault_policy::VaultId;

/// Bytes of a note.
pub const NOTE_BYTES: usize = 2048;
/// Heads in one call, and vaults asked about.
pub const HEADS_PER_CALL: usize = 16;
/// Vaults of which one caller's share holds heads.
const VAULTS_PER_SHARE: usize = 16;
/// Callers whose shares are held; the one that carried nothing for the longest time goes first.
const SHARES: usize = 128;
/// Notes of one vault in one answer.
const NOTES_PER_ANSWER: usize = 4;

/// A head that some vault signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CarriedHead {
    key: LogKey,
    head: Checkpoint,
    note: Arc<[u8]>,
}

impl CarriedHead {
    /// Verifies a note under the identity key that comes with it.
    pub fn verify(identity_key: &[u8], note: &[u8]) -> Result<Self, Refusal> {
        let invalid = |why: &str| Refusal::new(Code::InvalidArgument).because(why);
        if note.len() > NOTE_BYTES {
            return Err(invalid("a carried note is too long"));
        }
        let key = LogKey::from_spki(identity_key).map_err(|error| invalid(&error.to_string()))?;
        let head = Checkpoint::verify(note, &key).map_err(|error| invalid(&error.to_string()))?;
        Ok(Self {
            key,
            head,
            note: note.into(),
        })
    }

    /// Whose log it is of.
    pub fn vault_id(&self) -> VaultId {
        VaultId(self.head.vault_id)
    }

    /// The identity key, SubjectPublicKeyInfo, DER.
    pub fn identity_key(&self) -> Vec<u8> {
        self.key.to_spki()
    }

    /// The signed note.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// The head that it is of.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    fn contradicts(&self, other: &Self) -> bool {
        self.head.size == other.head.size && self.head.root != other.head.root
    }
}

/// What one caller carried of one vault.
#[derive(Clone)]
struct Held {
    largest: CarriedHead,
    /// Two of one size with different roots. Stays, whatever comes later.
    fork: Option<[CarriedHead; 2]>,
    at: u64,
}

#[derive(Default)]
struct Share {
    vaults: BTreeMap<VaultId, Held>,
    at: u64,
}

/// All that is carried. Each caller has a share, so that nobody pushes out what others have
/// carried; everybody may read all of it.
#[derive(Default)]
pub struct CarriedHeads {
    shares: BTreeMap<Principal, Share>,
    /// Counts takings, to tell what is old.
    now: u64,
}

impl CarriedHeads {
    /// Whether this caller has carried this very note, so that it need not be verified again.
    pub fn holds(&self, caller: &Caller, note: &[u8]) -> bool {
        let share = principal(caller).and_then(|who| self.shares.get(&who));
        let notes = share.into_iter().flat_map(|share| share.vaults.values());
        notes.flat_map(Held::all).any(|held| *held.note == *note)
    }

    /// Keeps what is larger than what this caller carried before, or contradicts it.
    pub fn take(&mut self, caller: &Caller, heads: impl IntoIterator<Item = CarriedHead>) {
        let Some(who) = principal(caller) else {
            return;
        };
        self.now += 1;
        if !self.shares.contains_key(&who) {
            self.make_room();
        }
        let share = self.shares.entry(who).or_default();
        share.at = self.now;
        for head in heads {
            share.take(head, self.now);
        }
    }

    fn make_room(&mut self) {
        if self.shares.len() < SHARES {
            return;
        }
        let oldest = self.shares.iter().min_by_key(|(_, share)| share.at);
        if let Some(who) = oldest.map(|(who, _)| who.clone()) {
            self.shares.remove(&who);
        }
    }

    /// Heads of this vault: two that contradict each other first, then the largest, then others.
    pub fn about(&self, vault: &VaultId) -> Vec<CarriedHead> {
        let held = self
            .shares
            .values()
            .filter_map(|share| share.vaults.get(vault));
        let mut found: BTreeMap<_, CarriedHead> = BTreeMap::new();
        for head in held.flat_map(Held::all) {
            let name = (head.head.size, head.head.root);
            found.entry(name).or_insert_with(|| head.clone());
        }
        let all: Vec<_> = found.into_values().rev().collect();
        let is_proof = |head: &&CarriedHead| all.iter().any(|other| head.contradicts(other));
        let (proof, rest): (Vec<_>, Vec<_>) = all.iter().partition(|head| is_proof(head));
        let chosen = proof.into_iter().take(2).chain(rest);
        chosen.take(NOTES_PER_ANSWER).cloned().collect()
    }
}

impl Share {
    fn take(&mut self, head: CarriedHead, now: u64) {
        let vault = head.vault_id();
        if let Some(held) = self.vaults.get_mut(&vault) {
            held.at = now;
            return held.take(head);
        }
        if self.vaults.len() >= VAULTS_PER_SHARE {
            let oldest = self
                .vaults
                .iter()
                .min_by_key(|(_, held)| (held.fork.is_some(), held.at));
            if let Some(vault) = oldest.map(|(vault, _)| *vault) {
                self.vaults.remove(&vault);
            }
        }
        let held = Held {
            largest: head,
            fork: None,
            at: now,
        };
        self.vaults.insert(vault, held);
    }
}

impl Held {
    fn take(&mut self, head: CarriedHead) {
        if self.fork.is_none() && head.contradicts(&self.largest) {
            self.fork = Some([self.largest.clone(), head]);
        } else if head.head.size > self.largest.head.size {
            self.largest = head;
        }
    }

    fn all(&self) -> impl Iterator<Item = &CarriedHead> {
        self.fork.iter().flatten().chain([&self.largest])
    }
}

/// The token's subject, or else the enclave.
fn principal(caller: &Caller) -> Option<Principal> {
    leaf::principals(caller).into_iter().next()
}
