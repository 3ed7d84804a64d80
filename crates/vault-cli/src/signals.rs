//! Being asked to stop.

use std::future::pending;
use tokio::signal::unix::{SignalKind, signal};

/// Ready at the first SIGINT, SIGTERM or SIGHUP.
pub(crate) async fn stop() {
    tokio::select! {
        () = one(SignalKind::interrupt()) => {}
        () = one(SignalKind::terminate()) => {}
        () = one(SignalKind::hangup()) => {}
    }
}

/// Where a handler cannot be installed, the signal keeps its own effect.
async fn one(kind: SignalKind) {
    match signal(kind) {
        Ok(mut stream) => {
            stream.recv().await;
        }
        Err(_) => pending().await,
    }
}
