//! Mistakes that are told before anything is asked of a vault, and before a file is written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{EVAULT, Ended};

/// A call in this folder, without any vault.
fn call(dir: &Path, arguments: &[&str]) -> Ended {
    let output = Command::new(EVAULT)
        .args(arguments)
        .args(["--output", "json", "--config", "own.toml"])
        .current_dir(dir)
        .env_remove("EVAULT_MANIFEST")
        .env_remove("EVAULT_PROFILE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ended::of(&output)
}

/// The error object of one that ends with this code.
fn refused(dir: &Path, code: i32, arguments: &[&str]) -> Value {
    let ended = call(dir, arguments);
    let said = format!("{arguments:?}: {}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, code, "{said}");
    let value: Value = serde_json::from_str(&ended.stderr).expect(&said);
    value["error"].clone()
}

#[test]
fn two_outputs_that_are_one_file_are_refused_before_anything_is_asked_or_written() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    std::fs::create_dir(dir.join("sub")).unwrap();
    std::fs::write(dir.join("there"), "as it was").unwrap();
    std::fs::hard_link(dir.join("there"), dir.join("hard")).unwrap();
    std::os::unix::fs::symlink("there", dir.join("link")).unwrap();
    std::os::unix::fs::symlink("new", dir.join("dangling")).unwrap();
    let pairs = [
        ("new", "new"),
        ("new", "./sub/../new"),
        ("new", "dangling"),
        ("there", "link"),
        ("there", "hard"),
        ("-", "-"),
    ];
    for (out, other) in pairs {
        for flag in ["--checkpoint", "--identity", "--vkey"] {
            let export = ["audit", "export", "--out", out, flag, other];
            let error = refused(dir, 2, &export);
            assert_eq!(error["code"], "invalid_argument", "{error}");
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains("--out") && message.contains(flag),
                "{message}"
            );
        }
    }
    let both = ["--identity", "x", "--vkey", "x"];
    let error = refused(
        dir,
        2,
        &[&["audit", "export", "--out", "y"][..], &both].concat(),
    );
    assert_eq!(error["code"], "invalid_argument", "{error}");
    assert_eq!(std::fs::read(dir.join("there")).unwrap(), b"as it was");
    assert!(!dir.join("new").exists());
}

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/audit/evidence");
const WHOLE: &str = "936eb47daacee94f37ba81dd50d0bdc9";
const BROKEN: &str = "00000000000000000000000000000000";

/// A memory with two pieces of evidence of one vault, one of which cannot be read.
fn memory(dir: &Path) {
    let whole = std::fs::read(format!("{VECTORS}/two_logs.json")).unwrap();
    let value: Value = serde_json::from_slice(&whole).unwrap();
    let vault = value["vault_id"].as_str().unwrap();
    let kept = dir.join("state/vaults").join(vault);
    std::fs::create_dir_all(&kept).unwrap();
    std::fs::write(kept.join(format!("evidence-{WHOLE}.json")), whole).unwrap();
    std::fs::write(kept.join(format!("evidence-{BROKEN}.json")), "{").unwrap();
    std::fs::write(dir.join("own.toml"), "state_dir = \"state\"\n").unwrap();
}

#[test]
fn a_piece_of_evidence_that_cannot_be_read_hides_no_other() {
    let home = tempfile::tempdir().unwrap();
    memory(home.path());
    let listed = call(home.path(), &["vault", "evidence", "list"]);
    assert_eq!(listed.code, 2, "{}", listed.stderr);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["evidence"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["evidence"][0]["id"], WHOLE);
    let damaged = listed["damaged"].as_array().unwrap();
    assert_eq!(damaged.len(), 1, "{listed}");
    let message = damaged[0]["message"].as_str().unwrap();
    assert!(message.contains(BROKEN), "{message}");

    let shown = call(home.path(), &["vault", "evidence", "show", WHOLE]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let error = refused(home.path(), 2, &["vault", "evidence", "show", BROKEN]);
    assert_eq!(error["code"], "file_inaccessible");
}

#[test]
fn what_no_vault_was_asked_is_told_as_wrong_usage_and_not_as_its_refusal() {
    let home = tempfile::tempdir().unwrap();
    memory(home.path());
    let acknowledge = ["vault", "evidence", "acknowledge", "936eb47d"];
    let whole = [&acknowledge[..], &["--go-on-with", "seen"]].concat();
    for wrong in [&whole[..], &["key", "sing"]] {
        let error = refused(home.path(), 2, wrong);
        assert_eq!(error["code"], "invalid_argument");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("wrong usage: "), "{message}");
    }
}

