//! What an outside auditor finds with a checkpoint that it kept, and a follower that is stopped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use support::{Dev, EVAULT, signal};

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}

/// A follower that is running.
struct Follower {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    fn start(dev: &Dev, vault: &str, name: &str) -> Self {
        let mut child = Command::new(EVAULT)
            .args(["audit", "follow", "--profile", "auditor", "--vault", vault])
            .args(["--as", name, "--interval", "1", "--output", "json"])
            .current_dir(dev.home())
            .env("EVAULT_CONFIG", dev.home().join("D/config.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        let line = self.lines.next().expect("it goes on").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Stopped by a signal: how it ended, and what it had still to say.
    fn stop(mut self, name: &str) -> (ExitStatus, Vec<Value>) {
        signal(self.child.id(), name);
        let rest: Vec<_> = self.lines.map(|line| line.unwrap()).collect();
        let parsed = rest.iter().map(|line| serde_json::from_str(line).unwrap());
        (self.child.wait().unwrap(), parsed.collect())
    }
}

#[test]
fn a_follower_is_told_of_entries_as_they_come_and_loses_and_repeats_none_when_stopped() {
    let dev = Dev::start();
    let vault = dev.vault_id(1);
    dev.write("m", b"a message");
    let key = ["key", "create", "--type", "p256", "--name", "n"];
    dev.json(&[&key[..], &["--vault", &vault]].concat());
    let sign = ["key", "sign", "n", "--in", "m", "--vault", &vault];
    let mut next = 0;
    for (signal, round) in ["INT", "TERM", "INT"].iter().zip(1u64..) {
        let mut follower = Follower::start(&dev, &vault, "siem");
        for _ in 0..round {
            let index = dev.json(&sign)["vaults"][0]["receipt"]["index"].clone();
            loop {
                let entry = follower.next();
                assert_eq!(entry["index"], next);
                next += 1;
                if entry["index"] == index {
                    assert_eq!(entry["operation"], "sign");
                    break;
                }
            }
        }
        let (status, rest) = follower.stop(signal);
        assert_eq!(status.code(), Some(0), "{signal}");
        assert_eq!(rest, Vec::<Value>::new());
    }
    assert!(next >= 7);
}

#[test]
fn an_outside_auditor_finds_a_rollback_and_a_fork_by_the_checkpoint_it_kept() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let (disk, past) = (home.join("D/vaults/1"), home.join("past"));
    let dev = Dev::over(home);
    let vault = dev.vault_id(1);
    dev.write("m", b"a message");
    let sign = ["key", "sign", "n", "--in", "m", "--vault", &vault];
    let key = ["key", "create", "--type", "p256", "--name", "n"];
    dev.json(&[&key[..], &["--vault", &vault]].concat());
    dev.stop();
    copy(&disk, &past);

    // The auditor comes, keeps a checkpoint and goes.
    let dev = Dev::over(home);
    for _ in 0..6 {
        dev.json(&sign);
    }
    let auditor = ["--profile", "auditor", "--vault", &vault];
    let export = ["audit", "export", "--out", "log", "--checkpoint", "kept"];
    let kept = dev.json(&[&export[..], &auditor].concat());
    dev.stop();

    // The host puts the old disk back, for clients without a memory.
    copy(&past, &disk);
    std::fs::remove_dir_all(home.join("D/state")).unwrap();
    let dev = Dev::over(home);
    let since = ["audit", "verify", "--since", "kept"];
    let error = dev.error(6, &[&since[..], &auditor].concat());
    assert_eq!(error["code"], "rollback_detected");
    held(&dev, &error, &kept);

    // It is used again by a decision only, and grows beyond what the auditor saw: another history.
    dev.error(6, &sign);
    go_on(&dev);
    for _ in 0..12 {
        dev.json(&sign);
    }
    let error = dev.error(6, &[&since[..], &auditor].concat());
    assert_eq!(error["code"], "fork_detected");
    held(&dev, &error, &kept);
    go_on(&dev);
    dev.error(
        6,
        &[&["audit", "export", "--out", "log"][..], &auditor].concat(),
    );
    go_on(&dev);
    // Without the checkpoint, all is well.
    dev.json(&[&["audit", "verify"][..], &auditor].concat());
}

/// The error names the head that was kept and the one that was shown, and its evidence holds both notes.
fn held(dev: &Dev, error: &Value, kept: &Value) {
    assert_eq!(error["seen"]["root"], kept["root"]);
    assert_ne!(error["answered"]["root"], kept["root"]);
    let file = error["evidence"].as_str().unwrap();
    let evidence = dev.json(&["audit", "verify", "--evidence", file]);
    for head in ["seen", "answered"] {
        assert_eq!(evidence[head]["root"], error[head]["root"]);
    }
    assert_eq!(evidence["seen"]["checkpoint"], kept["checkpoint"]);
}

/// Decides for what the vault shows now.
fn go_on(dev: &Dev) {
    let listed = dev.json(&["vault", "evidence", "list"]);
    let kept = listed["evidence"].as_array().unwrap();
    for open in kept.iter().filter(|kept| kept["acknowledged"].is_null()) {
        let id = open["id"].as_str().unwrap();
        let acknowledge = ["vault", "evidence", "acknowledge", id];
        dev.json(&[&acknowledge[..], &["--go-on-with", "answered"]].concat());
    }
}

/// How the verifier in Go ends.
fn go(dev: &Dev, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(dev.home().join("auditverify"))
        .args(arguments)
        .current_dir(dev.home())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), said)
}

