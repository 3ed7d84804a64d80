//! What a vault remembers of the requests that wait for approval. In memory only: a start voids all.

use crate::Nonce;
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::Hash;
use vault_policy::{UnixSeconds, VaultTime};

/// Open at one time for one principal.
pub const NONCES_PER_PRINCIPAL: usize = 64;
/// Open at one time for all of them.
pub const NONCES: usize = 65_536;

/// A nonce that was taken out: whatever comes of the call, it cannot be taken out again. Not `Clone`, and
/// made by [`Nonces::take`] only.
///
/// ```compile_fail
/// fn twice(opened: vault_approval::Opened) -> (vault_approval::Opened, vault_approval::Opened) {
///     (opened, opened)
/// }
/// ```
#[derive(PartialEq, Eq, Debug)]
pub struct Opened {
    nonce: Nonce,
    entry: Entry,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    statement: Hash,
    not_after: UnixSeconds,
    begun: VaultTime,
}

/// Who begins a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beginner<P> {
    /// In whose account it is counted.
    pub account: P,
    /// Who of those who share the account: the only one who can take it.
    pub who: Hash,
}

/// There is no room for one more; some expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many requests wait for approval")]
pub struct Full;

/// The open nonces, each of the principal that began it.
#[derive(Debug)]
pub struct Nonces<P> {
    open: BTreeMap<Nonce, (Beginner<P>, Entry)>,
    expiring: BTreeSet<(UnixSeconds, Nonce)>,
    counts: BTreeMap<P, usize>,
}

impl<P> Default for Nonces<P> {
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            expiring: BTreeSet::new(),
            counts: BTreeMap::new(),
        }
    }
}

impl Opened {
    /// The nonce.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// Hash of the statement that was begun.
    pub fn statement(&self) -> Hash {
        self.entry.statement
    }

    /// From here on it is refused.
    pub fn not_after(&self) -> UnixSeconds {
        self.entry.not_after
    }

    /// When it was begun.
    pub fn begun(&self) -> VaultTime {
        self.entry.begun
    }
}

impl<P: Ord + Copy> Nonces<P> {
    /// Whether one more may be begun in the account. What has certainly expired goes first.
    pub fn has_room(&mut self, account: &P, now: VaultTime) -> Result<(), Full> {
        self.expire(now);
        let own = self.counts.get(account).copied().unwrap_or(0);
        match own < NONCES_PER_PRINCIPAL && self.open.len() < NONCES {
            true => Ok(()),
            false => Err(Full),
        }
    }

    /// Remembers a statement that was begun. `nonce` is 32 new random bytes.
    pub fn open(
        &mut self,
        beginner: Beginner<P>,
        nonce: Nonce,
        statement: Hash,
        not_after: UnixSeconds,
        now: VaultTime,
    ) -> Result<(), Full> {
        self.has_room(&beginner.account, now)?;
        if self.open.contains_key(&nonce) {
            return Err(Full);
        }
        let entry = Entry {
            statement,
            not_after,
            begun: now,
        };
        self.open.insert(nonce, (beginner, entry));
        self.expiring.insert((not_after, nonce));
        let count = self.counts.entry(beginner.account).or_default();
        *count = count.saturating_add(1);
        Ok(())
    }

    /// Takes a nonce out, if this is who began it. Nobody else can take it or spend it.
    pub fn take(&mut self, nonce: &Nonce, who: &Beginner<P>) -> Option<Opened> {
        let (beginner, entry) = *self.open.get(nonce)?;
        if beginner != *who {
            return None;
        }
        self.remove(nonce);
        Some(Opened {
            nonce: *nonce,
            entry,
        })
    }

