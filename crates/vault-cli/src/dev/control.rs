//! `dev status` and `dev stop`: a socket in the directory of `dev`, for its user only.

use super::failed;
use super::layout::Layout;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use vault_client::{Error, ErrorCode, Result};

/// What is answered before the other end closes.
const STOP: &[u8] = b"stop\n";
/// How long whoever connects may take to say it.
const LONGEST_QUESTION: Duration = Duration::from_secs(2);

fn path(layout: &Layout) -> PathBuf {
    layout.file("control")
}

/// Listens. A socket that an earlier run left behind is nobody's: the lock is ours.
pub(super) fn listen(layout: &Layout) -> Result<UnixListener> {
    let path = path(layout);
    let _ = std::fs::remove_file(&path);
    UnixListener::bind(&path).map_err(|error| crate::files::inaccessible(&path, &error))
}

/// Answers questions with what stands on the board, until somebody asks to stop.
pub(super) async fn serve(listener: &UnixListener, board: &Mutex<Value>) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            return std::future::pending().await;
        };
        let mut question = [0u8; 8];
        let asked = timeout(LONGEST_QUESTION, stream.read(&mut question)).await;
        let read = asked.ok().and_then(|read| read.ok()).unwrap_or_default();
        let status = board
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .to_string();
        let _ = stream.write_all(status.as_bytes()).await;
        let _ = stream.shutdown().await;
        if question.get(..read) == Some(STOP) {
            return;
        }
    }
}

/// Asks a running `dev`; `stop` also ends it, which is not waited for.
pub(super) async fn ask(layout: &Layout, stop: bool) -> Result<Value> {
    let absent = |_| {
        Error::new(ErrorCode::NotFound)
            .summary("no dev runs in this directory")
            .detail(layout.dir().display())
            .next(format!("evault dev --dir {}", layout.dir().display()))
    };
    let mut stream = UnixStream::connect(path(layout)).await.map_err(absent)?;
    let question: &[u8] = if stop { STOP } else { b"status\n" };
    stream.write_all(question).await.map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(failed)?;
    serde_json::from_slice(&answer).map_err(failed)
}
