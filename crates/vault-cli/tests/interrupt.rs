//! A signal ends a command also while it waits for a file that nobody goes on to write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use support::{Dev, EVAULT, ended, processes_naming, signal, until};

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

/// Waits until a thread of this name is held up in a write to a pipe.
fn until_held_up(pid: u32, thread: &str) {
    let tasks = format!("/proc/{pid}/task");
    let seen = |path: &Path, name: &str| std::fs::read_to_string(path.join(name));
    until("a thread writes to a full pipe", || {
        let tasks = std::fs::read_dir(&tasks).map_err(|error| error.to_string())?;
        let paths: Vec<_> = tasks.flatten().map(|task| task.path()).collect();
        let is_it = |path: &&std::path::PathBuf| {
            seen(path, "comm").is_ok_and(|comm| comm.trim_end() == thread)
                && seen(path, "wchan").is_ok_and(|at| at.contains("pipe_write"))
        };
        let found = paths.iter().find(is_it);
        found.map(drop).ok_or_else(|| format!("{pid}: {paths:?}"))
    });
}

/// A pipe that is full, and that nobody reads.
fn full_pipe(thread: &'static str) -> (PipeReader, PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut fills = writer.try_clone().unwrap();
    let builder = std::thread::Builder::new().name(thread.to_owned());
    // Ends with the reader.
    builder
        .spawn(move || while fills.write_all(&[b'x'; 4096]).is_ok() {})
        .unwrap();
    until_held_up(std::process::id(), thread);
    (reader, writer)
}

/// As with `2>&1 | less`: results and errors go into one full pipe. Answers how it ended.
fn interrupted_while_it_writes(mut command: Command, pipe: PipeWriter, thread: &str) -> i32 {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(pipe.try_clone().unwrap())
        .stderr(pipe)
        .spawn()
        .unwrap();
    until_held_up(child.id(), thread);
    signal(child.id(), "INT");
    ended(&mut child).code().unwrap()
}

#[test]
fn a_signal_ends_a_command_whose_results_and_errors_go_into_one_full_pipe() {
    let (reader, writer) = full_pipe("fills");
    let mut command = Command::new(EVAULT);
    command
        .args(["completion", "bash"])
        .env_remove("EVAULT_CONFIG");
    assert_eq!(interrupted_while_it_writes(command, writer, "command"), 130);
    drop(reader);
}

#[test]
fn a_signal_ends_a_follower_in_order_also_where_nobody_reads_it() {
    let dev = Dev::shared();
    let (reader, writer) = full_pipe("fills-follower");
    let mut command = Command::new(EVAULT);
    command
        .args(["audit", "follow", "--profile", "auditor", "--as", "unread"])
        .args(["--vault", &dev.vault_id(1)])
        .current_dir(dev.home())
        .env("EVAULT_CONFIG", dev.home().join("D/config.toml"));
    assert_eq!(interrupted_while_it_writes(command, writer, "command"), 0);
    drop(reader);
}

#[test]
fn what_is_left_behind_leaves_no_file_that_has_no_place_yet() {
    let dev = Dev::shared();
    let scratch = tempfile::tempdir().unwrap();
    let (reader, writer) = full_pipe("fills-export");
    let mut command = Command::new(EVAULT);
    command
        .args(["audit", "export", "--profile", "auditor", "--out", "-"])
        .args(["--vault", &dev.vault_id(1)])
        .current_dir(dev.home())
        .env("TMPDIR", scratch.path())
        .env("EVAULT_CONFIG", dev.home().join("D/config.toml"));
    assert_eq!(interrupted_while_it_writes(command, writer, "command"), 130);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    drop(reader);
}

const BUNDLES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../vectors/approval/bundles.json"
);

/// A command on a terminal of its own, which goes with it.
struct Terminal {
    script: Child,
    said: Arc<Mutex<String>>,
}

