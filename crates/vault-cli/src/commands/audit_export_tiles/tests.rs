//! Exports that grow, are interrupted and are damaged, without a vault.

use super::*;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use vault_client::ErrorCode;

fn key(pair: &Ed25519KeyPair) -> LogKey {
    LogKey::from_public(pair.public_key().as_ref().try_into().unwrap())
}

fn leaf(number: u64) -> Vec<u8> {
    let entry = Entry {
        time_lo: Some(number),
        time_hi: None,
        principals: Vec::new(),
        operation: "sign".into(),
        handle: String::new(),
        version: None,
        lineage: None,
        policy_hash: None,
        request_hash: None,
        change_hash: None,
        approvals: Vec::new(),
        allowed: true,
        reason: String::new(),
        outcome: "ok".into(),
    };
    entry.to_leaf().unwrap()
}

fn head(pair: &Ed25519KeyPair, size: u64) -> SeenHead {
    let tree = LogTree::from_leaf_hashes((0..size).map(|n| merkle::leaf_hash(&leaf(n))));
    let key = key(pair);
    let checkpoint = tree.checkpoint(key.vault_id());
    let sign = |text: &[u8]| pair.sign(text).as_ref().try_into().unwrap();
    SeenHead {
        size,
        root: checkpoint.root,
        checkpoint: checkpoint.sign(&key, sign),
    }
}

/// What `write` does, with leaves that come from nowhere. Stops before the checkpoint if asked.
fn export(dir: &Path, pair: &Ed25519KeyPair, size: u64, interrupted: bool) {
    let before = Before::read(dir, &key(pair)).unwrap();
    let signed = before.head.as_ref().map_or(0, |head| head.size);
    let base = before.tree.size();
    let mut writer = Writer::new(dir, before.tree);
    for number in base..size {
        writer.leaf(leaf(number)).unwrap();
    }
    if !interrupted {
        writer.finish(signed.min(base), &head(pair, size)).unwrap();
    }
}

fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path.display().to_string()),
        }
    }
    found
}

#[test]
fn an_export_grows_and_holds_at_every_size_whether_or_not_it_was_interrupted() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("tiles");
    for (size, interrupted) in [
        (0, false),
        (1, false),
        (255, false),
        (256, false),
        (257, false),
        (900, true),
        (600, false),
        (700, false),
        (1024, false),
        (1030, false),
    ] {
        export(&dir, &pair, size, interrupted);
        if !interrupted {
            let local = audit_offline::tiles(&dir, &key(&pair)).unwrap();
            assert_eq!(local.head, head(&pair, size));
        }
    }
    let whole = scratch.path().join("whole");
    export(&whole, &pair, 1030, false);
    let names = |dir: &Path| {
        let prefix = format!("{}/", dir.display());
        let mut names: Vec<_> = files(dir)
            .iter()
            .map(|name| name.replace(&prefix, ""))
            .collect();
        names.sort();
        names
    };
    let (grown, whole_names) = (names(&dir), names(&whole));
    for name in &whole_names {
        let bytes = |dir: &Path| std::fs::read(dir.join(name)).unwrap();
        assert_eq!(bytes(&dir), bytes(&whole), "{name}");
    }
    // Partial tiles of earlier checkpoints stay until the tile is full.
    let left: Vec<_> = grown
        .iter()
        .filter(|name| !whole_names.contains(name))
        .collect();
    assert_eq!(
        left,
        ["tile/1/000.p/1", "tile/1/000.p/2"],
        "{whole_names:?}"
    );
}

#[test]
fn what_lies_in_the_place_of_a_tile_is_read_no_further_than_a_tile_may_be_long() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    export(scratch.path(), &pair, 300, false);
    for tile in new_tiles(0, 300) {
        let path = scratch.path().join(tile.path());
        let bytes = std::fs::read(&path).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        let read = files::read_tile(scratch.path(), &tile).unwrap().unwrap();
        assert_eq!(read.len() as u64, tile.most_bytes() + 1);
        let error = audit_offline::tiles(scratch.path(), &key(&pair)).err();
        assert_eq!(error.unwrap().code, ErrorCode::VerificationFailed);
        std::fs::write(&path, bytes).unwrap();
    }
    assert!(audit_offline::tiles(scratch.path(), &key(&pair)).is_ok());
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_is_not_one_that_is_absent() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    export(dir, &pair, 300, false);
    for path in files(dir) {
        let bytes = std::fs::read(&path).unwrap();
        let loops = || std::os::unix::fs::symlink(&path, &path).unwrap();
        let endless = || std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let folder = || std::fs::create_dir(&path).unwrap();
        for make in [&loops as &dyn Fn(), &endless, &folder] {
            std::fs::remove_file(&path).unwrap();
            make();
            let verified = audit_offline::tiles(dir, &key(&pair)).err().expect(&path);
            let continued = Before::read(dir, &key(&pair)).err().expect(&path);
            for error in [verified, continued] {
                assert_eq!(error.code, ErrorCode::FileInaccessible, "{path}: {error}");
            }
            let _ = std::fs::remove_dir(&path);
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, &bytes).unwrap();
        }
    }
    // A full bundle that is not needed yet: it would be taken over.
    let full = dir.join(bundle(1, TILE_WIDTH).path());
    std::fs::create_dir(&full).unwrap();
    let error = Before::read(dir, &key(&pair)).err().unwrap();
    assert_eq!(error.code, ErrorCode::FileInaccessible);
}

#[test]
fn a_damaged_export_is_not_continued() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("tiles");
    export(&dir, &pair, 300, false);
    let mut damages = 0;
    for path in files(&dir) {
        let bytes = std::fs::read(&path).unwrap();
        let flipped: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
        for damage in [&bytes[..bytes.len() - 1], &flipped[..], &[]] {
            std::fs::write(&path, damage).unwrap();
            let error = Before::read(&dir, &key(&pair)).err().expect(&path);
            assert_eq!(error.code, ErrorCode::VerificationFailed, "{path}");
            damages += 1;
        }
        std::fs::write(&path, bytes).unwrap();
    }
    println!("{damages} damages of an export were refused");
    assert!(Before::read(&dir, &key(&pair)).is_ok());
}
