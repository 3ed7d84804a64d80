//! The demo: two at once, and what it leaves behind is checked again with public tools.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::{EVAULT, Ended, processes_naming};

fn demo(scratch: &Path, keep: &Path) -> std::process::Child {
    Command::new(EVAULT)
        .args(["demo", "--output", "json", "--keep"])
        .arg(keep)
        .env("TMPDIR", scratch)
        // As after `. D/env` of somebody else: none of it is the demo's.
        .env("EVAULT_CONFIG", "/nowhere/config.toml")
        .env("EVAULT_MANIFEST", "/nowhere/manifest.json")
        .env("EVAULT_PROFILE", "nobody")
        .env("EVAULT_RELAY", "http://127.0.0.1:9")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn check(output: &Output) {
    let ended = Ended::of(output);
    let steps: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for step in &steps {
        assert_eq!(step["ok"], true, "{step}\n{}", ended.stderr);
        assert_eq!(step.as_object().unwrap().len(), 3, "{step}");
    }
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "start",
            "create",
            "sign",
            "openssl",
            "stranger",
            "other-owner",
            "guard",
            "wrong-build",
            "right-build",
            "manager",
            "unapproved",
            "approve",
            "approved",
            "once",
            "everywhere",
            "new-build",
            "stage",
            "promote",
            "both-builds",
            "remove",
            "checkpoint",
            "kill",
            "survives",
            "log-grows",
            "put-back",
            "outside-auditor",
            "right-disk",
            "split",
            "bearer",
            "two-away",
            "two-back",
            "wrong-share",
            "stolen",
            "refresh",
            "worthless",
            "gone",
            "lie-wrong",
            "lie-swapped",
            "lie-hidden",
            "lie-old",
            "offline"
        ]
    );
}

fn openssl(kept: &Path, pem: &str, signature: &str) {
    let verified = Command::new("openssl")
        .args([
            "dgst",
            "-sha256",
            "-verify",
            pem,
            "-signature",
            signature,
            "message",
        ])
        .current_dir(kept)
        .output()
        .unwrap();
    assert!(verified.status.success(), "{pem} {signature}");
}

#[test]
fn two_demos_at_once_pass_and_leave_what_can_be_checked_again() {
    let scratch = tempfile::tempdir().unwrap();
    let kept = [scratch.path().join("one"), scratch.path().join("two")];
    let running: Vec<_> = kept.iter().map(|keep| demo(scratch.path(), keep)).collect();
    for child in running {
        check(&child.wait_with_output().unwrap());
    }
    for keep in &kept {
        openssl(keep, "release.pem", "message.sig");
        openssl(keep, "release.pem", "message-after.sig");
        openssl(keep, "guarded.pem", "guarded.sig");
        openssl(keep, "approved.pem", "approved.sig");
        let verified = Command::new(EVAULT)
            .args([
                "audit",
                "verify",
                "--file",
                "log.export",
                "--identity",
                "identity.pem",
            ])
            .args(["--since", "checkpoint-before"])
            .current_dir(keep)
            .env_remove("EVAULT_CONFIG")
            .status()
            .unwrap();
        assert!(verified.success());
    }
    assert_eq!(processes_naming(scratch.path()), []);
    let left: Vec<_> = std::fs::read_dir(scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("evault-demo-"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn without_openssl_one_line_says_what_to_install() {
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new(EVAULT)
        .args(["demo", "--output", "json"])
        .env("TMPDIR", scratch.path())
        .env("PATH", scratch.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ended = Ended::of(&output);
    assert_ne!(ended.code, 0);
    let last: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["step"], &last["ok"]),
        (&"openssl".into(), &false.into()),
        "{last}"
    );
    assert!(
        last["detail"]
            .as_str()
            .unwrap()
            .contains("apt-get install openssl"),
        "{last}"
    );
}
