//! Checkpoints, exports, tiles and proofs that `golang.org/x/mod/sumdb` made (`go/cmd/auditvectors`),
//! and exports of ours, whole and damaged, before the verifier that is built on it
//! (`go/cmd/auditverify`): both refuse the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "vectors are files")]
#![allow(clippy::disallowed_types, reason = "the other verifier is a process")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Log, bare_entry, damage, entry, proofs, tiles};
use vault_audit::{
    Checkpoint, CheckpointError, Export, ExportError, LogKey, NoteError, TilesError, verify_export,
    verify_tiles,
};
use vault_encoding::{Canonical, Hash, Limits, merkle};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(root().join("vectors/audit/go").join(name)).unwrap()
}

fn key() -> LogKey {
    let vkey = String::from_utf8(vector("identity.vkey")).unwrap();
    LogKey::from_vkey(vkey.trim_end()).unwrap()
}

fn read(tile: &vault_audit::Tile) -> Option<Vec<u8>> {
    std::fs::read(root().join("vectors/audit/go/tiles").join(tile.path())).ok()
}

#[test]
fn checkpoints_exports_and_tiles_of_the_go_library_hold() {
    let key = key();
    let head = Checkpoint::verify(&vector("checkpoint.note"), &key).unwrap();
    assert_eq!(head.size, 300);
    assert_eq!(Checkpoint::verify(&vector("cosigned.note"), &key), Ok(head));
    let export = Export::from_bytes(&vector("export.jsonl")).unwrap();
    let log = verify_export(&export, &key).unwrap();
    assert_eq!((log.head.size, log.checkpoints), (21, 3));
    let tiles = verify_tiles(&vector("tiles/checkpoint"), &key, read).unwrap();
    assert_eq!(tiles.head, head);
    assert_eq!(tiles.tree.root(), head.root);
    assert_eq!(tiles.tree.root_at(21), Some(log.head.root));
    let other = support::Log::new(support::seed()).key;
    let unknown = CheckpointError::Note(NoteError::UnknownSigner);
    let refused = verify_tiles(&vector("tiles/checkpoint"), &other, read);
    assert_eq!(refused.err(), Some(TilesError::Checkpoint(unknown)));
}

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    depth: 8,
    nodes: 1 << 16,
};

/// Verifies a file of proofs; `None` if one does not hold.
fn holds(text: &[u8]) -> Option<usize> {
    let file = Canonical::from_bytes(text, LIMITS).ok()?;
    let list = |name| match file.get(name) {
        Some(Canonical::List(items)) => Some(items.clone()),
        _ => None,
    };
    let (inclusion, consistency) = (list("inclusion")?, list("consistency")?);
    let text = |item: &Canonical, name| Some(item.get(name)?.as_text()?.to_owned());
    let number = |item: &Canonical, name| text(item, name)?.parse::<u64>().ok();
    let hash = |item: &Canonical, name| Hash::from_hex(&text(item, name)?);
    let proof = |item: &Canonical| -> Option<Vec<Hash>> {
        let Some(Canonical::List(steps)) = item.get("proof") else {
            return None;
        };
        steps
            .iter()
            .map(|step| Hash::from_hex(step.as_text()?))
            .collect()
    };
    let mut count = 0;
    for item in &inclusion {
        let (leaf, root) = (hash(item, "leaf_hash")?, hash(item, "root")?);
        let (index, size) = (number(item, "index")?, number(item, "size")?);
        count += usize::from(merkle::verify_inclusion(
            &leaf,
            index,
            size,
            &proof(item)?,
            &root,
        ));
    }
    for item in &consistency {
        let (old_root, new_root) = (hash(item, "old_root")?, hash(item, "new_root")?);
        let (old, new) = (number(item, "old")?, number(item, "new")?);
        let held = merkle::verify_consistency(old, new, &proof(item)?, &old_root, &new_root);
        count += usize::from(held);
    }
    (count == inclusion.len() + consistency.len()).then_some(count)
}

