//! Being asked to stop.

use std::task::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for SIGINT, SIGTERM and SIGHUP from when it is made: what comes while nobody waits is
/// kept. Made before anything is said that could make somebody send one; each of several hears all.
pub(crate) struct Signals(Vec<Signal>);

impl Signals {
    /// Where a handler cannot be installed, the signal keeps its own effect.
    pub(crate) fn listen() -> Self {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        Self(kinds.into_iter().flat_map(signal).collect())
    }

    /// Ready at the first signal since the last answer.
    pub(crate) async fn stop(&mut self) {
        std::future::poll_fn(|context| {
            let asked = |signal: &mut Signal| signal.poll_recv(context).is_ready();
            match self.0.iter_mut().any(asked) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, id};
    use std::time::Duration;

    #[tokio::test]
    async fn a_signal_that_comes_while_nobody_waits_is_not_lost() {
        let mut signals = Signals::listen();
        // Waited for once and dropped, as when something else was ready first.
        assert!(
            tokio::time::timeout(Duration::ZERO, signals.stop())
                .await
                .is_err()
        );
        let script = format!("kill -TERM {}", id());
        let sent = Command::new("sh").args(["-c", &script]).status();
        assert!(sent.is_ok_and(|sent| sent.success()));
        tokio::time::timeout(Duration::from_secs(60), signals.stop())
            .await
            .expect("the signal is kept");
    }
}
