use super::*;
use vault_encoding::sha256;

fn head(size: u64) -> SeenHead {
    SeenHead {
        size,
        root: sha256(&size.to_be_bytes()),
        checkpoint: b"note\n".to_vec(),
    }
}

fn vault() -> VaultId {
    VaultId(sha256(b"vault"))
}

const SHOWN: Showing = Showing {
    key: LogKey::from_public([7; 32]),
    boot_id: [1; 16],
};

#[test]
fn the_longest_head_wins_and_survives_a_new_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = HeadStore::new(dir.path());
    assert_eq!(store.head(&vault()).unwrap(), None);
    assert_eq!(
        store.remember(&vault(), &head(3), None, &SHOWN).unwrap(),
        Remembered::Advanced
    );
    assert_eq!(
        store.remember(&vault(), &head(2), None, &SHOWN).unwrap(),
        Remembered::Older
    );
    assert_eq!(
        store.remember(&vault(), &head(3), None, &SHOWN).unwrap(),
        Remembered::Same
    );
    assert_eq!(
        store.remember(&vault(), &head(4), None, &SHOWN).unwrap(),
        Remembered::Unlinked(head(3))
    );
    let again = HeadStore::new(dir.path());
    assert_eq!(again.head(&vault()).unwrap(), Some(head(3)));
    let boot = again.last_boot(&vault()).unwrap().unwrap();
    assert_eq!((boot.id, boot.from, boot.to), ([1; 16], 3, 3));
    let key = again.identity_key(&vault()).unwrap();
    assert_eq!(key, Some(SHOWN.key.to_spki()));
}

#[test]
fn another_root_of_the_same_size_is_a_contradiction_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = HeadStore::new(dir.path());
    store.remember(&vault(), &head(3), None, &SHOWN).unwrap();
    let other = SeenHead {
        root: sha256(b"other"),
        ..head(3)
    };
    assert_eq!(
        store.remember(&vault(), &other, None, &SHOWN).unwrap(),
        Remembered::Contradicts(head(3))
    );
    assert_eq!(store.head(&vault()).unwrap(), Some(head(3)));
}

#[test]
fn a_damaged_file_is_an_error_and_never_an_empty_memory() {
    let dir = tempfile::tempdir().unwrap();
    let store = HeadStore::new(dir.path());
    store.remember(&vault(), &head(3), None, &SHOWN).unwrap();
    std::fs::write(store.head_file(&vault()), b"{").unwrap();
    assert_eq!(
        store.head(&vault()).unwrap_err().code,
        ErrorCode::FileInaccessible
    );
}

#[test]
fn many_writers_leave_the_maximum() {
    let dir = tempfile::tempdir().unwrap();
    let store = HeadStore::new(dir.path());
    std::thread::scope(|scope| {
        for writer in 0..8u64 {
            let store = store.clone();
            scope.spawn(move || {
                for step in 0..10 {
                    let mine = head(1 + writer + step * 8);
                    let mut kept = None;
                    while let Remembered::Unlinked(shorter) = store
                        .remember(&vault(), &mine, kept.as_ref(), &SHOWN)
                        .unwrap()
                    {
                        kept = Some(shorter);
                    }
                }
            });
        }
    });
    assert_eq!(store.head(&vault()).unwrap(), Some(head(80)));
}

#[test]
fn two_starts_that_grow_one_log_in_turn_are_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let store = HeadStore::new(dir.path());
    let shown_by = |boot| Showing {
        boot_id: [boot; 16],
        ..SHOWN
    };
    let mut kept = None;
    for (size, boot) in [(3, 1), (5, 2)] {
        let remembered = store.remember(&vault(), &head(size), kept.as_ref(), &shown_by(boot));
        assert_eq!(remembered.unwrap(), Remembered::Advanced);
        kept = Some(head(size));
    }
    let remembered = store.remember(&vault(), &head(7), kept.as_ref(), &shown_by(1));
    assert_eq!(remembered.unwrap(), Remembered::Interleaved(head(5)));
    assert_eq!(store.head(&vault()).unwrap(), Some(head(5)));
}

#[test]
fn a_memory_that_an_earlier_release_wrote_is_read_and_every_new_beginning_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let store = HeadStore::new(dir.path());
    store.remember(&vault(), &head(3), None, &SHOWN).unwrap();
    let path = store.head_file(&vault());
    let text = std::fs::read_to_string(&path).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let removed = json.as_object_mut().unwrap().remove("generation");
    assert_eq!(removed, Some(0.into()));
    std::fs::write(&path, json.to_string()).unwrap();
    let generation = || store.memory(&vault()).unwrap().unwrap().generation;
    assert_eq!(generation(), 0);
    for begun in 1..=2 {
        let locked = Locked::acquire(&store.vault_dir(&vault())).unwrap();
        let anew = store.begin_anew(&locked, &vault(), &head(2), &SHOWN.key);
        drop(locked);
        anew.unwrap();
        let grown = store.remember(&vault(), &head(4), Some(&head(2)), &SHOWN);
        assert_eq!(grown.unwrap(), Remembered::Advanced);
        assert_eq!(generation(), begun, "a head that grows it is of the same");
    }
}