#[test]
fn proofs_of_the_go_library_hold_and_each_changed_one_does_not() {
    let text = vector("proofs.json");
    let count = holds(&text).unwrap();
    let mut changed = 0;
    for at in 1..text.len() - 65 {
        let hash = std::str::from_utf8(&text[at..at + 64]).unwrap();
        if text[at - 1] == b'"' && Hash::from_hex(hash).is_some() {
            let mut altered = text.clone();
            altered[at] = if text[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(holds(&altered), None, "byte {at}");
            changed += 1;
        }
    }
    println!("{count} proofs of the Go library hold, {changed} changed ones are refused");
    assert!(count > 100 && changed > 500);
}

/// The verdicts of the Go verifier, in the order of the names.
fn go(folder: &Path, key: &LogKey, names: &[String]) -> Vec<bool> {
    let program = folder.join("auditverify");
    let built = Command::new("go")
        .args(["build", "-o"])
        .args([program.as_os_str(), "./cmd/auditverify".as_ref()])
        .current_dir(root().join("go"))
        .output()
        .expect("Go is on the path");
    assert!(built.status.success(), "{built:?}");
    let origin = Log::new(support::seed())
        .tree
        .checkpoint(key.vault_id())
        .origin();
    let vkey = folder.join("vkey");
    std::fs::write(&vkey, key.to_vkey(&origin)).unwrap();
    let output = Command::new(program)
        .arg("-key")
        .arg(vkey)
        .args(names)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), names.len(), "{said}");
    said.lines()
        .map(|line| line.starts_with("holds: "))
        .collect()
}

#[test]
fn both_verifiers_accept_every_whole_export_and_refuse_every_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let (mut names, mut ours) = (Vec::new(), Vec::new());
    let mut judge = |bytes: Vec<u8>, key: &LogKey| {
        let name = format!("{}.export", names.len());
        std::fs::write(folder.path().join(&name), &bytes).unwrap();
        let held = Export::from_bytes(&bytes).is_ok_and(|read| verify_export(&read, key).is_ok());
        names.push(name);
        ours.push(held);
    };
    let log = Log::of(12, 5);
    for size in 1..=24 {
        judge(Log::of(size, 5).export.to_bytes(), &log.key);
    }
    let whole = 24;
    for (_, damaged) in damage::exports(&log) {
        judge(damaged.to_bytes(), &log.key);
    }
    let bytes = log.export.to_bytes();
    for cut in (0..bytes.len()).step_by(97) {
        judge(bytes[..cut].to_vec(), &log.key);
    }
    let theirs = go(folder.path(), &log.key, &names);
    for ((name, ours), theirs) in names.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours, theirs, "{name}");
    }
    let held = ours.iter().filter(|held| **held).count();
    println!(
        "{held} exports hold for both, {} are refused by both",
        names.len() - held
    );
    assert_eq!(held, whole);
    // With another key, none.
    let other = Log::new([7; 32]).key;
    assert!(
        go(folder.path(), &other, &names[..whole])
            .iter()
            .all(|held| !held)
    );
}

#[test]
fn both_verifiers_hold_tiles_of_every_shape_and_proofs_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 700] {
        let mut log = Log::new(support::seed());
        for number in 0..size {
            let mut entry = bare_entry();
            entry.outcome = number.to_string();
            log.append(entry.to_leaf().unwrap());
        }
        log.checkpoint();
        let name = format!("tiles-{size}");
        for (path, bytes) in tiles(&log) {
            let path = folder.path().join(&name).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        names.push(name);
    }
    let mut log = Log::new(support::seed());
    for number in 0..130 {
        log.append(entry(number).to_leaf().unwrap());
    }
    std::fs::write(
        folder.path().join("proofs"),
        proofs(&log, &[1, 2, 3, 64, 65, 127, 130]),
    )
    .unwrap();
    names.push("proofs".to_owned());
    let held = go(folder.path(), &log.key, &names);
    assert!(held.iter().all(|held| *held), "{held:?}");
}