impl Terminal {
    fn run(command: &str) -> Self {
        let mut script = Command::new("script")
            .args(["-qec", command, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env_remove("EVAULT_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut shown, text) = (script.stdout.take().unwrap(), said.clone());
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(length @ 1..) = shown.read(&mut some) {
                let more = String::from_utf8_lossy(&some[..length]);
                text.lock().unwrap().push_str(&more);
            }
        });
        Self { script, said }
    }

    fn until_said(&self, what: &str) {
        until(what, || {
            let said = self.said.lock().unwrap();
            said.contains(what).then_some(()).ok_or(said.clone())
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.script.try_wait(), Ok(None)) {
            signal(self.script.id(), "HUP");
            ended(&mut self.script);
        }
    }
}

/// A request that can be shown: what the vector sends along with it is no policy.
fn request() -> String {
    let bundles = std::fs::read(BUNDLES).unwrap();
    let bundles: serde_json::Value = serde_json::from_slice(&bundles).unwrap();
    let bundle = bundles["accepted"][0]["bundle"].as_str().unwrap();
    let mut bundle: serde_json::Value = serde_json::from_str(bundle).unwrap();
    bundle["context"] = serde_json::json!({});
    bundle.to_string()
}

#[test]
fn a_signal_ends_a_question_and_a_yes_behind_it_signs_nothing() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    std::fs::write(dir.join("request.json"), request()).unwrap();
    let (credential, out) = (dir.join("credential.json"), dir.join("answer.json"));
    let registered = Command::new(EVAULT)
        .args(["approve", "register", "--origin", "https://test", "--out"])
        .arg(&credential)
        .output()
        .unwrap();
    assert!(registered.status.success());
    let sign = format!(
        "exec {EVAULT} approve sign {} --credential {} --out {}",
        dir.join("request.json").display(),
        credential.display(),
        out.display()
    );
    let mut terminal = Terminal::run(&sign);
    terminal.until_said("Type yes:");
    let processes = processes_naming(dir);
    let asks = processes.iter().find(|(_, line)| line.starts_with(EVAULT));
    signal(asks.unwrap().0, "INT");
    terminal.until_said("[interrupted]");
    // It may have ended already.
    let mut stdin = terminal.script.stdin.take().unwrap();
    let _ = stdin.write_all(b"yes\n");
    assert_eq!(ended(&mut terminal.script).code(), Some(130));
    assert!(!out.exists());
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
[ -z "$EDITS" ] || echo "$EDITS" >> "$1"
"#;

fn edit(dev: &Dev, key: &str, edits: &str) -> std::process::Output {
    let vault = dev.vault_id(1);
    let create = ["key", "create", "--type", "p256", "--name", key];
    dev.json(&[&create[..], &["--vault", &vault]].concat());
    dev.write("editor", EDITOR.as_bytes());
    Command::new(EVAULT)
        .args(["policy", "edit", key, "--vault", &vault])
        .args(["--output", "json"])
        .current_dir(dev.home())
        .env("EVAULT_CONFIG", dev.home().join("D/config.toml"))
        .env("TMPDIR", dev.home())
        .env("VISUAL", "sh editor")
        .env("EDITS", edits)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn what_was_edited_is_kept_where_a_signal_comes_and_it_is_said_where() {
    let dev = Dev::shared();
    let ended = edit(&dev, "kept", "# edited");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let next = said["error"]["next"].as_str().unwrap();
    let path = next.strip_prefix("evault policy edit kept --policy ");
    let kept = std::fs::read_to_string(path.unwrap()).unwrap();
    assert!(kept.ends_with("# edited\n"), "{kept}");
}

/// As a person may press Ctrl-C in an editor, for whom it means something else.
#[test]
fn an_editor_is_not_left_alone_by_a_signal() {
    let dev = Dev::start();
    let ended = edit(&dev, "edited", "");
    assert_eq!(ended.status.code(), Some(130));
    assert!(dev.home().join("closed").exists());
}
