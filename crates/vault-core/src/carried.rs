//! Heads of other vaults' logs that callers carry here, and take with them. In memory only: what
//! is lost with a restart is carried again. Verified under the key that comes with each, so that
//! a vault needs to know nobody; nothing follows from one for this vault itself.

mod forks;
mod room;
mod share;

use crate::api::{Code, Refusal};
use crate::caller::Caller;
use crate::leaf;
use forks::Forks;
use room::{Origin, oldest_of_most};
use share::Share;
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_audit::{Checkpoint, LogKey, Principal};
use vault_policy::VaultId;

/// Bytes of a note.
pub const NOTE_BYTES: usize = 2048;
/// Heads in one call, and vaults asked about.
pub const HEADS_PER_CALL: usize = 16;
/// Callers whose shares are held, at most: those of tokens,
const SUBJECTS: usize = 128;
/// and enclaves without a token. An issuer, or whoever has a machine, makes as many as they like, so whoever has
/// the most gives one up: the one that carried nothing for the longest time.
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

/// All that is carried. Each caller has a share, so that nobody pushes out what others have
/// carried; everybody may read all of it.
#[derive(Default)]
pub struct CarriedHeads {
    subjects: Shares,
    enclaves: Shares,
    /// Of everybody who has nothing but a certificate, which anybody can make.
    certificates: Share,
    /// Of shares that went.
    forks: Forks,
    /// Counts takings, to tell what is old.
    now: u64,
}

type Shares = BTreeMap<Principal, Share>;

/// Two heads of one size with different roots.
type Pair = [CarriedHead; 2];

impl CarriedHeads {
    /// Whether this caller has carried this very note, so that it need not be verified again.
    pub fn holds(&self, caller: &Caller, note: &[u8]) -> bool {
        let share = principal(caller).and_then(|who| self.share(&who));
        let mut heads = share.into_iter().flat_map(Share::all);
        heads.any(|held| *held.note == *note)
    }

    /// Keeps what is larger than what this caller carried before, or contradicts it, and what came last.
    pub fn take(&mut self, caller: &Caller, heads: impl IntoIterator<Item = CarriedHead>) {
        let Some(who) = principal(caller) else {
            return;
        };
        let mut heads = heads.into_iter().peekable();
        if heads.peek().is_none() && self.share(&who).is_none() {
            // Who only asks takes nobody's place.
            return;
        }
        self.now += 1;
        let (origin, now) = (Origin::of(&who), self.now);
        let lost = self.share_for(who).take_all(heads, now);
        self.forks.pin(&origin, lost, now);
    }

    fn share(&self, who: &Principal) -> Option<&Share> {
        match who {
            Principal::Certificate { .. } => Some(&self.certificates),
            Principal::Enclave { .. } | Principal::Td { .. } => self.enclaves.get(who),
            Principal::Oidc { .. } => self.subjects.get(who),
        }
    }

    /// The share of a caller who has something to carry, in the place of another one if need be.
    fn share_for(&mut self, who: Principal) -> &mut Share {
        let (shares, most) = match who {
            Principal::Certificate { .. } => return &mut self.certificates,
            Principal::Enclave { .. } | Principal::Td { .. } => (&mut self.enclaves, ENCLAVES),
            Principal::Oidc { .. } => (&mut self.subjects, SUBJECTS),
        };
        if shares.len() >= most && !shares.contains_key(&who) {
            let held = shares
                .iter()
                .map(|(who, share)| (who, [Origin::of(who)], share.at));
            let held: Vec<_> = held.collect();
            let held = held.iter().map(|(who, of, at)| (*who, &of[..], *at));
            let goes = oldest_of_most(held.collect(), &Origin::of(&who)).cloned();
            if let Some((who, share)) = goes.and_then(|who| shares.remove_entry(&who)) {
                self.forks
                    .pin(&Origin::of(&who), share.into_pairs(), self.now);
            }
        }
        shares.entry(who).or_default()
    }

    /// Heads of this vault: two that contradict each other first, then the largest that is left, then as many
    /// others as there is room for, which of them by `pick`, a random number: who knows beforehand which are told can
    /// fill their places.
    pub fn about(&self, vault: &VaultId, pick: u64) -> Vec<CarriedHead> {
        let shares = self.subjects.values().chain(self.enclaves.values());
        let shares = shares.chain([&self.certificates]);
        let held = shares.flat_map(|share| share.about(vault));
        let mut found = BTreeMap::new();
        for head in held.chain(self.forks.about(vault)) {
            let name = (head.head.size, head.head.root);
            found.entry(name).or_insert(head);
        }
        let all: Vec<_> = found.into_values().rev().collect();
        let (mut proof, mut rest) = (Vec::new(), Vec::new());
        for same_size in all.chunk_by(|one, other| one.head.size == other.head.size) {
            // One pair is proof enough, and may be of a log that was given up: what else there is counts as well.
            match same_size {
                [one, other, more @ ..] if proof.is_empty() => {
                    proof.extend([*one, *other]);
                    rest.extend(more);
                }
                all => rest.extend(all),
            }
        }
        if let Some((_, others)) = rest.split_first_mut()
            && let Some(from) = pick.checked_rem(others.len() as u64)
        {
            others.rotate_left(usize::try_from(from).unwrap_or(0));
        }
        let chosen = proof.into_iter().chain(rest);
        chosen.take(NOTES_PER_ANSWER).cloned().collect()
    }
}

/// The token's subject, or else the enclave, or else the certificate.
fn principal(caller: &Caller) -> Option<Principal> {
    leaf::principals(caller).into_iter().next()
}
