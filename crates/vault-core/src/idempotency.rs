//! Answers that are remembered for repeats of a changing call.

use crate::codec::{Malformed, Reader, Writer};
use crate::limits::IDEMPOTENCY_ENTRIES;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use vault_encoding::{Domain, Hash, sha256};
use vault_policy::{Lineage, OidcSubject, PolicyHash, UnixSeconds};

/// Which call of whom: requester, RPC and the caller's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Scope(Hash);

impl Scope {
    pub(crate) fn of(requester: &OidcSubject, rpc: &'static str, key: &str) -> Self {
        let fields =
            [&requester.issuer, &requester.subject, rpc].map(|text| sha256(text.as_bytes()));
        let [issuer, subject, rpc] = fields;
        Self(Domain::Idempotency.hash(&[&issuer.0, &subject.0, &rpc.0, key.as_bytes()]))
    }
}

/// What a repeat is held against. No secret, and nothing of the answer but which key it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Remembered {
    pub(crate) scope: Scope,
    /// Digest of the canonical request.
    pub(crate) body: Hash,
    /// Salt of `request_hash` in the leaf of the first call.
    pub(crate) request_salt: Hash,
}

/// A remembered call in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    pub(crate) remembered: Remembered,
    /// The key that the call was about.
    pub(crate) lineage: Lineage,
    /// The leaf of the first call.
    pub(crate) index: u64,
    /// What was answered.
    pub(crate) told: Told,
}

/// What of an answer follows neither from the request nor from the place of its leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    Nothing,
    /// The policy that the key is under.
    Policy(PolicyHash),
    /// When the key may go.
    Due(UnixSeconds),
}

/// Bounded. When it is full, the oldest entry goes of whoever has the most: nobody with less than an even
/// share ever loses one to somebody else.
#[derive(Default)]
pub(crate) struct Table {
    kept: BTreeMap<Scope, Kept>,
    /// By age.
    order: BTreeMap<u64, Scope>,
    next: u64,
    /// The ages of an account's entries, oldest first.
    accounts: BTreeMap<Hash, VecDeque<u64>>,
    /// Accounts by number of entries; of two with as many, the one with the older entry is last.
    ranks: BTreeSet<Rank>,
}

/// Entries, age of the oldest, account.
type Rank = (usize, Reverse<u64>, Hash);

/// What the table says of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Never,
    Same(Kept),
    OtherBody,
}

impl Table {
    pub(crate) fn look_up(&self, scope: &Scope, body: &Hash) -> Seen {
        match self.kept.get(scope) {
            None => Seen::Never,
            Some(kept) if kept.remembered.body == *body => Seen::Same(*kept),
            Some(_) => Seen::OtherBody,
        }
    }

    /// Keeps an entry in somebody's account.
    pub(crate) fn insert(&mut self, account: Hash, kept: Kept) {
        let scope = kept.remembered.scope;
        if self.kept.insert(scope, kept).is_some() {
            return;
        }
        let age = self.next;
        self.next = age.saturating_add(1);
        self.order.insert(age, scope);
        self.change(account, |ages| ages.push_back(age));
        if self.order.len() > IDEMPOTENCY_ENTRIES {
            self.evict();
        }
    }

    fn evict(&mut self) {
        let Some(&(_, Reverse(age), account)) = self.ranks.last() else {
            return;
        };
        self.change(account, |ages| {
            ages.pop_front();
        });
        if let Some(scope) = self.order.remove(&age) {
            self.kept.remove(&scope);
        }
    }

    /// Changes an account, and its rank with it.
    fn change(&mut self, account: Hash, change: impl FnOnce(&mut VecDeque<u64>)) {
        let ages = self.accounts.entry(account).or_default();
        let before = rank(ages, account);
        change(ages);
        let after = rank(ages, account);
        if after.is_none() {
            self.accounts.remove(&account);
        }
        if let Some(before) = before {
            self.ranks.remove(&before);
        }
        self.ranks.extend(after);
    }

    /// Oldest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Kept> {
        self.order.values().filter_map(|scope| self.kept.get(scope))
    }
}

/// `None` of an empty account.
fn rank(ages: &VecDeque<u64>, account: Hash) -> Option<Rank> {
    let oldest = *ages.front()?;
    Some((ages.len(), Reverse(oldest), account))
}

impl Told {
    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            Self::Nothing => out.u8(0),
            Self::Policy(hash) => {
                out.u8(1);
                out.fixed(hash.0.as_bytes());
            }
            Self::Due(due_at) => {
                out.u8(2);
                out.u64(due_at.0);
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        match from.u8()? {
            0 => Ok(Self::Nothing),
            1 => Ok(Self::Policy(PolicyHash(Hash(from.array()?)))),
            2 => Ok(Self::Due(UnixSeconds(from.u64()?))),
            _ => Err(Malformed),
        }
    }
}