    /// Whether the statement with this hash was begun under this nonce and waits still.
    pub fn waits(&self, nonce: &Nonce, statement: &Hash, now: VaultTime) -> bool {
        self.open.get(nonce).is_some_and(|(_, entry)| {
            entry.statement == *statement && now.is_before(entry.not_after) == Some(true)
        })
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn expire(&mut self, now: VaultTime) {
        while let Some((not_after, nonce)) = self.expiring.first().copied() {
            if now.is_before(not_after) != Some(false) {
                return;
            }
            self.remove(&nonce);
        }
    }

    fn remove(&mut self, nonce: &Nonce) {
        let Some((beginner, entry)) = self.open.remove(nonce) else {
            return;
        };
        self.expiring.remove(&(entry.not_after, *nonce));
        if let Some(count) = self.counts.get_mut(&beginner.account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&beginner.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> VaultTime {
        VaultTime::Known {
            lo: UnixSeconds(seconds),
            hi: UnixSeconds(seconds),
        }
    }

    fn nonce(number: u64) -> Nonce {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Nonce(bytes)
    }

    fn beginner(who: u8) -> Beginner<u8> {
        Beginner {
            account: who,
            who: Hash([who; 32]),
        }
    }

    fn open(nonces: &mut Nonces<u8>, who: u8, number: u64, now: u64) -> Result<(), Full> {
        let (hash, until) = (Hash([1; 32]), UnixSeconds(now + 100));
        nonces.open(beginner(who), nonce(number), hash, until, at(now))
    }

    #[test]
    fn a_nonce_is_taken_once_and_by_its_beginner_only() {
        let mut nonces = Nonces::default();
        open(&mut nonces, 1, 7, 0).unwrap();
        assert!(!nonces.is_empty());
        assert_eq!(nonces.take(&nonce(7), &beginner(2)), None);
        assert_eq!(nonces.take(&nonce(8), &beginner(1)), None);
        let opened = nonces.take(&nonce(7), &beginner(1)).unwrap();
        assert_eq!((opened.nonce(), opened.begun()), (nonce(7), at(0)));
        assert_eq!(opened.statement(), Hash([1; 32]));
        assert_eq!(opened.not_after(), UnixSeconds(100));
        assert_eq!(nonces.take(&nonce(7), &beginner(1)), None);
        assert!(nonces.is_empty() && nonces.expiring.is_empty() && nonces.counts.is_empty());
    }

    #[test]
    fn who_shares_an_account_shares_the_64_but_takes_no_nonce_of_another() {
        let mut nonces = Nonces::default();
        let (one, other) = (
            beginner(1),
            Beginner {
                who: Hash([9; 32]),
                ..beginner(1)
            },
        );
        for number in 0..64 {
            let who = if number % 2 == 0 { one } else { other };
            let (hash, until) = (Hash([1; 32]), UnixSeconds(100));
            nonces.open(who, nonce(number), hash, until, at(0)).unwrap();
        }
        assert_eq!(nonces.has_room(&1, at(0)), Err(Full));
        assert_eq!(nonces.take(&nonce(0), &other), None);
        assert_eq!(nonces.take(&nonce(1), &one), None);
        assert!(nonces.take(&nonce(0), &one).is_some());
        assert!(nonces.take(&nonce(1), &other).is_some());
        assert_eq!(nonces.has_room(&1, at(0)), Ok(()));
    }

    #[test]
    fn one_principal_has_64_and_they_come_back_when_they_expire() {
        let mut nonces = Nonces::default();
        for number in 0..64 {
            open(&mut nonces, 1, number, number).unwrap();
        }
        assert_eq!(open(&mut nonces, 1, 100, 64), Err(Full));
        assert_eq!(open(&mut nonces, 2, 100, 64), Ok(()));
        assert_eq!(open(&mut nonces, 1, 101, 99), Err(Full));
        assert_eq!(open(&mut nonces, 1, 101, 100), Ok(()));
        assert_eq!(nonces.take(&nonce(0), &beginner(1)), None);
        assert!(nonces.take(&nonce(1), &beginner(1)).is_some());
    }

    #[test]
    fn all_together_have_65_536_and_nothing_expires_while_time_is_unknown() {
        let mut nonces = Nonces::default();
        for number in 0..NONCES as u64 {
            let who = Beginner {
                account: number / 64,
                who: Hash([0; 32]),
            };
            let until = UnixSeconds(10);
            let hash = Hash([1; 32]);
            nonces.open(who, nonce(number), hash, until, at(0)).unwrap();
        }
        assert_eq!(nonces.has_room(&2000, VaultTime::Unknown), Err(Full));
        assert_eq!(nonces.len(), NONCES);
        assert_eq!(nonces.has_room(&2000, at(10)), Ok(()));
        assert!(nonces.is_empty());
    }

    #[test]
    fn a_nonce_never_stands_twice() {
        let mut nonces = Nonces::default();
        open(&mut nonces, 1, 7, 0).unwrap();
        assert_eq!(open(&mut nonces, 2, 7, 0), Err(Full));
        assert!(nonces.waits(&nonce(7), &Hash([1; 32]), at(99)));
        assert!(!nonces.waits(&nonce(7), &Hash([1; 32]), at(100)));
        assert!(!nonces.waits(&nonce(7), &Hash([2; 32]), at(99)));
        assert!(!nonces.waits(&nonce(7), &Hash([1; 32]), VaultTime::Unknown));
    }
}
