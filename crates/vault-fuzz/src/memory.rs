//! The files in which a client remembers, and its owner key: what does not read is an error and never an
//! empty memory, what reads is written again as the same, and evidence has one spelling.

use crate::golden::Owned;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::LazyLock;
use vault_audit::{Checkpoint, HeadEvidence, LogKey};
use vault_client::secret::OwnerKeyFile;
use vault_client::{ErrorCode, GoOnWith, HeadStore, KeyPin, RememberedManifest};
use vault_core::CheckpointSigner;
use vault_encoding::{Hash, sha256};
use vault_policy::{KeyHandle, Lineage, VaultId};

const ID: Hash = Hash([9; 32]);

struct Place {
    owned: Owned,
    dir: PathBuf,
    vault: VaultId,
    store: HeadStore,
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let owned = Owned::of(&[7; 32]);
    let dir = crate::folder();
    let vault = VaultId(owned.key.vault_id());
    let of_vault = dir.join("vaults").join(vault.to_string());
    let (root, constellation) = (dir.join("roots"), dir.join("constellations"));
    for folder in [of_vault, root.join(ID.to_string()), constellation.join(ID.to_string())] {
        fs::create_dir_all(folder).expect("a folder");
    }
    Place {
        owned,
        store: HeadStore::new(&dir),
        dir,
        vault,
    }
});

/// The note over a log of this size, for seeds and evidence.
pub fn note(size: u64) -> String {
    let note = note_of(size, sha256(&size.to_be_bytes()));
    String::from_utf8(note).expect("a text")
}

/// The note over a log of this size and root.
pub(crate) fn note_of(size: u64, root: Hash) -> Vec<u8> {
    let owned = &PLACE.owned;
    let checkpoint = Checkpoint {
        vault_id: owned.key.vault_id(),
        size,
        root,
    };
    checkpoint.sign(&owned.key, |text| owned.signer.sign(text).expect("a key"))
}

/// The key of the log that the notes are of.
pub fn key() -> LogKey {
    PLACE.owned.key
}

/// One input: which file, then its bytes.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let vault = format!("vaults/{}", PLACE.vault);
    match mode % 9 {
        0 => with(&format!("{vault}/head.json"), body, head),
        1 => with(&format!("{vault}/carried.json"), body, carried),
        2 => with(&format!("{vault}/keys.json"), body, pins),
        3 => with(&format!("{vault}/follow-siem.json"), body, position),
        4 => with(&format!("roots/{ID}/floors.json"), body, floors),
        5 => with(&format!("constellations/{ID}/manifest.json"), body, manifest),
        6 => with(&format!("constellations/{ID}/signed.json"), body, signed),
        7 => evidence(body),
        _ => with("owner.key.json", body, owner_key),
    }
}

/// Puts the file there, and takes it away again.
fn with(name: &str, body: &[u8], check: fn(&[u8])) {
    let path = PLACE.dir.join(name);
    fs::write(&path, body).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file");
    check(body);
    fs::remove_file(&path).expect("a file");
}

fn damaged<T>(read: vault_client::Result<T>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            assert_eq!(error.code, ErrorCode::FileInaccessible, "{error}");
            None
        }
    }
}

fn head(_: &[u8]) {
    let Place { store, vault, .. } = &*PLACE;
    if let Some(head) = damaged(store.head(vault)) {
        assert!(head.is_some(), "a file is not an empty memory");
    }
    damaged(store.identity_key(vault));
    damaged(store.last_boot(vault));
    damaged(store.to_carry(vault));
}

fn carried(_: &[u8]) {
    let Place { store, vault, .. } = &*PLACE;
    if let Some(told) = damaged(store.told(vault)) {
        let notes = damaged(store.to_carry(vault)).expect("read before");
        assert!(notes.len() <= told.len());
    }
}

fn pins(_: &[u8]) {
    let Place { store, vault, .. } = &*PLACE;
    let pin = KeyPin {
        handle: KeyHandle([1; 16]),
        lineage: Lineage(Hash([2; 32])),
    };
    let before = damaged(store.lineage(vault, &pin.handle));
    let pinned = store.pin(vault, std::slice::from_ref(&pin));
    match before {
        Some(Some(lineage)) => assert_eq!(pinned.is_ok(), lineage == pin.lineage),
        Some(None) => {
            pinned.expect("a free handle");
            let after = store.lineage(vault, &pin.handle).expect("written");
            assert_eq!(after, Some(pin.lineage));
        }
        None => assert!(pinned.is_err(), "a damaged pin gives way to nothing"),
    }
}

