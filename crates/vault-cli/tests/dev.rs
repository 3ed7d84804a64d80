//! `dev` itself: what it makes, what it says of it, and what it refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Dev, EVAULT, Ended, processes_naming, signal, until};

/// `evault dev …` without a running one.
fn dev(home: &Path, arguments: &[&str]) -> Ended {
    let output = Command::new(EVAULT)
        .arg("dev")
        .args(arguments)
        .args(["--output", "json"])
        .current_dir(home)
        .env_remove("EVAULT_CONFIG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ended::of(&output)
}

fn refused(home: &Path, code: i32, arguments: &[&str]) -> Value {
    let ended = dev(home, arguments);
    assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
    let last = ended.stderr.lines().last().unwrap();
    serde_json::from_str::<Value>(last).unwrap()["error"].clone()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn four_vaults_are_told_apart_a_dead_one_is_named_and_the_others_go_on() {
    let dev = Dev::start();
    let d = dev.home().join("D");
    for private in ["governance.key.pem", "config.toml", "secrets/owner"] {
        assert_eq!(mode(&d.join(private)), 0o600, "{private}");
    }
    let listed = dev.json(&["vault", "list"]);
    let listed = listed["vaults"].as_array().unwrap();
    assert_eq!(listed.len(), 4);
    for distinct in ["vault_id", "platform_id", "endpoint"] {
        let seen: BTreeSet<_> = listed
            .iter()
            .map(|vault| vault[distinct].as_str())
            .collect();
        assert_eq!(seen.len(), 4, "{distinct}");
    }
    for vault in listed {
        assert_eq!(vault["simulated"], true);
    }

    let doomed = dev.child("vault 2");
    assert_eq!(doomed["state"], "running");
    assert_eq!(doomed["log_size"], 1);
    let pid = u32::try_from(doomed["pid"].as_u64().unwrap()).unwrap();
    signal(pid, "KILL");
    until("the dead vault is not named", || {
        match dev.child("vault 2")["state"].as_str().unwrap() {
            "running" => Err("running"),
            state if state.contains("KILL") => Ok(()),
            other => panic!("{other}"),
        }
    });
    for (name, state) in [("vault 1", "running"), ("registry", "running")] {
        assert_eq!(dev.child(name)["state"], state);
    }
    let partial = dev.json_call(&["vault", "list"]);
    assert_eq!(partial.code, 10, "{}", partial.stderr);
    dev.json(&[
        "key",
        "create",
        "--type",
        "p256",
        "--vault",
        &dev.vault_id(3),
    ]);
}

#[test]
fn a_restart_is_the_same_constellation_and_a_reset_is_none() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let running = Dev::over(home);
    let ids: Vec<_> = (1..=4).map(|number| running.vault_id(number)).collect();
    let manifest = std::fs::read(home.join("D/manifest.json")).unwrap();
    running.json(&["key", "create", "--type", "p256", "--name", "n"]);
    let busy = refused(home, 9, &["reset", "--dir", "D", "--yes"]);
    assert_eq!(busy["code"], "already_exists");
    running.stop();

    let five = refused(home, 2, &["--dir", "D", "--vaults", "5"]);
    assert!(
        five["message"].as_str().unwrap().contains("--vaults 4"),
        "{five}"
    );
    let running = Dev::over(home);
    let again: Vec<_> = (1..=4).map(|number| running.vault_id(number)).collect();
    assert_eq!(again, ids);
    assert_eq!(
        std::fs::read(home.join("D/manifest.json")).unwrap(),
        manifest
    );
    running.json(&["key", "show", "n"]);
    running.stop();
    assert_eq!(processes_naming(home), []);

    std::fs::write(home.join("D/mine"), "somebody's").unwrap();
    let unsure = refused(home, 2, &["reset", "--dir", "D"]);
    assert!(
        unsure["next"].as_str().unwrap().ends_with("--yes"),
        "{unsure}"
    );
    assert!(home.join("D/vaults").exists());
    let reset = dev(home, &["reset", "--dir", "D", "--yes"]);
    assert_eq!(reset.code, 0, "{}", reset.stderr);
    let left: Vec<_> = std::fs::read_dir(home.join("D"))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let no_more = refused(home, 2, &["reset", "--dir", "D", "--yes"]);
    assert!(
        no_more["message"]
            .as_str()
            .unwrap()
            .contains("nothing is removed")
    );
    assert!(home.join("D/mine").exists());
}

#[test]
fn a_folder_of_the_earlier_release_is_refused_with_what_to_do() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let old = home.join("D");
    for sub in ["sim", "secrets", "vault"] {
        std::fs::create_dir_all(old.join(sub)).unwrap();
    }
    for file in ["vault.toml", "lock", "config.toml", "vault/root.sealed"] {
        std::fs::write(old.join(file), "").unwrap();
    }
    let error = refused(home, 2, &["--dir", "D"]);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("earlier release"), "{message}");
    assert!(
        error["next"]
            .as_str()
            .unwrap()
            .starts_with("evault dev reset")
    );
    assert!(old.join("vault/root.sealed").exists());
    let reset = dev(home, &["reset", "--dir", "D", "--yes"]);
    assert_eq!(reset.code, 0, "{}", reset.stderr);
    assert!(!old.exists());
}
