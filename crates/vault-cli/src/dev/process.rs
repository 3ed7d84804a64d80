//! One child of this program: started, ready, ended.

use super::failed;
use crate::files;
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use vault_client::Result;

const UNTIL_READY: Duration = Duration::from_secs(60);
const UNTIL_GONE: Duration = Duration::from_secs(5);

/// A child that ends when this is dropped, or when this process ends in whichever way.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Kept open, so that the child can always write.
    _stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts this program again with other arguments, and waits for its line of JSON. What it
    /// says on stderr goes into `log`.
    pub(crate) async fn start(arguments: &[OsString], log: &Path) -> Result<(Self, Value)> {
        let mut child = spawn(arguments, log)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(|| failed("no stdout"))?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = tokio::time::timeout(UNTIL_READY, stdout.read_line(&mut line)).await;
        let ready = match read {
            Ok(Ok(_)) => serde_json::from_str(&line).ok(),
            Ok(Err(_)) | Err(_) => None,
        };
        let ready = ready.ok_or_else(|| not_ready(arguments, log))?;
        Ok((
            Self {
                child,
                stdin,
                _stdout: stdout,
            },
            ready,
        ))
    }

    /// Ends it as if the power had failed.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.map_err(failed)
    }

    /// Asks it to end, and ends it if it does not.
    pub(crate) async fn stop(mut self) {
        drop(self.stdin.take());
        if tokio::time::timeout(UNTIL_GONE, self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.kill().await;
        }
    }

    /// Process id, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ready when it has ended by itself, with what the system says of it.
    pub(crate) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<String> {
        let ended = pin!(self.child.wait());
        ended.poll(context).map(|status| match status {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        })
    }
}

/// Runs this program to its end; the line of JSON that it printed.
pub(crate) async fn ask(arguments: &[OsString], log: &Path) -> Result<Value> {
    let (mut process, said) = Process::start(arguments, log).await?;
    drop(process.stdin.take());
    let status = process.child.wait().await.map_err(failed)?;
    match status.success() {
        true => Ok(said),
        false => Err(not_ready(arguments, log)),
    }
}

fn spawn(arguments: &[OsString], log: &Path) -> Result<Child> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .map_err(|error| files::inaccessible(log, &error))?;
    Command::new(program()?)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        // A group of its own: the terminal's signals reach the parent, which ends it in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)
}

/// This very program.
pub(crate) fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(failed)
}

fn not_ready(arguments: &[OsString], log: &Path) -> vault_client::Error {
    let name = arguments
        .first()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let last: Vec<_> = text.lines().rev().take(5).collect();
    let last: Vec<_> = last.into_iter().rev().collect();
    failed(format_args!(
        "{name} did not become ready; {}: {}",
        log.display(),
        last.join(" | ")
    ))
}