#[test]
fn a_leaf_that_only_one_could_read_is_refused_by_both() {
    let folder = tempfile::tempdir().unwrap();
    let plain = String::from_utf8(bare_entry().to_leaf().unwrap()).unwrap();
    let long = "x".repeat(vault_audit::MAX_LEAF_BYTES - plain.len() + 2);
    let longest = plain.replace("\"outcome\":\"12\"", &format!("\"outcome\":\"{long}\""));
    let list = |count| {
        format!(
            "\"approvals\":[{}]",
            vec![format!("\"{}\"", "a".repeat(64)); count].join(",")
        )
    };
    let certificate = |principal: &str| {
        let principal = principal.replace("SPKI", &"ce".repeat(32));
        plain.replace(
            "\"principals\":[]",
            &format!("\"principals\":[{principal}]"),
        )
    };
    let leaves = [
        plain.clone(),
        longest.clone(),
        longest.replace("xx\"", "xxx\""),
        plain.replace("strangers", "a\u{7f}\u{e9}\u{1f600}<&>\u{2028}"),
        plain.replace("strangers", "\\u001b[31m\\n\\b\\\"\\\\"),
        plain.replace("strangers", "\\u001B"),
        plain.replace("strangers", "\\u000a"),
        plain.replace("strangers", "\\/"),
        plain.replace("strangers", "\\ud800"),
        plain.replace("\"strangers\"", "1"),
        plain.replace("\"strangers\"", "null"),
        plain.replace("\"format\"", " \"format\""),
        plain.replace("\"handle\":\"\",", ""),
        plain.replace("\"handle\":\"\",", "\"handle\":\"\",\"handle\":\"\","),
        plain.replace("\"handle\":\"\",", "\"handle\":\"\",\"hand\":\"\","),
        plain.replace("\"version\":\"\"", "\"version\":\"4294967295\""),
        plain.replace("\"version\":\"\"", "\"version\":\"4294967296\""),
        plain.replace("\"version\":\"\"", "\"version\":\"01\""),
        plain.replace("\"time_lo\":\"\"", "\"time_lo\":\"18446744073709551615\""),
        plain.replace("\"time_lo\":\"\"", "\"time_lo\":\"18446744073709551616\""),
        plain.replace("\"time_lo\":\"\"", "\"time_lo\":\"-1\""),
        plain.replace("\"allowed\":\"false\"", "\"allowed\":\"no\""),
        plain.replace(
            "\"lineage\":\"\"",
            &format!("\"lineage\":\"{}\"", "A".repeat(64)),
        ),
        plain.replace("\"approvals\":[]", "\"approvals\":[\"\"]"),
        plain.replace("\"approvals\":[]", &list(980)),
        plain.replace("\"approvals\":[]", &list(1008)),
        plain.replace("\"approvals\":[]", &list(1009)),
        plain.replace("\"approvals\":[]", &list(1010)),
        plain.replace("\"principals\":[]", "\"principals\":[{\"kind\":\"oidc\"}]"),
        plain.replace(
            "\"principals\":[]",
            "\"principals\":[{\"issuer\":\"\",\"kind\":\"oidc\",\"subject\":\"\"}]",
        ),
        plain.replace(
            "\"principals\":[]",
            "\"principals\":[{\"issuer\":[[[[]]]],\"kind\":\"oidc\",\"subject\":\"\"}]",
        ),
        format!("{plain} "),
        format!("\u{feff}{plain}"),
        certificate(r#"{"kind":"certificate","spki":"SPKI"}"#),
        certificate(r#"{"kind":"certificate"}"#),
        certificate(r#"{"kind":"certificate","spki":""}"#),
        certificate(r#"{"kind":"certificate","san":"","spki":"SPKI"}"#),
        certificate(r#"{"kind":"certificate","spki":"SPKI00"}"#),
    ];
    let (mut names, mut ours) = (Vec::new(), Vec::new());
    for leaf in leaves {
        let mut log = Log::new(support::seed());
        log.append(leaf.into_bytes());
        log.checkpoint();
        names.push(format!("{}.export", names.len()));
        std::fs::write(
            folder.path().join(&names[names.len() - 1]),
            log.export.to_bytes(),
        )
        .unwrap();
        let refused = |error| matches!(error, ExportError::Leaf { index: 0, .. });
        let verdict = verify_export(&log.export, &log.key);
        ours.push(verdict.is_ok());
        assert!(verdict.err().is_none_or(refused));
    }
    let key = Log::new(support::seed()).key;
    assert_eq!(go(folder.path(), &key, &names), ours);
    let held = ours.iter().filter(|held| **held).count();
    println!(
        "{held} leaves are entries for both, {} for none",
        ours.len() - held
    );
    assert!(held > 5);
}
