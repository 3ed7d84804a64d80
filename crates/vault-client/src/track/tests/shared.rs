//! One memory, and several processes that have it.

use super::*;
use crate::heads::GoOnWith;
use crate::heads::signed::Signer;
use std::time::Duration;

/// What one process has kept is met by the others a little later.
async fn until(met: impl AsyncFn() -> bool) {
    let met_in_time = async {
        while !met().await {
            tokio::task::yield_now().await;
        }
    };
    let longest = Duration::from_secs(60);
    tokio::time::timeout(longest, met_in_time).await.unwrap();
}

#[tokio::test]
async fn a_clone_that_stands_still_does_not_serve_a_process_less_than_another_one_has_seen() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::of("a", 20);
    let (first, second) = (tracker(&dir), tracker(&dir));
    show(&first, &log, 5).await.unwrap();
    show(&second, &log, 20).await.unwrap();
    until(async || first.seen().await == Some(log.head(20))).await;
    let still = show(&first, &log, 5).await;
    assert_eq!(still.unwrap_err().code, ErrorCode::ForkDetected);
    assert!(first.standing().is_err());
}

#[tokio::test]
async fn a_new_session_begins_with_the_longest_head_that_any_process_has_kept() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::of("a", 20);
    let (first, second) = (tracker(&dir), tracker(&dir));
    show(&first, &log, 4).await.unwrap();
    for size in 5..=20 {
        show(&second, &log, size).await.unwrap();
        first.read_again();
        assert_eq!(first.seen().await, Some(log.head(size)));
    }
}

#[tokio::test]
async fn a_memory_that_began_anew_and_has_grown_is_taken_over_from_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(5);
    let vault = signer.vault();
    let store = HeadStore::new(dir.path());
    let keep = |head: &SeenHead, extended: Option<&SeenHead>, boot| {
        let shown = signer.showing(boot);
        store.remember(&vault, head, extended, &shown).unwrap()
    };
    let (early, seen) = (signer.head("a", 15), signer.head("a", 20));
    let (answered, grown) = (signer.head("b", 9), signer.head("b", 15));
    keep(&early, None, 1);
    let behind = Tracker::open(vault, HeadStore::new(dir.path())).unwrap();
    keep(&seen, Some(&early), 1);
    let (code, key) = (ErrorCode::RollbackDetected, signer.key);
    store.refuted(code, key, seen, answered.clone());
    let kept = store.evidence(&vault).unwrap();
    store.acknowledge(&kept[0], GoOnWith::Answered).unwrap();
    keep(&grown, Some(&answered), 2);
    assert_eq!(behind.seen().await, Some(grown));
}

#[tokio::test]
async fn a_memory_that_is_lost_or_damaged_takes_nothing_from_a_process_that_runs() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::of("a", 20);
    let tracker = tracker(&dir);
    show(&tracker, &log, 5).await.unwrap();
    let vault = VaultId(SHOWN.key.vault_id()).to_string();
    let path = dir.path().join("vaults").join(vault).join("head.json");
    std::fs::write(&path, b"{").unwrap();
    tracker.read_again();
    assert_eq!(tracker.seen().await, Some(log.head(5)));
    std::fs::remove_file(&path).unwrap();
    tracker.read_again();
    assert_eq!(tracker.seen().await, Some(log.head(5)));
}

#[tokio::test]
async fn a_process_that_saw_less_finds_that_what_another_one_saw_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (log, put_back) = (Log::of("a", 20), Log::of("a", 9));
    let (first, second) = (tracker(&dir), tracker(&dir));
    show(&first, &log, 5).await.unwrap();
    show(&second, &log, 20).await.unwrap();
    let restarted = Showing {
        boot_id: [2; 16],
        ..SHOWN
    };
    let seen = first.seen().await;
    let prove = async |old, new| {
        let no_such_size = || Error::new(ErrorCode::InvalidArgument);
        put_back.0.consistency(old, new).ok_or_else(no_such_size)
    };
    let told = first
        .accept(seen.as_ref(), put_back.head(9), None, &restarted, prove)
        .await
        .unwrap_err();
    assert_eq!(told.code, ErrorCode::RollbackDetected);
    let heads = told.heads.as_ref().unwrap();
    assert_eq!((heads.seen.size, heads.answered.size), (20, 9));
    assert!(first.standing().is_err());
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

