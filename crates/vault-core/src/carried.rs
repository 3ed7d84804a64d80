//! Heads of other vaults' logs that callers carry here, and take with them. In memory only: what
//! is lost with a restart is carried again. Verified under the key that comes with each, so that
//! a vault needs to know nobody; nothing follows from one for this vault itself.

use crate::api::{Code, Refusal};
use crate::caller::Caller;
use crate::leaf;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_audit::{Checkpoint, LogKey, Principal};
use vault_encoding::Hash;
use vault_policy::VaultId;

/// Bytes of a note.
pub const NOTE_BYTES: usize = 2048;
/// Heads in one call, and vaults asked about.
pub const HEADS_PER_CALL: usize = 16;
/// Vaults of which one caller's share holds heads.
const VAULTS_PER_SHARE: usize = 16;
/// Callers whose shares are held, at most: those of tokens, of whom the one that carried nothing for the longest
/// time goes first,
const SUBJECTS: usize = 128;
/// and enclaves without a token. Whoever has a machine makes as many of these as they like, so the machine with
/// the most of them gives one up.
const ENCLAVES: usize = 64;
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
    subjects: Shares,
    enclaves: Shares,
    /// Of everybody who has nothing but a certificate, which anybody can make.
    certificates: Share,
    /// Counts takings, to tell what is old.
    now: u64,
}

type Shares = BTreeMap<Principal, Share>;

impl CarriedHeads {
    /// Whether this caller has carried this very note, so that it need not be verified again.
    pub fn holds(&self, caller: &Caller, note: &[u8]) -> bool {
        let share = principal(caller).and_then(|who| match who {
            Principal::Certificate { .. } => Some(&self.certificates),
            Principal::Enclave { .. } | Principal::Td { .. } => self.enclaves.get(&who),
            Principal::Oidc { .. } => self.subjects.get(&who),
        });
        let notes = share.into_iter().flat_map(|share| share.vaults.values());
        notes.flat_map(Held::all).any(|held| *held.note == *note)
    }

    /// Keeps what is larger than what this caller carried before, or contradicts it.
    pub fn take(&mut self, caller: &Caller, heads: impl IntoIterator<Item = CarriedHead>) {
        let Some(who) = principal(caller) else {
            return;
        };
        let mut heads = heads.into_iter().peekable();
        let (shares, most) = match who {
            Principal::Enclave { .. } | Principal::Td { .. } => (&mut self.enclaves, ENCLAVES),
            Principal::Oidc { .. } => (&mut self.subjects, SUBJECTS),
            Principal::Certificate { .. } => {
                self.now += 1;
                return self.certificates.take_all(heads, self.now);
            }
        };
        if !shares.contains_key(&who) {
            if heads.peek().is_none() {
                // Who only asks takes nobody's place.
                return;
            }
            if shares.len() >= most {
                make_room(shares, &who);
            }
        }
        self.now += 1;
        shares.entry(who).or_default().take_all(heads, self.now);
    }

    /// Heads of this vault: two that contradict each other first, then the largest, then as many others as
    /// there is room for, which of them by `pick`, a random number: who knows beforehand which are told can
    /// fill their places.
    pub fn about(&self, vault: &VaultId, pick: u64) -> Vec<CarriedHead> {
        let shares = self.subjects.values().chain(self.enclaves.values());
        let shares = shares.chain([&self.certificates]);
        let held = shares.filter_map(|share| share.vaults.get(vault));
        let mut found = BTreeMap::new();
        for head in held.flat_map(Held::all) {
            let name = (head.head.size, head.head.root);
            found.entry(name).or_insert(head);
        }
        let all: Vec<_> = found.into_values().rev().collect();
        let (mut proof, mut rest) = (Vec::new(), Vec::new());
        for same_size in all.chunk_by(|one, other| one.head.size == other.head.size) {
            match same_size {
                [alone] => rest.push(*alone),
                several => proof.extend(several),
            }
        }
        proof.truncate(2);
        if let Some((_, others)) = rest.split_first_mut()
            && let Some(from) = pick.checked_rem(others.len() as u64)
        {
            others.rotate_left(usize::try_from(from).unwrap_or(0));
        }
        let chosen = proof.into_iter().chain(rest);
        chosen.take(NOTES_PER_ANSWER).cloned().collect()
    }
}

/// Takes the place of the oldest of those who have the most, whoever comes counted in; tokens are one each.
fn make_room(shares: &mut Shares, comes: &Principal) {
    let mut machines: BTreeMap<Option<Hash>, usize> = BTreeMap::new();
    for who in shares.keys().chain([comes]) {
        *machines.entry(machine(who)).or_default() += 1;
    }
    let rank = |(who, share): &(&Principal, &Share)| {
        (machines.get(&machine(who)).copied(), Reverse(share.at))
    };
    let goes = shares.iter().max_by_key(rank).map(|(who, _)| who.clone());
    if let Some(who) = goes {
        shares.remove(&who);
    }
}

fn machine(who: &Principal) -> Option<Hash> {
    match who {
        Principal::Enclave { platform, .. } | Principal::Td { platform, .. } => Some(*platform),
        Principal::Oidc { .. } | Principal::Certificate { .. } => None,
    }
}

impl Share {
    fn take_all(&mut self, heads: impl IntoIterator<Item = CarriedHead>, now: u64) {
        self.at = now;
        for head in heads {
            self.take(head, now);
        }
    }

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

/// The token's subject, or else the enclave, or else the certificate.
fn principal(caller: &Caller) -> Option<Principal> {
    leaf::principals(caller).into_iter().next()
}
