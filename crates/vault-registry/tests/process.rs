//! The program: says when it is ready, and ends when it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn says_where_it_listens_and_ends_well_when_terminated() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("registry.toml");
    let text = "listen = \"127.0.0.1:0\"\nattestation.root = \"intel\"\n";
    std::fs::write(&file, text).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_evault-registry"))
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(said["ready"], true);
    std::net::TcpStream::connect(said["addr"].as_str().unwrap()).unwrap();
    let told = Command::new("kill").arg(child.id().to_string()).status();
    assert!(told.unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_wrong_configuration_is_named_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("registry.toml");
    let text = "listen = \"127.0.0.1:0\"\nattestation.root = \"intel\"\nttl_seconds = 1\n";
    std::fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_evault-registry"))
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("ttl_seconds"), "{said}");
}
