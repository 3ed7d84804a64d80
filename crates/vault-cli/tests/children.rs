//! No child survives its parent, however the parent ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Dev, EVAULT, ended, processes_naming, signal, until};

fn nobody_left(path: &Path) {
    until("processes are left", || match processes_naming(path) {
        left if left.is_empty() => Ok(()),
        left => Err(left),
    });
}

fn dev_ended_by(name: &str, orderly: bool) {
    let scratch = tempfile::tempdir().unwrap();
    let dev = Dev::over(scratch.path());
    let running = processes_naming(scratch.path());
    assert_eq!(
        running.len(),
        8,
        "dev, issuer, registry, relay and four vaults: {running:?}"
    );
    assert_eq!(dev.end_by(name).success(), orderly);
    nobody_left(scratch.path());
}

#[test]
fn dev_leaves_no_child_after_sigint() {
    dev_ended_by("INT", true);
}

#[test]
fn dev_leaves_no_child_after_sigterm() {
    dev_ended_by("TERM", true);
}

#[test]
fn dev_leaves_no_child_after_kill_9() {
    dev_ended_by("KILL", false);
}

/// Ends a demo in the middle of its story.
fn demo_ended_by(name: &str, code: Option<i32>) {
    let scratch = tempfile::tempdir().unwrap();
    let mut demo = Command::new(EVAULT)
        .args(["demo", "--output", "json"])
        .env("TMPDIR", scratch.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("\"start\""));
    assert!(processes_naming(scratch.path()).len() >= 6);
    signal(demo.id(), name);
    assert_eq!(ended(&mut demo).code(), code);
    nobody_left(scratch.path());
    // What is killed cannot clean up; whatever else ends it can.
    if code.is_some() {
        let left: Vec<_> = std::fs::read_dir(scratch.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn demo_leaves_no_child_after_sigint() {
    demo_ended_by("INT", Some(130));
}

#[test]
fn demo_leaves_no_child_after_sigterm() {
    demo_ended_by("TERM", Some(130));
}

#[test]
fn demo_leaves_no_child_after_kill_9() {
    demo_ended_by("KILL", None);
}
