//! T-ROLL as a person meets it: `dev` is stopped, an earlier copy of one vault's folder is copied
//! back, `dev` starts, and the next command about that vault ends with exit code 6.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::{Dev, EVAULT, Ended};

fn put_back(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    let copied = Command::new("cp")
        .args(["-r", "--sparse=always"])
        .args([from, to])
        .status();
    assert!(copied.unwrap().success());
}

/// An auditor elsewhere, with a memory of its own, who has kept nothing but a checkpoint.
fn outside_auditor(home: &Path, vault: &str) -> Ended {
    let config = std::fs::read_to_string(home.join("D/config.toml")).unwrap();
    let mut table: toml::Table = toml::from_str(&config).unwrap();
    let memory = home.join("auditor's memory");
    remove(&memory);
    table.insert("state_dir".into(), memory.display().to_string().into());
    std::fs::write(home.join("D/auditor.toml"), table.to_string()).unwrap();
    let output = Command::new(EVAULT)
        .args(["audit", "verify", "--since", "checkpoint"])
        .args(["--vault", vault, "--profile", "auditor"])
        .args(["--output", "json"])
        .current_dir(home)
        .env("EVAULT_CONFIG", home.join("D/auditor.toml"))
        .output()
        .unwrap();
    Ended::of(&output)
}

fn remove(dir: &Path) {
    if dir.exists() {
        std::fs::remove_dir_all(dir).unwrap();
    }
}

fn error_of(ended: &Ended) -> Value {
    let last = ended.stderr.lines().last().unwrap();
    serde_json::from_str::<Value>(last).unwrap()["error"].clone()
}

#[test]
fn an_earlier_folder_of_a_vault_ends_the_next_command_with_6_until_a_person_decides() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let dev = Dev::over(home);
    let vault = dev.vault_id(1);
    let data = home.join("D/vaults/1/data");
    std::fs::write(home.join("message"), "message").unwrap();
    let fresh = dev.json(&["doctor"]).to_string();
    assert!(fresh.contains("no L1"), "{fresh}");
    let create = ["key", "create", "--type", "p256", "--name", "n"];
    dev.json(&[&create[..], &["--vault", &vault]].concat());
    let sign = ["key", "sign", "n", "--in", "message", "--vault", &vault];
    let copies: Vec<_> = (0..6)
        .map(|number| {
            dev.json(&sign);
            let copy = home.join(format!("copy-{number}"));
            put_back(&data, &copy);
            copy
        })
        .collect();
    let export = ["audit", "export", "--profile", "auditor", "--out", "log"];
    let checkpoint = ["--checkpoint", "checkpoint", "--vault", &vault];
    dev.json(&[&export[..], &checkpoint].concat());
    let inspected = dev.json(&["vault", "inspect", &vault]);
    assert_eq!(inspected["remembered_size"], inspected["log_size"]);
    assert_eq!(inspected["remembered_boot_id"], inspected["boot_id"]);
    dev.stop();

    let mut decided = 0;
    for earlier in [0, 4] {
        put_back(&copies[earlier], &data);
        let dev = Dev::over(home);
        let error = dev.error(6, &sign);
        let code = error["code"].as_str().unwrap();
        assert!(
            ["rollback_detected", "fork_detected"].contains(&code),
            "{error}"
        );
        assert!(
            error["seen"]["root"] != error["answered"]["root"],
            "{error}"
        );
        let message = error["message"].as_str().unwrap();
        for head in ["seen", "answered"] {
            let root = error[head]["root"].as_str().unwrap();
            assert!(message.contains(root), "{message}");
        }
        let path = error["evidence"].as_str().unwrap();
        assert!(Path::new(path).exists());
        let again = dev.error(6, &sign);
        assert!(
            again["message"]
                .as_str()
                .unwrap()
                .contains("is not acknowledged")
        );

        let listed = dev.json(&["vault", "evidence", "list"]);
        let open: Vec<_> = listed["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|kept| kept["acknowledged"].is_null())
            .collect();
        assert_eq!(open.len(), 1, "{listed}");
        let id = open[0]["id"].as_str().unwrap();
        let show: Vec<_> = error["next"].as_str().unwrap().split(' ').skip(1).collect();
        let shown = dev.json(&show);
        assert_eq!(shown["id"], id);
        assert_ne!(shown["seen"]["boot_id"], shown["answered"]["boot_id"]);
        let doctor = dev.evault(&["doctor", "--output", "json"]);
        assert_eq!(doctor.code, 6, "{}", doctor.stdout);
        assert!(doctor.stdout.contains(id), "{}", doctor.stdout);

        dev.json(&["vault", "evidence", "export", id, "--out", "evidence.json"]);
        let verified = dev.json(&["audit", "verify", "--evidence", "evidence.json"]);
        assert_eq!(verified["vault_id"], vault.as_str());
        let proves = verified["proves"].as_str().unwrap();
        match code {
            "rollback_detected" => assert_eq!(proves, "shorter_later"),
            _ => assert_eq!(proves, "two_logs"),
        }
        let text = std::fs::read_to_string(home.join("evidence.json")).unwrap();
        let forged = text.replacen("log/v1/", "log/v2/", 1);
        assert_ne!(forged, text);
        std::fs::write(home.join("forged.json"), forged).unwrap();
        dev.error(7, &["audit", "verify", "--evidence", "forged.json"]);
        let other = [
            "audit",
            "verify",
            "--evidence",
            "evidence.json",
            "--vault",
            "00",
        ];
        dev.error(7, &other);

        let auditor = outside_auditor(home, &vault);
        assert_eq!(auditor.code, 6, "{}{}", auditor.stdout, auditor.stderr);
        println!("the auditor: {}", error_of(&auditor)["message"]);

        // Only the whole id, and a decision, lets the vault be used again.
        let part = &id[..8];
        let acknowledge = ["vault", "evidence", "acknowledge"];
        dev.error(
            2,
            &[&acknowledge[..], &[part, "--go-on-with", "seen"]].concat(),
        );
        dev.stop();
        put_back(&copies[5], &data);
        let dev = Dev::over(home);
        dev.error(6, &sign);
        dev.json(&[&acknowledge[..], &[id, "--go-on-with", "seen"]].concat());
        dev.json(&sign);
        put_back(&data, &copies[5]);
        decided += 1;
        dev.stop();
    }
    println!("{decided} copies put back, each told, refused, proven and decided");
}
