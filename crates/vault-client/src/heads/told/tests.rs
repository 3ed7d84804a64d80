use super::*;
use crate::error::ErrorCode;
use crate::heads::signed::Signer;
use crate::heads::{GoOnWith, NOTE_BYTES};
use vault_audit::Checkpoint;
use vault_encoding::sha256;

fn via() -> VaultId {
    VaultId(sha256(b"other vault"))
}

fn take(store: &HeadStore, signer: &Signer, head: &SeenHead) {
    let errors = store.take(&signer.vault(), &[signer.note(head)], via());
    assert_eq!(errors, []);
}

#[test]
fn a_carrier_cannot_make_a_note_too_long_to_be_carried_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, signer) = (HeadStore::new(dir.path()), Signer::new(5));
    let honest = signer.note(&signer.head("a", 9));
    let line = "\u{2014} other MTIzNDU=\n";
    for (lines, taken) in [(98, false), (2, true)] {
        let mut note = honest.clone();
        note.checkpoint.extend(line.repeat(lines).into_bytes());
        Checkpoint::verify(&note.checkpoint, &signer.key).unwrap();
        let errors = store.take(&signer.vault(), &[note], via());
        assert_eq!(errors.is_empty(), taken, "{lines} lines more");
        assert_eq!(
            store.told(&signer.vault()).unwrap().len(),
            usize::from(taken)
        );
    }
    let notes = store.to_carry(&signer.vault()).unwrap();
    assert!(notes.iter().all(|note| note.checkpoint.len() <= NOTE_BYTES));
}

#[test]
fn what_is_taken_later_does_not_push_out_what_the_vault_has_not_shown_yet() {
    let dir = tempfile::tempdir().unwrap();
    let (store, signer) = (HeadStore::new(dir.path()), Signer::new(5));
    let vault = signer.vault();
    let first = signer.head("a", 7);
    take(&store, &signer, &first);
    for size in 100..120 {
        let head = signer.head("b", size);
        take(&store, &signer, &head);
    }
    let told = store.told(&vault).unwrap();
    assert_eq!(told.len(), MOST);
    assert_eq!(told[0].head, first);
    // What was shown makes room.
    let shown = signer.showing(1);
    let longest = signer.head("b", 120);
    store.remember(&vault, &longest, None, &shown).unwrap();
    store.prove_told(&vault, &signer.head("b", 100)).unwrap();
    let late = signer.head("b", 200);
    take(&store, &signer, &late);
    let told = store.told(&vault).unwrap();
    assert!(told.iter().all(|told| !told.proven) && told[MOST - 1].head == late);
}

#[test]
fn what_was_shown_counts_only_while_the_memory_of_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (store, signer) = (HeadStore::new(dir.path()), Signer::new(5));
    let (vault, shown) = (signer.vault(), signer.showing(1));
    let told = signer.head("a", 18);
    take(&store, &signer, &told);
    store
        .remember(&vault, &signer.head("a", 20), None, &shown)
        .unwrap();
    store.prove_told(&vault, &told).unwrap();
    let proven = || store.told(&vault).unwrap()[0].proven;
    assert!(proven());
    let memory = store.head_file(&vault);
    for damage in [true, false] {
        match damage {
            true => std::fs::write(&memory, b"{").unwrap(),
            false => std::fs::remove_file(&memory).unwrap(),
        }
        assert!(!proven());
    }
    // The vault was put back meanwhile, and is asked for what others have seen.
    store
        .remember(&vault, &signer.head("a", 9), None, &shown)
        .unwrap();
    assert!(!proven());
    let (put_back, longer) = (signer.head("a", 9), signer.head("b", 25));
    store
        .remember(&vault, &longer, Some(&put_back), &shown)
        .unwrap();
    assert!(!proven());
    let tracker = crate::track::Tracker::open(vault, store.clone()).unwrap();
    assert_eq!(tracker.standing().unwrap()[0].head, told);
}

#[test]
fn of_several_heads_each_is_taken_or_refused_for_itself_and_all_that_are_new_are_one_write() {
    let dir = tempfile::tempdir().unwrap();
    let (store, signer) = (HeadStore::new(dir.path()), Signer::new(5));
    let vault = signer.vault();
    let seen = signer.head("a", 20);
    let shown = signer.showing(1);
    store.remember(&vault, &seen, None, &shown).unwrap();
    let before = store.changes();
    let mut unsigned = signer.note(&signer.head("a", 40));
    unsigned.checkpoint.truncate(100);
    let foreign = Signer::new(6);
    let notes = [
        unsigned,
        signer.note(&seen),
        signer.note(&signer.head("a", 30)),
        foreign.note(&foreign.head("a", 30)),
        signer.note(&signer.head("a", 25)),
        signer.note(&signer.head("a", 30)),
    ];
    let errors = store.take(&vault, &notes, via());
    let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [ErrorCode::ReceiptInvalid; 2]);
    let told = store.told(&vault).unwrap();
    let sizes: Vec<_> = told.iter().map(|told| told.head.size).collect();
    assert_eq!(sizes, [30, 25]);
    assert_eq!(store.changes(), before + 1);
    // What is known already is not written again.
    assert_eq!(store.take(&vault, &notes[1..3], via()), []);
    assert_eq!(store.changes(), before + 1);
}

#[test]
fn of_several_heads_every_fork_is_evidence_and_the_others_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (store, signer) = (HeadStore::new(dir.path()), Signer::new(5));
    let vault = signer.vault();
    let shown = signer.showing(1);
    let seen = signer.head("a", 20);
    store.remember(&vault, &seen, None, &shown).unwrap();
    let heads = [("b", 20), ("a", 30), ("b", 30), ("a", 40)];
    let notes = heads.map(|(log, size)| signer.note(&signer.head(log, size)));
    let errors = store.take(&vault, &notes, via());
    assert_eq!(errors.len(), 2);
    assert!(errors.iter().all(|error| error.code.is_contradiction()));
    assert_eq!(store.evidence(&vault).unwrap().len(), 2);
    assert_eq!(store.told(&vault).unwrap().len(), 2);
    // What a person has decided against is not taken again.
    for kept in store.evidence(&vault).unwrap() {
        store.acknowledge(&kept, GoOnWith::Seen).unwrap();
    }
    assert_eq!(store.take(&vault, &notes, via()), []);
}
