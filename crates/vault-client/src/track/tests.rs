use super::*;
use crate::error::ErrorCode;
use merkle::{Tree, leaf_hash};
use std::cell::Cell;
use vault_encoding::sha256;

mod shared;

const SHOWN: Showing = Showing {
    key: vault_audit::LogKey::from_public([7; 32]),
    boot_id: [1; 16],
};

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
    let vault = VaultId(SHOWN.key.vault_id());
    Tracker::open(vault, HeadStore::new(dir.path())).unwrap()
}

/// Shows the head of this size, as an answer to a call that carried what was seen.
async fn show(tracker: &Tracker, log: &Log, size: u64) -> Result<()> {
    let seen = tracker.seen().await;
    tracker
        .accept(seen.as_ref(), log.head(size), None, &SHOWN, |old, new| {
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
    let sent_before = first.seen().await;
    let second = tracker(&dir);
    assert_eq!(second.seen().await, Some(log.head(20)));
    show(&second, &log, 40).await.unwrap();
    // The first process is answered less than the second has kept meanwhile, and that is no rollback.
    let prove = |old, new| log.prove(old, new);
    let answered = log.head(30);
    let accepted = first.accept(sent_before.as_ref(), answered, None, &SHOWN, prove);
    accepted.await.unwrap();
    assert_eq!(first.seen().await, Some(log.head(40)));
}

#[tokio::test]
async fn a_shorter_log_is_a_rollback_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (tracker, log) = (tracker(&dir), Log::of("a", 20));
    show(&tracker, &log, 20).await.unwrap();
    let restarted = Showing {
        boot_id: [2; 16],
        ..SHOWN
    };
    let seen = tracker.seen().await;
    let prove = |old, new| log.prove(old, new);
    let shorter = log.head(12);
    let error = tracker
        .accept(seen.as_ref(), shorter, None, &restarted, prove)
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::RollbackDetected);
    let heads = error.heads.as_ref().unwrap();
    assert_eq!((heads.seen.size, heads.answered.size), (20, 12));
    assert!(heads.evidence.as_ref().unwrap().exists());
    assert_eq!(tracker.seen().await, Some(log.head(20)));
    // Within one start a log cannot shrink: there is more than one of the vault.
    let error = show(&tracker, &log, 12).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ForkDetected);
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
        .accept(early.as_ref(), log.head(9), None, &SHOWN, |old, new| {
            log.prove(old, new)
        })
        .await
        .unwrap();
    let forked = tracker
        .accept(early.as_ref(), other.head(9), None, &SHOWN, |old, new| {
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
        .accept(
            seen.as_ref(),
            log.head(10),
            Some(&log.own(9)),
            &SHOWN,
            prove,
        )
        .await
        .unwrap();
    assert_eq!(asked.get(), 0);
    let seen = tracker.seen().await;
    let own = other.own(10);
    let forked = tracker
        .accept(seen.as_ref(), other.head(11), Some(&own), &SHOWN, prove)
        .await;
    assert_eq!(forked.unwrap_err().code, ErrorCode::ForkDetected);
    assert_eq!(asked.get(), 1);
}

#[tokio::test]
async fn ones_own_entry_at_another_place_proves_nothing() {
    for size in 1..=16u64 {
        let log = Log::of("a", size);
        let leaf = |index| log.0.leaf(index).unwrap();
        // Every order of the old leaves and a new one that begins with the new one.
        let turned = (0..size).map(|by| {
            let leaves = (0..size).map(|index| leaf((index + by) % size));
            Tree::from_leaves([leaf_hash(b"new")].into_iter().chain(leaves))
        });
        for (by, tree) in turned.enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let tracker = tracker(&dir);
            show(&tracker, &log, size).await.unwrap();
            let own = Logged {
                index: 0,
                request_salt: Hash::default(),
                leaf: Vec::new(),
                proof: tree.inclusion(0, size + 1).unwrap(),
            };
            let other = Log(tree);
            let seen = tracker.seen().await;
            let prove = |old, new| other.prove(old, new);
            let forked = tracker
                .accept(
                    seen.as_ref(),
                    other.head(size + 1),
                    Some(&own),
                    &SHOWN,
                    prove,
                )
                .await;
            let code = forked.map_err(|error| error.code);
            assert_eq!(code, Err(ErrorCode::ForkDetected), "{size} turned by {by}");
        }
    }
}

/// A head that another vault carried here.
fn told(log: &Log, size: u64) -> ToldHead {
    ToldHead {
        head: log.head(size),
        carried_by: VaultId(sha256(b"other vault")),
        proven: false,
    }
}