#[cfg(feature = "dev")]
#[test]
fn where_no_dev_runs_nothing_is_said_of_keys() {
    let home = tempfile::tempdir().unwrap();
    for asked in ["status", "stop"] {
        let error = refused(home.path(), 8, &["dev", asked, "--dir", "."]);
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("no dev runs in "), "{message}");
        assert!(!message.contains("key"), "{message}");
    }
}

#[test]
fn a_directory_is_exported_to_as_tiles_only_and_that_is_said() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("tiles")).unwrap();
    let error = refused(home.path(), 2, &["audit", "export", "--out", "tiles"]);
    assert_eq!(error["code"], "file_inaccessible");
    let next = error["next"].as_str().unwrap();
    assert!(next.contains("--format tiles --out tiles"), "{next}");
}

/// What is longer than any command keeps in memory.
const TOO_LONG: u64 = (64 << 20) + 1;

#[test]
fn the_beginning_of_an_input_that_is_too_long_does_not_pass_for_all_of_it() {
    let home = tempfile::tempdir().unwrap();
    let long = std::fs::File::create(home.path().join("long")).unwrap();
    long.set_len(TOO_LONG).unwrap();
    let signature = ["key", "verify", "k", "--in", "own", "--signature", "long"];
    for wrong in [
        &["key", "sign", "k", "--in", "long"][..],
        &["key", "wrap", "k", "--in", "long"],
        &["key", "mac", "k", "--in", "long"],
        &signature,
    ] {
        let error = refused(home.path(), 2, wrong);
        assert_eq!(error["code"], "too_large", "{error}");
    }
}

#[test]
fn two_inputs_that_are_one_stream_are_refused_before_anything_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let key = ["--in", "-"];
    for (of, flag) in [
        ("wrap", "--aad"),
        ("unwrap", "--aad"),
        ("verify", "--signature"),
        ("mac", "--verify"),
        ("sign", "--approval"),
    ] {
        let out = if of == "unwrap" {
            &["--out", "x"][..]
        } else {
            &[]
        };
        let arguments = [&["key", of, "k"], &key[..], &[flag, "-"], out].concat();
        let error = refused(home.path(), 2, &arguments);
        assert_eq!(error["code"], "invalid_argument", "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("--in and {flag} both read -")),
            "{message}"
        );
    }
    let verify = ["audit", "verify", "--file", "-", "--identity", "-"];
    for arguments in [&["policy", "diff", "-", "-"][..], &verify] {
        let error = refused(home.path(), 2, arguments);
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("can be read once")
        );
    }
}

#[test]
fn a_command_line_that_lacks_something_is_told_all_that_it_lacks() {
    let home = tempfile::tempdir().unwrap();
    let error = refused(home.path(), 2, &["key", "unwrap", "k"]);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("--in") && message.contains("--out"),
        "{message}"
    );
    assert!(!message.contains("Usage"), "{message}");
}

#[test]
fn evidence_of_another_release_is_not_called_damaged() {
    let home = tempfile::tempdir().unwrap();
    memory(home.path());
    let vaults = home.path().join("state/vaults");
    let kept = std::fs::read_dir(&vaults).unwrap().next().unwrap().unwrap();
    let later = kept
        .path()
        .join(format!("evidence-{}.json", "1".repeat(32)));
    std::fs::write(later, r#"{"format":"enclave-vaults/head-evidence/v9"}"#).unwrap();
    // Nor does it hide anything that somebody else has put there.
    std::fs::write(vaults.join("22".repeat(32)), "no folder").unwrap();
    let list = ["vault", "evidence", "list"];
    let listed = call(home.path(), &list);
    assert_eq!(listed.code, 2, "{}", listed.stderr);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let count = |of: &str| listed[of].as_array().unwrap().len();
    assert_eq!((count("evidence"), count("damaged")), (1, 2), "{listed}");
    assert_eq!(count("other_release"), 1, "{listed}");
    assert_eq!(listed["other_release"][0]["next"], "evault --version");
    let table = Command::new(EVAULT)
        .args(list)
        .args(["--config", "own.toml"])
        .current_dir(home.path())
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(
        table.contains("OF ANOTHER RELEASE: STOPS THE VAULT"),
        "{table}"
    );
}