fn position(_: &[u8]) {
    let Place { store, vault, .. } = &*PLACE;
    let Some(position) = damaged(store.position(vault, "siem")) else {
        return;
    };
    let mut position = position.expect("a file is not the beginning");
    store.keep_position(vault, "siem", &position).expect("a folder");
    let again = store.position(vault, "siem").expect("written");
    assert_eq!(again.as_ref(), Some(&position));
    position.frontier.push(sha256(b"the next leaf"));
}

fn floors(_: &[u8]) {
    let store = &PLACE.store;
    let Some(floors) = damaged(store.floors(&ID)) else {
        return;
    };
    let mut higher = floors.clone();
    higher.root_crl = higher.root_crl.max(1);
    higher.families.entry([7; 6]).or_insert(ratls::FamilyFloor {
        tcb_evaluation_data_number: 1,
        pck_crl: 1,
    });
    store.raise_floors(&ID, &higher).expect("a folder");
    assert_eq!(store.floors(&ID).expect("written"), higher);
    store.raise_floors(&ID, &floors).expect("a folder");
    assert_eq!(store.floors(&ID).expect("written"), higher, "a floor sank");
}

fn manifest(_: &[u8]) {
    let store = &PLACE.store;
    let Some(seen) = damaged(store.manifest(&ID)) else {
        return;
    };
    let seen = seen.expect("a file is not an empty memory");
    let offered = [sha256(b"1"), sha256(b"2")];
    let remembered = store.remember_manifest(&ID, &offered).expect("read before");
    let newest = remembered == RememberedManifest::Newest;
    let now = store.manifest(&ID).expect("written").expect("a file");
    let at = usize::try_from(seen.version).ok().and_then(|version| version.checked_sub(1));
    let holds = at.and_then(|at| offered.get(at)) == Some(&seen.hash);
    assert_eq!(newest, holds, "a history without what was seen");
    assert_eq!(now.version, if newest { 2 } else { seen.version });
}

fn signed(_: &[u8]) {
    let store = &PLACE.store;
    let first = store.remember_signed(&ID, &[sha256(b"1")]);
    if let Some(RememberedManifest::Newest) = damaged(first) {
        let other = store.remember_signed(&ID, &[sha256(b"other")]).expect("read before");
        assert!(matches!(other, RememberedManifest::SignedOther(_)), "two were signed");
    }
    let seen = PLACE.dir.join(format!("constellations/{ID}/manifest.json"));
    let _ = fs::remove_file(seen);
}

/// In `%1` to `%3` stand notes over logs of that size.
fn evidence(body: &[u8]) {
    let text = String::from_utf8_lossy(body).into_owned();
    let escaped = |size| note(size).replace('\n', "\\n");
    let body = (1..=3).fold(text, |text, size| text.replace(&format!("%{size}"), &escaped(size)));
    let Ok(evidence) = HeadEvidence::from_bytes(body.as_bytes()) else {
        return;
    };
    assert_eq!(evidence.to_bytes(), body.strip_suffix('\n').unwrap_or(&body).as_bytes());
    let checked = evidence.check();
    if let Ok(checked) = &checked {
        let heads = [checked.seen, checked.answered];
        assert!(heads.iter().all(|head| head.vault_id == evidence.key.vault_id()));
        assert_ne!(heads[0], heads[1], "one head contradicts itself");
    }
    if evidence.key != PLACE.owned.key {
        return;
    }
    let Place { dir, store, vault, .. } = &*PLACE;
    let folder = dir.join("vaults").join(vault.to_string());
    let path = folder.join(format!("evidence-{}.json", evidence.id()));
    fs::write(&path, &body).expect("a file");
    for kept in damaged(store.evidence(vault)).unwrap_or_default() {
        assert_eq!(kept.evidence, evidence);
        let acknowledged = store.acknowledge(&kept, GoOnWith::Answered);
        assert!(acknowledged.is_ok() || checked.is_err(), "two heads that the vault signed");
    }
    for name in [path, folder.join("acknowledged.json"), folder.join("head.json")] {
        let _ = fs::remove_file(name);
    }
}

fn owner_key(_: &[u8]) {
    let file = OwnerKeyFile::new(PLACE.dir.join("owner.key.json"));
    let Some(key) = damaged(file.load()) else {
        return;
    };
    let key = key.expect("a file is not the absence of a key");
    let copy = PLACE.dir.join("copy.key.json");
    file.export(&copy).expect("a folder");
    assert_eq!(file.exported().expect("written"), Some(true));
    let again = OwnerKeyFile::new(&copy).load().expect("written").expect("a file");
    assert_eq!(again.id(), key.id());
    fs::remove_file(copy).expect("a file");
}