#[tokio::test]
async fn what_others_have_seen_is_held_against_the_vault_in_every_order_of_sizes() {
    let (log, other) = (Log::of("a", 20), Log::of("b", 20));
    let mut held = 0;
    for (known, heard, shown) in
        (1..=6).flat_map(|a| (1..=6).flat_map(move |b| (1..=6).map(move |c| (a, b, c))))
    {
        for honest in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let tracker = tracker(&dir);
            show(&tracker, &log, known).await.unwrap();
            let heard_of = if honest { &log } else { &other };
            let prove = |old, new| log.prove(old, new);
            let told = told(heard_of, heard);
            let answer = log.head(shown);
            let verdict = tracker.hold(&told, answer, &SHOWN, prove).await;
            let code = verdict.map_err(|error| error.code);
            match (honest, heard <= shown) {
                (true, true) => assert_eq!(code, Ok(()), "{known} {heard} {shown}"),
                // The same start has shown a longer log to this client, or has not.
                (_, false) if heard <= known => assert_eq!(code, Err(ErrorCode::ForkDetected)),
                (_, false) => assert_eq!(code, Err(ErrorCode::RollbackDetected)),
                (false, true) => assert_eq!(code, Err(ErrorCode::ForkDetected)),
            }
            held += 1;
            if code.is_err() {
                assert!(
                    tracker.standing().is_err(),
                    "no call goes on without a person"
                );
            }
        }
    }
    println!("{held} heads of others held against a vault");
}

#[tokio::test]
async fn evidence_stops_every_use_until_it_is_acknowledged_and_only_for_that_pair() {
    use crate::heads::GoOnWith;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let dir = tempfile::tempdir().unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
    let key = vault_audit::LogKey::from_public(pair.public_key().as_ref().try_into().unwrap());
    let vault = VaultId(key.vault_id());
    let store = HeadStore::new(dir.path());
    let (log, other) = (Log::of("a", 20), Log::of("b", 20));
    let sign = |head: SeenHead| {
        let at = Checkpoint {
            vault_id: vault.0,
            size: head.size,
            root: head.root,
        };
        let checkpoint = at.sign(&key, |text| pair.sign(text).as_ref().try_into().unwrap());
        SeenHead { checkpoint, ..head }
    };
    let boot = |boot| Showing {
        key,
        boot_id: [boot; 16],
    };
    let accept = async |tracker: &Tracker, head: SeenHead, shown: &Showing| {
        let seen = tracker.seen().await;
        let prove = |old, new| log.prove(old, new);
        tracker
            .accept(seen.as_ref(), head, None, shown, prove)
            .await
    };
    let tracker = Tracker::open(vault, store.clone()).unwrap();
    accept(&tracker, sign(log.head(20)), &boot(1))
        .await
        .unwrap();
    assert_eq!(tracker.standing().unwrap(), []);
    let error = accept(&tracker, sign(other.head(9)), &boot(2))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::RollbackDetected);
    let refused = tracker.standing().unwrap_err();
    assert_eq!(refused.heads, error.heads);
    let kept = store.evidence(&vault).unwrap();
    assert_eq!(kept.len(), 1);
    let (seen, answered) = (&kept[0].evidence.seen, &kept[0].evidence.answered);
    assert_eq!(
        (seen.boot_id, answered.boot_id),
        (Some([1; 16]), Some([2; 16]))
    );
    let checked = kept[0].evidence.check().unwrap();
    assert_eq!(checked.proven, vault_audit::Proven::ShorterLater);

    // To go on with what was seen does not make the shorter log right.
    store.acknowledge(&kept[0], GoOnWith::Seen).unwrap();
    assert_eq!(tracker.standing().unwrap(), []);
    let again = accept(&tracker, sign(other.head(8)), &boot(2))
        .await
        .unwrap_err();
    assert_eq!(again.code, ErrorCode::RollbackDetected);
    assert!(tracker.standing().is_err());

    // To go on with the shorter log begins the memory anew, there.
    let kept = store.evidence(&vault).unwrap();
    let open = kept
        .iter()
        .find(|kept| kept.acknowledged.is_none())
        .unwrap();
    store.acknowledge(open, GoOnWith::Answered).unwrap();
    let tracker = Tracker::open(vault, store.clone()).unwrap();
    assert_eq!(tracker.seen().await, Some(sign(other.head(8))));
    assert_eq!(tracker.standing().unwrap(), []);
    let shorter = accept(&tracker, sign(other.head(7)), &boot(2))
        .await
        .unwrap_err();
    assert_eq!(shorter.code, ErrorCode::RollbackDetected);
}
