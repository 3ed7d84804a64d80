//! The owner key's file and the records.

use crate::support::{World, failure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use vault_client::ErrorCode;
use vault_client::secret::{OwnerKey, OwnerKeyFile, Secrets, SetRecord};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_owner_key_is_made_once_for_its_user_only_and_is_told_until_it_is_exported() {
    let dir = tempfile::tempdir().unwrap();
    let file = OwnerKeyFile::new(dir.path().join("owner.key.json"));
    assert_eq!(file.exported().unwrap(), None);
    let key = file.load_or_create().unwrap();
    assert_eq!(file.load_or_create().unwrap().id(), key.id());
    assert_eq!(mode(file.path()), 0o600);
    assert_eq!(file.exported().unwrap(), Some(false));
    let copy = dir.path().join("copy.json");
    file.export(&copy).unwrap();
    assert_eq!(mode(&copy), 0o600);
    assert_eq!(file.exported().unwrap(), Some(true));
    assert!(file.export(&copy).is_err(), "no file is overwritten");
    let other = OwnerKeyFile::new(dir.path().join("elsewhere.json"));
    assert_eq!(other.import(&copy).unwrap().id(), key.id());
    assert_eq!(other.load().unwrap().unwrap().id(), key.id());
    let mut left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    left.sort();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().ends_with(".next")),
        "{left:?}"
    );
}

#[test]
fn an_import_replaces_no_other_key() {
    let dir = tempfile::tempdir().unwrap();
    let one = OwnerKeyFile::new(dir.path().join("one.json"));
    let two = OwnerKeyFile::new(dir.path().join("two.json"));
    let kept = one.load_or_create().unwrap().id();
    two.load_or_create().unwrap();
    assert!(one.import(two.path()).is_err());
    assert_eq!(one.load().unwrap().unwrap().id(), kept);
    assert!(one.import(&dir.path().join("none.json")).is_err());
}

#[test]
fn an_owner_key_that_is_damaged_or_open_to_others_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = OwnerKeyFile::new(dir.path().join("owner.key.json"));
    file.load_or_create().unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(file.load().is_err());
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    let at = text.find("\"key\": \"").unwrap() + 9;
    let mut digits = text.clone().into_bytes();
    digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
    for damaged in [
        digits,
        b"{}".to_vec(),
        Vec::new(),
        text.as_bytes()[..40].to_vec(),
    ] {
        fs::write(file.path(), damaged).unwrap();
        assert_eq!(file.load().err().unwrap().code, ErrorCode::FileInaccessible);
        assert!(
            file.load_or_create().is_err(),
            "never replaced by a new one"
        );
    }
}

#[test]
fn many_processes_that_make_the_owner_key_at_once_agree_on_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("owner.key.json");
    let ids: Vec<_> = std::thread::scope(|scope| {
        let make = || OwnerKeyFile::new(&path).load_or_create().unwrap().id();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn a_record_is_for_its_user_only_and_every_altered_byte_of_it_is_refused() {
    let world = World::new(2);
    world.split("s", b"secret", 2).await;
    let path = world.dir().join("s").join("record.json");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&world.dir().join("s")), 0o700);
    let bytes = fs::read(&path).unwrap();
    let owner = world.owner();
    let record = SetRecord::from_bytes(&bytes, &owner).unwrap();
    assert_eq!(record.to_bytes(&owner), bytes);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(
            SetRecord::from_bytes(&altered, &owner).is_none(),
            "byte {at}"
        );
        assert!(
            SetRecord::from_bytes(&bytes[..at], &owner).is_none(),
            "cut at {at}"
        );
    }
    let stranger = OwnerKey::generate().unwrap();
    assert!(SetRecord::from_bytes(&bytes, &stranger).is_none());
    let other = Secrets::new(world.dir(), stranger);
    assert_eq!(
        other.record("s").unwrap_err().code,
        ErrorCode::VerificationFailed
    );
}

#[tokio::test]
async fn a_record_under_another_name_is_refused() {
    let world = World::new(2);
    world.split("a", b"secret", 2).await;
    world.split("b", b"other", 2).await;
    let of = |name| world.dir().join(name).join("record.json");
    fs::copy(of("a"), of("b")).unwrap();
    let refused = failure(world.read("b").await);
    assert_eq!(refused.error.code, ErrorCode::VerificationFailed);
    assert_eq!(world.secrets().names().unwrap(), ["a", "b"]);
}
