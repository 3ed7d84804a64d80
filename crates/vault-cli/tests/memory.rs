//! What a client remembers: a restart loses nothing, and a disk from the past is noticed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::path::Path;
use std::process::Command;
use support::Dev;

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(
        Command::new("cp")
            .arg("-a")
            .arg(from)
            .arg(to)
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_rolled_back_disk_ends_with_6_and_leaves_both_heads_as_evidence() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let (disk, past) = (home.join("D/vaults/1"), home.join("past"));
    let dev = Dev::over(home);
    let (vault, other) = (dev.vault_id(1), dev.vault_id(2));
    let sign = ["key", "sign", "n", "--in", "m", "--vault", &vault];
    dev.write("m", b"a message");
    let create = ["key", "create", "--type", "p256", "--name", "n"];
    let created = dev.json(&[&create[..], &["--vault", &vault]].concat());
    dev.stop();
    copy(&disk, &past);

    // The same folder goes on where it was.
    let dev = Dev::over(home);
    assert_eq!(dev.vault_id(1), vault);
    let shown = dev.json(&["key", "show", "n"]);
    assert_eq!(shown["public_key_pem"], created["public_key_pem"]);
    for _ in 0..8 {
        dev.json(&sign);
    }
    let last = dev.json(&sign);
    dev.stop();
    copy(&past, &disk);

    let dev = Dev::over(home);
    let error = dev.error(6, &sign);
    assert!(
        ["rollback_detected", "fork_detected"].contains(&error["code"].as_str().unwrap()),
        "{error}"
    );
    assert_eq!(error["retry"], "never");
    assert_eq!(error["seen"]["root"], last["vaults"][0]["receipt"]["root"]);
    assert!(
        error["answered"]["size"].as_u64() < error["seen"]["size"].as_u64(),
        "{error}"
    );
    let evidence = error["evidence"].as_str().unwrap();
    let checked = dev.json(&["audit", "verify", "--evidence", evidence]);
    for head in ["seen", "answered"] {
        assert_eq!(checked[head]["root"], error[head]["root"], "{checked}");
    }
    // It stays an error.
    dev.error(6, &["key", "list", "--vault", &vault]);
    let verify = ["audit", "verify", "--profile", "auditor", "--vault", &vault];
    let again = dev.error(6, &verify);
    assert_eq!(again["seen"]["root"], error["seen"]["root"]);
    assert_eq!(dev.child("vault 1")["error"]["code"], error["code"]);
    // It is that vault's alone.
    dev.json(&["key", "list", "--vault", &other]);
}

#[test]
fn a_second_dev_over_the_same_folder_is_refused() {
    let dev = Dev::start();
    let dir = dev.home().join("D").display().to_string();
    let error = dev.error(9, &["dev", "--dir", &dir]);
    assert_eq!(error["code"], "already_exists");
    let stopping = dev.json(&["dev", "stop", "--dir", &dir]);
    assert_eq!(stopping["state"], "stopping");
}

#[test]
fn another_machine_finds_the_folder_locked_and_says_so() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let dev = Dev::over(home);
    dev.json(&["key", "create", "--type", "p256", "--name", "n"]);
    dev.stop();
    std::fs::remove_dir_all(home.join("D/sim/machines/vault-1")).unwrap();
    let output = Command::new(support::EVAULT)
        .args(["dev", "--output", "json", "--dir"])
        .arg(home.join("D"))
        .output()
        .unwrap();
    let ended = support::Ended::of(&output);
    assert_eq!(ended.code, 9, "{}", ended.stderr);
    let last = ended.stderr.lines().last().unwrap();
    let error: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(error["error"]["code"], "locked");
}