#[tokio::test]
async fn evidence_and_decisions_of_one_process_count_for_another_one_that_runs() {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(5);
    let vault = signer.vault();
    // A store of its own for each, as in two processes.
    let open = || Tracker::open(vault, HeadStore::new(dir.path())).unwrap();
    let (finder, other) = (open(), open());
    let (seen, answered) = (signer.head("a", 20), signer.head("b", 9));
    let none = async |_, _| Ok(Vec::new());
    for tracker in [&finder, &other] {
        let shown = signer.showing(1);
        let accepted = tracker.accept(None, seen.clone(), None, &shown, none).await;
        accepted.unwrap();
        assert_eq!(tracker.standing().unwrap(), []);
    }
    let restarted = signer.showing(2);
    let (store, code) = (HeadStore::new(dir.path()), ErrorCode::RollbackDetected);
    let found = Found::Answer;
    finder.contradiction(code, found, seen.clone(), answered.clone(), &restarted);
    until(async || other.standing().is_err()).await;

    let kept = store.evidence(&vault).unwrap();
    store.acknowledge(&kept[0], GoOnWith::Answered).unwrap();
    until(async || other.standing().is_ok()).await;
    assert_eq!(other.seen().await, Some(answered));
    // What was accepted with the head that is given up is not accepted for that any more.
    let prove = async |_, _| Ok(Vec::new());
    let again = other.accept(None, seen, None, &restarted, prove).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::ForkDetected);
}

#[tokio::test]
async fn a_decision_counts_for_a_process_that_had_seen_less_than_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(5);
    let vault = signer.vault();
    let store = HeadStore::new(dir.path());
    let (early, seen) = (signer.head("a", 18), signer.head("a", 20));
    let shown = signer.showing(1);
    store.remember(&vault, &early, None, &shown).unwrap();
    let behind = Tracker::open(vault, HeadStore::new(dir.path())).unwrap();
    store.remember(&vault, &seen, Some(&early), &shown).unwrap();
    let (code, key) = (ErrorCode::RollbackDetected, signer.key);
    let mut seen = seen;
    for (log, size) in [("b", 9), ("c", 7)] {
        let answered = signer.head(log, size);
        store.refuted(code, key, seen, answered.clone());
        let kept = store.evidence(&vault).unwrap();
        let open = kept.iter().find(|kept| kept.acknowledged.is_none());
        store
            .acknowledge(open.unwrap(), GoOnWith::Answered)
            .unwrap();
        behind.read_again();
        assert_eq!(behind.seen().await, Some(answered.clone()));
        let none = async |_, _| Ok(Vec::new());
        let (sent, shown) = (Some(&answered), signer.showing(2));
        let accepted = behind.accept(sent, answered.clone(), None, &shown, none);
        accepted.await.unwrap();
        seen = answered;
    }
}

/// A process that has seen this much of a log runs on while the memory on disk is lost.
async fn without_memory(dir: &tempfile::TempDir, log: &Log, size: u64) -> Tracker {
    let running = tracker(dir);
    show(&running, log, size).await.unwrap();
    std::fs::remove_dir_all(dir.path().join("vaults")).unwrap();
    running
}

