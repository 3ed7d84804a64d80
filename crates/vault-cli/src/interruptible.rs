//! Work that a signal ends also while it is held up in a call that does not come back: a read of a
//! pipe that nobody writes, a write to one that nobody reads, a long computation.

use crate::signals::Signals;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use vault_client::{Error, ErrorCode, Result};

/// Work that has not noticed by then that it is to end is held up, and is left behind.
const TO_NOTICE: Duration = Duration::from_millis(300);
/// Whether somebody else has the terminal, and the signals of its keys are meant for them.
static LENT: AtomicBool = AtomicBool::new(false);
/// As much as a main thread has.
const STACK: usize = 8 << 20;

/// What the work came to, unless a signal came first. Work that is not held up is dropped in order,
/// until another signal comes.
pub(crate) fn run<T: Send + 'static>(
    runtime: Runtime,
    work: impl AsyncFnOnce() -> T + Send + 'static,
) -> Result<T> {
    // What is held up still needs its runtime: it ends with the process.
    let runtime = ManuallyDrop::new(runtime);
    let entered = runtime.enter();
    let signals = Signals::listen();
    drop(entered);
    let worker = Worker::start(runtime.handle().clone(), work)
        .map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
    let Some(came_of_it) = runtime.block_on(worker.ended_or(signals)) else {
        return Err(Error::new(ErrorCode::Interrupted));
    };
    // A thread that waits on stdin must not keep the process.
    ManuallyDrop::into_inner(runtime).shutdown_background();
    came_of_it.ok_or(Error::new(ErrorCode::Interrupted))
}

/// Waits for another program that has the terminal, such as an editor: a signal ends the work only
/// behind it, and does not leave the two without each other.
pub(crate) fn lend<T>(program: impl FnOnce() -> T) -> T {
    LENT.store(true, Ordering::Release);
    let ended = program();
    LENT.store(false, Ordering::Release);
    ended
}

/// A thread that does the work.
struct Worker<T> {
    thread: std::thread::JoinHandle<()>,
    stop: oneshot::Sender<()>,
    noticed: oneshot::Receiver<()>,
    ended: oneshot::Receiver<Option<T>>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(
        handle: Handle,
        work: impl AsyncFnOnce() -> T + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (notice, noticed) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let asked = async move {
            let _ = stopped.await;
            // Said before the work is dropped, which may take its time.
            let _ = notice.send(());
        };
        let body = async move || {
            tokio::select! {
                done = work() => Some(done),
                () = asked => None,
            }
        };
        let thread = std::thread::Builder::new()
            .name("command".to_owned())
            .stack_size(STACK)
            .spawn(move || drop(end.send(handle.block_on(body()))))?;
        Ok(Self {
            thread,
            stop,
            noticed,
            ended,
        })
    }

    /// None where the work is left behind; otherwise what came of it, or none where it was dropped.
    async fn ended_or(mut self, mut signals: Signals) -> Option<Option<T>> {
        tokio::select! {
            ended = &mut self.ended => return Some(of(ended, self.thread)),
            () = signals.stop() => {}
        }
        let _ = self.stop.send(());
        while tokio::time::timeout(TO_NOTICE, &mut self.noticed)
            .await
            .is_err()
        {
            if !LENT.load(Ordering::Acquire) {
                return None;
            }
        }
        tokio::select! {
            ended = self.ended => Some(of(ended, self.thread)),
            () = signals.stop() => None,
        }
    }
}

/// A panic of the work is one of the caller.
fn of<T>(
    ended: std::result::Result<Option<T>, oneshot::error::RecvError>,
    thread: std::thread::JoinHandle<()>,
) -> Option<T> {
    ended.unwrap_or_else(|_| match thread.join() {
        Ok(()) => None,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_ends_by_itself_gives_what_it_came_to() {
        let runtime = Runtime::new().unwrap();
        assert_eq!(run(runtime, async || 7).unwrap(), 7);
    }
}