impl Remembered {
    pub(crate) fn write(&self, out: &mut Writer) {
        out.fixed(&self.scope.0.0);
        out.fixed(&self.body.0);
        out.fixed(&self.request_salt.0);
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            scope: Scope(Hash(from.array()?)),
            body: Hash(from.array()?),
            request_salt: Hash(from.array()?),
        })
    }

    pub(crate) fn write_option(remembered: Option<&Self>, out: &mut Writer) {
        out.u8(u8::from(remembered.is_some()));
        if let Some(remembered) = remembered {
            remembered.write(out);
        }
    }

    pub(crate) fn read_option(from: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        match from.u8()? {
            0 => Ok(None),
            1 => Self::read(from).map(Some),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(key: &str, body: u8) -> Kept {
        let requester = OidcSubject {
            issuer: "i".into(),
            subject: "s".into(),
        };
        Kept {
            remembered: Remembered {
                scope: Scope::of(&requester, "CreateKey", key),
                body: Hash([body; 32]),
                request_salt: Hash([0; 32]),
            },
            lineage: Lineage(Hash([0; 32])),
            index: 0,
            told: Told::Nothing,
        }
    }

    const ALICE: Hash = Hash([1; 32]);
    const BOB: Hash = Hash([2; 32]);

    fn is_kept(table: &Table, kept: &Kept) -> bool {
        let Remembered { scope, body, .. } = &kept.remembered;
        table.look_up(scope, body) == Seen::Same(*kept)
    }

    #[test]
    fn a_repeat_is_seen_another_body_is_too_and_the_oldest_entry_goes_first() {
        let mut table = Table::default();
        let first = kept("first", 1);
        table.insert(ALICE, first);
        let scope = first.remembered.scope;
        assert_eq!(table.look_up(&scope, &Hash([1; 32])), Seen::Same(first));
        assert_eq!(table.look_up(&scope, &Hash([2; 32])), Seen::OtherBody);
        for number in 1..IDEMPOTENCY_ENTRIES {
            table.insert(ALICE, kept(&number.to_string(), 1));
        }
        assert_eq!(table.look_up(&scope, &Hash([1; 32])), Seen::Same(first));
        table.insert(ALICE, kept("last", 1));
        assert_eq!(table.look_up(&scope, &Hash([1; 32])), Seen::Never);
        assert_eq!(table.entries().count(), IDEMPOTENCY_ENTRIES);
    }

    #[test]
    fn one_account_never_takes_entries_of_another_that_has_less_than_its_share() {
        let mut table = Table::default();
        let own: Vec<Kept> = (0..IDEMPOTENCY_ENTRIES / 2)
            .map(|number| kept(&format!("alice {number}"), 1))
            .collect();
        for kept in &own {
            table.insert(ALICE, *kept);
        }
        for number in 0..3 * IDEMPOTENCY_ENTRIES {
            table.insert(BOB, kept(&number.to_string(), 1));
        }
        assert!(own.iter().all(|kept| is_kept(&table, kept)));
        let last = kept(&(3 * IDEMPOTENCY_ENTRIES - 1).to_string(), 1);
        assert!(is_kept(&table, &last));
        assert_eq!(table.entries().count(), IDEMPOTENCY_ENTRIES);
        assert_eq!(table.ranks.len(), 2);
    }

    #[test]
    fn a_table_that_is_read_back_forgets_what_the_first_one_would_have() {
        let account = |number: usize| Hash([(number * number % 7) as u8; 32]);
        let mut table = Table::default();
        let mut accounts = BTreeMap::new();
        let mut add = |table: &mut Table, number: usize| {
            let kept = kept(&number.to_string(), 1);
            accounts.insert(kept.remembered.scope, account(number));
            table.insert(account(number), kept);
        };
        (0..12_000).for_each(|number| add(&mut table, number));
        let mut again = Table::default();
        let entries: Vec<Kept> = table.entries().copied().collect();
        let mut later = Table::default();
        (12_000..15_000).for_each(|number| add(&mut later, number));
        for kept in &entries {
            again.insert(accounts[&kept.remembered.scope], *kept);
        }
        for kept in later.entries() {
            for table in [&mut table, &mut again] {
                table.insert(accounts[&kept.remembered.scope], *kept);
            }
        }
        assert!(table.entries().eq(again.entries()));
        assert_eq!(table.entries().count(), IDEMPOTENCY_ENTRIES);
    }
}
