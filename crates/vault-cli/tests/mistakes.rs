//! What is wrong with a call or with local files is told as that, and costs nothing elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use support::Dev;

/// Entries of this vault's log about nonces for approvals.
fn begun(dev: &Dev, vault: &str) -> usize {
    let read = ["audit", "read", "--profile", "auditor", "--vault", vault];
    let entries = dev.json(&read)["entries"].clone();
    let of = |entry: &&Value| entry["operation"] == "begin_approval";
    entries.as_array().unwrap().iter().filter(of).count()
}

#[test]
fn a_request_for_approval_that_can_reach_nobody_leaves_nothing_at_the_vault() {
    let dev = Dev::shared();
    let vault = dev.vault_id(1);
    dev.write("asked", b"a message");
    let key = ["key", "create", "--type", "p256", "--name", "asked"];
    dev.json(&[&key[..], &["--vault", &vault]].concat());
    let before = begun(&dev, &vault);
    let request = ["approve", "request", "asked", "--operation", "sign"];
    let request = [&request[..], &["--in", "asked", "--out", "asked.json"]].concat();
    let relay = ["--relay", "http://127.0.0.1:9"];
    for wrong in [&relay[..], &["--to", "not base64url"]] {
        let error = dev.error(2, &[&request[..], wrong].concat());
        assert_eq!(error["code"], "invalid_argument", "{error}");
        assert_eq!(begun(&dev, &vault), before);
    }
    assert!(!dev.home().join("asked.json").exists());
}

/// The configuration of the shared `dev` with a memory of its own.
fn own_memory(dev: &Dev, name: &str) -> String {
    let config = std::fs::read_to_string(dev.home().join("D/config.toml")).unwrap();
    let state = dev.home().join(name);
    let own = config
        .lines()
        .map(|line| match line.starts_with("state_dir") {
            true => format!("state_dir = {state:?}\n"),
            false => format!("{line}\n"),
        });
    let file = format!("{name}.toml");
    dev.write(&file, own.collect::<String>().as_bytes());
    file
}

#[test]
fn doctor_names_every_file_of_the_memory_that_is_damaged_and_what_to_do() {
    let dev = Dev::shared();
    let (vault, config) = (dev.vault_id(1), own_memory(&dev, "forgetful"));
    dev.write("remembered", b"a message");
    let one = ["--vault", &vault, "--config", &config];
    let key = ["key", "create", "--type", "p256", "--name", "remembered"];
    dev.json(&[&key[..], &one].concat());
    let sign = ["key", "sign", "remembered", "--in", "remembered"];
    dev.json(&[&sign[..], &one].concat());
    let follow = ["audit", "follow", "--once", "--profile", "auditor"];
    assert_eq!(dev.json_call(&[&follow[..], &one].concat()).code, 0);
    let doctor = ["doctor", "--config", &config];
    dev.json(&doctor);

    let of_vault = format!("forgetful/vaults/{vault}");
    let all = dev.home().join("forgetful/constellations");
    let all = std::fs::read_dir(all).unwrap().next().unwrap().unwrap();
    let all = format!(
        "forgetful/constellations/{}",
        all.file_name().to_str().unwrap()
    );
    let of_vault = [
        "keys.json",
        "head.json",
        "carried.json",
        "follow-follower.json",
    ]
    .map(|name| format!("{of_vault}/{name}"));
    let files = [
        &of_vault[..],
        &[format!("{all}/manifest.json"), format!("{all}/signed.json")],
    ];
    for file in files.concat() {
        let path = dev.home().join(&file);
        let before = std::fs::read(&path);
        dev.write(&file, b"{");
        let ended = dev.json_call(&doctor);
        match before {
            Ok(bytes) => std::fs::write(&path, bytes).unwrap(),
            Err(_) => std::fs::remove_file(&path).unwrap(),
        }
        assert_eq!(ended.code, 2, "{file}: {}", ended.stdout);
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        let told = told["checks"].as_array().unwrap().iter();
        let name = file.replacen("forgetful/", "memory ", 1);
        let check = told.clone().find(|check| check["name"] == name.as_str());
        let check = check.unwrap_or_else(|| panic!("{file}: {}", ended.stdout));
        assert_eq!(check["ok"], false);
        assert!(
            check["detail"]
                .as_str()
                .unwrap()
                .contains("put it back from a copy")
        );
    }
    dev.json(&doctor);
}

#[test]
fn what_cannot_be_written_is_told_as_that() {
    let dev = Dev::shared();
    let vault = dev.vault_id(1);
    let auditor = ["--profile", "auditor", "--vault", &vault];
    let export = ["audit", "export", "--out", "/dev/full"];
    let error = dev.error(2, &[&export[..], &auditor].concat());
    assert_eq!(error["code"], "file_inaccessible");
    assert!(
        error["message"].as_str().unwrap().contains("No space left"),
        "{error}"
    );
    let export = ["audit", "export", "--out", "/dev/null"];
    dev.json(&[&export[..], &auditor].concat());
}

#[test]
fn a_registry_that_does_not_answer_is_told_once() {
    let dev = Dev::shared();
    let config = std::fs::read_to_string(dev.home().join("D/config.toml")).unwrap();
    let own = config
        .lines()
        .map(|line| match line.starts_with("registries") {
            true => "registries = [\"http://127.0.0.1:9\"]\n".to_owned(),
            false => format!("{line}\n"),
        });
    dev.write("silent.toml", own.collect::<String>().as_bytes());
    let vault = dev.vault_id(1);
    let read = ["audit", "read", "--profile", "auditor", "--vault", &vault];
    let error = dev.error(5, &[&read[..], &["--config", "silent.toml"]].concat());
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("does not answer"), "{message}");
    assert_eq!(message.matches("cannot be reached").count(), 1, "{message}");
}

#[test]
fn a_dry_run_of_a_refresh_speaks_of_no_vault_that_would_be_left_out() {
    let dev = Dev::shared();
    dev.write("refreshed", b"a secret");
    let split = ["secret", "split", "refreshed", "--in", "refreshed"];
    dev.json(&[&split[..], &["--threshold", "2", "--shares", "3"]].concat());
    let shown = dev.evault(&["secret", "refresh", "refreshed", "--dry-run"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(
        shown.stdout.contains("would share anew"),
        "{}",
        shown.stdout
    );
    assert!(!shown.stdout.contains("without"), "{}", shown.stdout);
}

#[test]
fn a_device_is_never_read_and_what_stdout_carries_is_not_mixed_under_another_name() {
    let dev = Dev::shared();
    let vault = dev.vault_id(1);
    let auditor = ["--profile", "auditor", "--vault", &vault];
    let nowhere = [
        "audit",
        "export",
        "--out",
        "nowhere",
        "--checkpoint",
        "/dev/null",
    ];
    dev.json(&[&nowhere[..], &auditor].concat());
    let export = ["audit", "export", "--out", "/dev/stdout"];
    let mixed = dev.json_call(&[&export[..], &auditor].concat());
    assert_eq!(mixed.code, 0, "{}", mixed.stderr);
    let last = mixed.stdout.lines().last().unwrap();
    assert!(last.starts_with(r#"{"checkpoint":"#), "{last}");
    dev.write("whole", mixed.stdout.as_bytes());
    let identity = ["audit", "export", "--out", "nowhere", "--identity", "pem"];
    dev.json(&[&identity[..], &auditor].concat());
    dev.json(&["audit", "verify", "--file", "whole", "--identity", "pem"]);
}
