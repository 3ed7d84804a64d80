//! What a client did and was told, and whether the vaults' logs agree.

use crate::model::Owes;
use std::collections::BTreeMap;
use std::fmt;
use vault_audit::Entry;
use vault_policy::KeyHandle;

/// How operations of one kind ended.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Count {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) had_to_succeed: u64,
    pub(crate) had_to_fail: u64,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.had_to_succeed += other.had_to_succeed;
        self.had_to_fail += other.had_to_fail;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6} succeeded ({} had to), {:>5} failed ({} had to)",
            self.succeeded, self.had_to_succeed, self.failed, self.had_to_fail
        )
    }
}

/// A typed key on one vault. Its creation and its deletion are each one operation, whatever
/// number of times they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) vault: usize,
    pub(crate) handle: KeyHandle,
    pub(crate) created: Known,
    pub(crate) deleted: Known,
    pub(crate) signatures_asked: u64,
    pub(crate) signatures_got: u64,
}

/// What a client knows of something that it asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Known {
    No,
    /// It was asked for, and the answer did not come.
    Perhaps,
    Yes,
}

/// One client's.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) counts: BTreeMap<&'static str, Count>,
    pub(crate) keys: Vec<Key>,
    /// Shares on each vault that the client's records know of.
    pub(crate) shares: Vec<(usize, KeyHandle)>,
}

impl Ledger {
    pub(crate) fn enter(&mut self, what: &'static str, owes: Owes, succeeded: bool) {
        let count = self.counts.entry(what).or_default();
        count.succeeded += u64::from(succeeded);
        count.failed += u64::from(!succeeded);
        count.had_to_succeed += u64::from(owes == Owes::Success);
        count.had_to_fail += u64::from(owes == Owes::Failure);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            self.counts.entry(what).or_default().add(count);
        }
    }
}

/// What one vault's log says was done, by handle.
struct Done<'a>(BTreeMap<(&'a str, &'a str), u64>);

impl<'a> Done<'a> {
    fn of(log: &'a [Entry]) -> Self {
        let mut done = BTreeMap::new();
        for entry in log {
            if entry.allowed && entry.outcome == "ok" {
                let what = (entry.operation.as_str(), entry.handle.as_str());
                *done.entry(what).or_default() += 1;
            }
        }
        Self(done)
    }

    fn times(&self, operation: &str, handle: &str) -> u64 {
        self.0.get(&(operation, handle)).copied().unwrap_or(0)
    }
}

/// Nothing was done twice, and all that was acknowledged was done.
pub(crate) fn check_logs(logs: &[Vec<Entry>], ledgers: &[Ledger]) {
    let done: Vec<_> = logs.iter().map(|log| Done::of(log)).collect();
    for (vault, done) in done.iter().enumerate() {
        for ((operation, handle), times) in &done.0 {
            if ["create_key", "delete_key"].contains(operation) {
                assert_eq!(*times, 1, "{operation} of {handle} on vault {vault}");
            }
        }
    }
    for ledger in ledgers {
        for key in &ledger.keys {
            check_key(&done[key.vault], key);
        }
        for (vault, handle) in &ledger.shares {
            let times = done[*vault].times("create_key", &handle.to_string());
            assert_eq!(times, 1, "share {handle} on vault {vault}");
        }
    }
}

fn check_key(done: &Done<'_>, key: &Key) {
    let handle = key.handle.to_string();
    for (known, operation) in [(key.created, "create_key"), (key.deleted, "delete_key")] {
        let times = done.times(operation, &handle);
        match known {
            Known::No => assert_eq!(times, 0, "{operation}: {key:?}"),
            Known::Perhaps => assert!(times <= 1, "{operation}: {key:?}"),
            Known::Yes => assert_eq!(times, 1, "{operation}: {key:?}"),
        }
    }
    let signed = done.times("sign", &handle);
    assert!(
        (key.signatures_got..=key.signatures_asked).contains(&signed),
        "{signed} signatures: {key:?}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(operation: &str, handle: KeyHandle) -> Entry {
        Entry {
            time_lo: None,
            time_hi: None,
            principals: Vec::new(),
            operation: operation.to_owned(),
            handle: handle.to_string(),
            version: None,
            lineage: None,
            policy_hash: None,
            request_hash: None,
            change_hash: None,
            approvals: Vec::new(),
            allowed: true,
            reason: String::new(),
            outcome: "ok".to_owned(),
        }
    }

    /// One key that was made and used once, as its client knows it.
    fn ledger() -> Ledger {
        let key = Key {
            vault: 0,
            handle: KeyHandle([1; 16]),
            created: Known::Yes,
            deleted: Known::No,
            signatures_asked: 1,
            signatures_got: 1,
        };
        Ledger {
            keys: vec![key],
            ..Ledger::default()
        }
    }

    fn check(operations: &[&str]) {
        let log = operations.iter();
        let log = log.map(|name| entry(name, KeyHandle([1; 16]))).collect();
        check_logs(&[log], &[ledger()]);
    }

    #[test]
    fn what_was_acknowledged_and_done_once_agrees() {
        check(&["create_key", "sign"]);
    }

    #[test]
    #[should_panic(expected = "create_key of")]
    fn a_second_creation_is_found() {
        check(&["create_key", "create_key", "sign"]);
    }

    #[test]
    #[should_panic(expected = "delete_key")]
    fn a_deletion_that_nobody_asked_for_is_found() {
        check(&["create_key", "sign", "delete_key"]);
    }

    #[test]
    #[should_panic(expected = "2 signatures")]
    fn a_use_that_was_repeated_is_found() {
        check(&["create_key", "sign", "sign"]);
    }

    #[test]
    #[should_panic(expected = "create_key")]
    fn an_acknowledged_creation_that_is_not_there_is_found() {
        check(&["sign"]);
    }
}