#[tokio::test]
async fn what_a_process_has_accepted_is_linked_with_what_a_new_memory_began_with() {
    let (log, other) = (Log::of("a", 30), Log::of("b", 30));
    for (kept, honest) in [(25, true), (25, false), (18, true), (18, false)] {
        let dir = tempfile::tempdir().unwrap();
        let running = without_memory(&dir, &log, 18).await;
        let shown = if honest { &log } else { &other };
        show(&tracker(&dir), shown, kept).await.unwrap();
        running.read_again();
        assert_eq!(running.seen().await, Some(shown.head(kept)), "the longer");
        let answered = show(&running, shown, 26).await;
        assert_eq!(answered.is_ok(), honest, "{kept}");
        if let Err(error) = answered {
            assert_eq!(error.code, ErrorCode::ForkDetected);
            let heads = error.heads.as_ref().unwrap();
            assert_eq!(heads.seen, log.head(18));
            let answered = if kept == 18 { 18 } else { 26 };
            assert_eq!(heads.answered, other.head(answered));
        }
    }
}

#[tokio::test]
async fn what_another_process_has_linked_already_is_linked_once_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::of("a", 30);
    let (first, second) = (tracker(&dir), tracker(&dir));
    show(&first, &log, 5).await.unwrap();
    show(&second, &log, 20).await.unwrap();
    first.read_again();
    for (size, proofs) in [(21, 2), (22, 1)] {
        let asked = Cell::new(0);
        let prove = |old, new| {
            asked.set(asked.get() + 1);
            log.prove(old, new)
        };
        let seen = first.seen().await;
        let answered = log.head(size);
        let accepted = first.accept(seen.as_ref(), answered, None, &SHOWN, prove);
        accepted.await.unwrap();
        assert_eq!(asked.get(), proofs);
    }
}

#[tokio::test]
async fn a_process_lets_go_of_what_it_has_accepted_once_that_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(5);
    let vault = signer.vault();
    let open = || Tracker::open(vault, HeadStore::new(dir.path())).unwrap();
    let none = async |_, _| Ok(Vec::new());
    let shown = signer.showing(1);
    let (own, other) = (signer.head("a", 18), signer.head("b", 18));
    let accept = async |tracker: &Tracker, head: &SeenHead| {
        let seen = tracker.seen().await;
        let accepted = tracker.accept(seen.as_ref(), head.clone(), None, &shown, none);
        accepted.await
    };
    let running = open();
    accept(&running, &own).await.unwrap();
    std::fs::remove_dir_all(dir.path().join("vaults")).unwrap();
    accept(&open(), &other).await.unwrap();
    running.read_again();
    let error = accept(&running, &other).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ForkDetected);
    assert!(running.standing().is_err());
    let store = HeadStore::new(dir.path());
    let kept = store.evidence(&vault).unwrap();
    assert_eq!(
        kept[0].evidence.check().unwrap().proven,
        vault_audit::Proven::TwoLogs
    );
    store.acknowledge(&kept[0], GoOnWith::Answered).unwrap();
    running.read_again();
    assert_eq!(running.standing().unwrap(), []);
    accept(&running, &other).await.unwrap();
}

#[tokio::test]
async fn a_decision_counts_before_what_others_have_seen_is_held_against_the_vault() {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::new(5);
    let vault = signer.vault();
    let (put_back, kept) = (signer.head("b", 9), signer.head("a", 20));
    let (store, shown) = (HeadStore::new(dir.path()), signer.showing(1));
    store.remember(&vault, &put_back, None, &shown).unwrap();
    let note = signer.note(&kept);
    assert_eq!(store.take(&vault, &[note], VaultId(sha256(b"other"))), []);
    let running = Tracker::open(vault, HeadStore::new(dir.path())).unwrap();
    assert_eq!(running.seen().await, Some(put_back.clone()));
    let (code, key) = (ErrorCode::ForkDetected, signer.key);
    store.refuted(code, key, put_back, kept.clone());
    let forked = store.evidence(&vault).unwrap();
    store.acknowledge(&forked[0], GoOnWith::Answered).unwrap();
    running.read_again();
    let told = running.standing().unwrap();
    assert_eq!(told.len(), 1);
    let none = async |_, _| Ok(Vec::new());
    running.hold(&told[0], kept, &shown, none).await.unwrap();
}
