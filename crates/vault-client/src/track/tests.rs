use super::*;
use crate::error::ErrorCode;
use merkle::{Tree, leaf_hash};
use std::cell::Cell;
use vault_encoding::sha256;

/// A vault's log, as far as heads and proofs go.
struct Log(Tree);

impl Log {
    fn of(tag: &str, size: u64) -> Self {
        let leaf = |index: u64| leaf_hash(format!("{tag}{index}").as_bytes());
        Self(Tree::from_leaves((0..size).map(leaf)))
    }

    fn head(&self, size: u64) -> SeenHead {
        SeenHead {
            size,
            root: self.0.root_at(size).unwrap(),
            checkpoint: b"note\n".to_vec(),
        }
    }

    fn own(&self, index: u64) -> Logged {
        Logged {
            index,
            request_salt: Hash::default(),
            leaf: Vec::new(),
            proof: self.0.inclusion(index, index + 1).unwrap(),
        }
    }

    async fn prove(&self, old: u64, new: u64) -> Result<Vec<Hash>> {
        Ok(self.0.consistency(old, new).unwrap())
    }
}

fn tracker(dir: &tempfile::TempDir) -> Tracker {
    let vault = VaultId(sha256(b"vault"));
    Tracker::open(vault, HeadStore::new(dir.path())).unwrap()
}

/// Shows the head of this size, as an answer to a call that carried what was seen.
async fn show(tracker: &Tracker, log: &Log, size: u64) -> Result<()> {
    let seen = tracker.seen().await;
    tracker
        .accept(seen.as_ref(), log.head(size), None, |old, new| {
            log.prove(old, new)
        })
        .await
}

#[tokio::test]
async fn a_growing_log_is_followed_and_remembered_by_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::of("a", 40);
    let first = tracker(&dir);
    for size in [1, 2, 7, 7, 20] {
        show(&first, &log, size).await.unwrap();
    }
    let second = tracker(&dir);
    assert_eq!(second.seen().await, Some(log.head(20)));
    show(&second, &log, 40).await.unwrap();
    // The first process sees less than the second has kept, and that is no rollback.
    show(&first, &log, 30).await.unwrap();
    assert_eq!(first.seen().await, Some(log.head(40)));
}

#[tokio::test]
async fn a_shorter_log_is_a_rollback_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (tracker, log) = (tracker(&dir), Log::of("a", 20));
    show(&tracker, &log, 20).await.unwrap();
    let error = show(&tracker, &log, 12).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RollbackDetected);
    let heads = error.heads.as_ref().unwrap();
    assert_eq!((heads.seen.size, heads.answered.size), (20, 12));
    assert!(heads.evidence.as_ref().unwrap().exists());
    assert_eq!(tracker.seen().await, Some(log.head(20)));
}

#[tokio::test]
async fn another_log_is_a_fork_whether_it_is_as_long_or_longer() {
    let dir = tempfile::tempdir().unwrap();
    let (tracker, log, other) = (tracker(&dir), Log::of("a", 20), Log::of("b", 30));
    show(&tracker, &log, 20).await.unwrap();
    for size in [20, 21, 30] {
        let error = show(&tracker, &other, size).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ForkDetected, "{size}");
    }
    assert_eq!(tracker.seen().await, Some(log.head(20)));
}

#[tokio::test]
async fn answers_that_overtake_each_other_are_linked() {
    let dir = tempfile::tempdir().unwrap();
    let (tracker, log, other) = (tracker(&dir), Log::of("a", 20), Log::of("b", 20));
    show(&tracker, &log, 5).await.unwrap();
    let early = tracker.seen().await;
    show(&tracker, &log, 15).await.unwrap();
    tracker
        .accept(early.as_ref(), log.head(9), None, |old, new| {
            log.prove(old, new)
        })
        .await
        .unwrap();
    let forked = tracker
        .accept(early.as_ref(), other.head(9), None, |old, new| {
            log.prove(old, new)
        })
        .await;
    assert_eq!(forked.unwrap_err().code, ErrorCode::ForkDetected);
}

#[tokio::test]
async fn ones_own_next_entry_needs_no_other_proof() {
    let dir = tempfile::tempdir().unwrap();
    let (tracker, log, other) = (tracker(&dir), Log::of("a", 20), Log::of("b", 20));
    show(&tracker, &log, 9).await.unwrap();
    let asked = Cell::new(0);
    let prove = |old, new| {
        asked.set(asked.get() + 1);
        log.prove(old, new)
    };
    let seen = tracker.seen().await;
    tracker
        .accept(seen.as_ref(), log.head(10), Some(&log.own(9)), prove)
        .await
        .unwrap();
    assert_eq!(asked.get(), 0);
    let seen = tracker.seen().await;
    let own = other.own(10);
    let forked = tracker
        .accept(seen.as_ref(), other.head(11), Some(&own), prove)
        .await;
    assert_eq!(forked.unwrap_err().code, ErrorCode::ForkDetected);
    assert_eq!(asked.get(), 1);
}

#[tokio::test]
async fn a_process_that_is_shown_another_log_than_the_one_beside_it_sees_the_fork() {
    let dir = tempfile::tempdir().unwrap();
    let (log, other) = (Log::of("a", 20), Log::of("b", 20));
    let (first, second) = (tracker(&dir), tracker(&dir));
    show(&second, &other, 5).await.unwrap();
    let error = show(&first, &log, 9).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ForkDetected);
    assert_eq!(tracker(&dir).seen().await, Some(other.head(5)));
    show(&tracker(&dir), &other, 9).await.unwrap();
}