#[test]
fn exports_of_a_running_vault_hold_for_a_verifier_that_is_not_ours_and_damaged_ones_for_none() {
    let dev = Dev::start();
    let vault = dev.vault_id(1);
    let program = dev.home().join("auditverify");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../go");
    let built = Command::new("go")
        .args(["build", "-o"])
        .args([program.as_os_str(), "./cmd/auditverify".as_ref()])
        .current_dir(module)
        .output()
        .expect("Go is on the path");
    assert!(built.status.success(), "{built:?}");
    dev.write("m", b"a message");
    let key = ["key", "create", "--type", "p256", "--name", "n"];
    dev.json(&[&key[..], &["--vault", &vault]].concat());
    let sign = ["key", "sign", "n", "--in", "m", "--vault", &vault];
    let auditor = ["--profile", "auditor", "--vault", &vault];
    let lines = ["audit", "export", "--out", "log", "--identity", "pem"];
    let tiles = ["audit", "export", "--out", "tiles", "--format", "tiles"];
    let keep = ["--checkpoint", "kept", "--vkey", "vkey"];
    let mut last = Value::Null;
    for _ in 0..3 {
        dev.json(&sign);
        dev.json(&[&lines[..], &auditor].concat());
        last = dev.json(&[&tiles[..], &keep, &auditor].concat());
        for key in ["pem", "vkey"] {
            let given = ["-key", key, "-vault-id", &vault, "-since", "kept"];
            let (code, said) = go(&dev, &[&given[..], &["log", "tiles", "kept"]].concat());
            assert_eq!(code, Some(0), "{said}");
            let head = format!("{}@{}", last["size"], last["root"].as_str().unwrap());
            assert_eq!(said.matches(&head).count(), 3, "{said}");
        }
    }
    // An export that ends before the checkpoint, and one with a changed byte.
    copy(&dev.home().join("log"), &dev.home().join("old"));
    dev.json(&sign);
    dev.json(&[&lines[..], &["--checkpoint", "kept"], &auditor].concat());
    let since = ["audit", "verify", "--identity", "pem", "--since", "kept"];
    dev.error(6, &[&since[..], &["--file", "old"]].concat());
    assert_eq!(
        go(&dev, &["-key", "pem", "-since", "kept", "old"]).0,
        Some(6)
    );
    let bundle = format!("tiles/tile/entries/000.p/{}", last["size"]);
    let verify = ["audit", "verify", "--identity", "pem", "--file"];
    for (changed, whole) in [("log", "log"), (&bundle[..], "tiles")] {
        let mut bytes = std::fs::read(dev.home().join(changed)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        dev.write(changed, &bytes);
        dev.error(7, &[&verify[..], &[whole]].concat());
        assert_eq!(go(&dev, &["-key", "pem", whole]).0, Some(7));
    }
}
