use super::super::signed::Signer;
use super::*;
use vault_encoding::sha256;

fn via() -> VaultId {
    VaultId(sha256(b"other vault"))
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
        let took = store.take(&signer.vault(), &note, via());
        assert_eq!(took.is_ok(), taken, "{lines} lines more");
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
    store.take(&vault, &signer.note(&first), via()).unwrap();
    for size in 100..120 {
        let head = signer.head("b", size);
        store.take(&vault, &signer.note(&head), via()).unwrap();
    }
    let told = store.told(&vault).unwrap();
    assert_eq!(told.len(), MOST);
    assert_eq!(told[0].head, first);
    // What was shown makes room.
    store.prove_told(&vault, &signer.head("b", 100)).unwrap();
    let late = signer.head("b", 200);
    store.take(&vault, &signer.note(&late), via()).unwrap();
    let told = store.told(&vault).unwrap();
    assert!(told.iter().all(|told| !told.proven) && told[MOST - 1].head == late);
}
