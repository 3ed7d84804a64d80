//! A signal ends a command also while it waits for a file that nobody goes on to write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::{Dev, EVAULT, ended, signal};

/// More than a pipe holds: where all of it could be written, somebody reads, and waits for more.
const MORE_THAN_A_PIPE: usize = 1 << 20;

const IDENTITY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../vectors/audit/identity.vkey"
);

fn reading(arguments: &[&str]) -> Child {
    Command::new(EVAULT)
        .args(arguments)
        .env_remove("EVAULT_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Sends the signal while the command is in a read; the other end stays open until it has ended.
fn ends_with_130(mut child: Child, mut pipe: impl Write, name: &str) {
    pipe.write_all(&vec![b'x'; MORE_THAN_A_PIPE]).unwrap();
    signal(child.id(), name);
    assert_eq!(ended(&mut child).code(), Some(130), "{name}");
    drop(pipe);
}

#[test]
fn a_signal_ends_a_command_that_reads_stdin() {
    let sign = ["key", "sign", "p", "--in", "-", "--out", "/dev/null"];
    let verify = ["audit", "verify", "--identity", IDENTITY, "--file", "-"];
    for (arguments, name) in [(&sign[..], "INT"), (&sign, "TERM"), (&verify, "INT")] {
        let mut child = reading(arguments);
        let stdin = child.stdin.take().unwrap();
        ends_with_130(child, stdin, name);
    }
}

/// A pipe with a name.
fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_signal_ends_a_command_that_reads_a_pipe_with_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    fifo(&path);
    let name = path.to_str().unwrap();
    let child = reading(&["audit", "verify", "--identity", IDENTITY, "--file", name]);
    // Opens when the other end does.
    let pipe = std::fs::File::options().write(true).open(&path).unwrap();
    ends_with_130(child, pipe, "TERM");
}

/// Finds `evault` above itself, and stays for longer than what is held up would be waited for.
const EDITOR: &str = r#"
up=$PPID
for _ in 1 2 3; do
    [ "$(cat /proc/$up/comm)" = evault ] && kill -INT $up && break
    read -r _ _ _ up _ < /proc/$up/stat
done
sleep 2
touch closed
"#;

/// As a person may press Ctrl-C in an editor, for whom it means something else.
#[test]
fn an_editor_is_not_left_alone_by_a_signal() {
    let dev = Dev::start();
    let vault = dev.vault_id(1);
    let key = ["key", "create", "--type", "p256", "--name", "edited"];
    dev.json(&[&key[..], &["--vault", &vault]].concat());
    dev.write("editor", EDITOR.as_bytes());
    let ended = Command::new(EVAULT)
        .args(["policy", "edit", "edited", "--vault", &vault])
        .current_dir(dev.home())
        .env("EVAULT_CONFIG", dev.home().join("D/config.toml"))
        .env("VISUAL", "sh editor")
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(ended.code(), Some(130));
    assert!(dev.home().join("closed").exists());
}
