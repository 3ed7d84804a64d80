//! Work that a signal ends also while it is held up in a call that does not come back: a read of a
//! pipe that nobody writes, a write to one that nobody reads, a long computation.

use crate::signals::Signals;
use crate::temporary;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use vault_client::{Error, ErrorCode, Result};

/// Work that has not noticed by then that it is to end is held up, and is left behind.
const TO_NOTICE: Duration = Duration::from_millis(300);
/// Last words that are not said by then have nobody who takes them.
const TO_SAY: Duration = Duration::from_secs(1);
/// Whether somebody else has the terminal, and the signals of its keys are meant for them.
static LENT: AtomicBool = AtomicBool::new(false);
/// What the command has left that somebody can go on with.
static NEXT: Mutex<Option<String>> = Mutex::new(None);
/// As much as a main thread has.
const STACK: usize = 8 << 20;

/// What the work came to, unless a signal came first. Work that is not held up is dropped in order,
/// until another signal comes.
pub(crate) fn run<T: Send + 'static>(
    runtime: Runtime,
    work: impl AsyncFnOnce() -> T + Send + 'static,
) -> Result<T> {
    let came_of_it = over(runtime, work, Worker::ended_or)?;
    came_of_it.ok_or_else(interrupted)
}

/// As [`run`], for work that ends by itself at a signal: it is not dropped. None where it is held up,
/// and was left behind.
pub(crate) fn run_to_its_end<T: Send + 'static>(
    runtime: Runtime,
    work: impl AsyncFnOnce() -> T + Send + 'static,
) -> Result<Option<T>> {
    let came_of_it = over(runtime, work, Worker::ended_soon);
    if matches!(came_of_it, Ok(None)) {
        briefly(temporary::remove_all);
    }
    came_of_it
}

fn over<T: Send + 'static>(
    runtime: Runtime,
    work: impl AsyncFnOnce() -> T + Send + 'static,
    end: impl AsyncFnOnce(Worker<T>, Signals) -> Option<Option<T>>,
) -> Result<Option<T>> {
    // What is held up still needs its runtime: it ends with the process.
    let runtime = ManuallyDrop::new(runtime);
    let entered = runtime.enter();
    let signals = Signals::listen();
    drop(entered);
    let worker = Worker::start(runtime.handle().clone(), work)
        .map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
    let Some(came_of_it) = runtime.block_on(end(worker, signals)) else {
        return Ok(None);
    };
    // A thread that waits on stdin must not keep the process.
    ManuallyDrop::into_inner(runtime).shutdown_background();
    Ok(came_of_it)
}

/// For work that was held up, by a person perhaps: a signal that came meanwhile ends it here, and nothing
/// is done any more.
pub(crate) async fn look_up() {
    tokio::task::yield_now().await;
}

/// What to say of the end that a signal makes: what was kept, and how to go on with it.
pub(crate) fn next(command: Option<String>) {
    *NEXT.lock().unwrap_or_else(PoisonError::into_inner) = command;
}

fn interrupted() -> Error {
    let error = Error::new(ErrorCode::Interrupted);
    match NEXT.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(next) => error.next(next),
        None => error,
    }
}

/// Does this before the end, and waits for it no longer than this can take: what held up the work may hold
/// up this.
pub(crate) fn briefly(last: impl FnOnce() + Send + 'static) {
    let (done, ended) = std::sync::mpsc::channel();
    let doing = std::thread::Builder::new().spawn(move || {
        last();
        let _ = done.send(());
    });
    if doing.is_ok() {
        let _ = ended.recv_timeout(TO_SAY);
    }
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
                // INVARIANT: work goes on from a wait only where nobody has asked for its end.
                biased;
                () = asked => None,
                done = work() => Some(done),
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

    /// None where the work is left behind, as it does not end soon behind a signal.
    async fn ended_soon(mut self, mut signals: Signals) -> Option<Option<T>> {
        tokio::select! {
            ended = &mut self.ended => return Some(of(ended, self.thread)),
            () = signals.stop() => {}
        }
        match tokio::time::timeout(TO_NOTICE, &mut self.ended).await {
            Ok(ended) => Some(of(ended, self.thread)),
            Err(_) => None,
        }
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
    fn what_a_person_says_behind_an_interrupt_is_not_done() {
        let runtime = Runtime::new().unwrap();
        let (say, said) = std::sync::mpsc::channel();
        let worker = Worker::start(runtime.handle().clone(), async move || {
            said.recv().unwrap();
            look_up().await;
        });
        let worker = worker.unwrap();
        worker.stop.send(()).unwrap();
        say.send(()).unwrap();
        assert_eq!(runtime.block_on(worker.ended), Ok(None));
    }

    #[test]
    fn work_that_ends_by_itself_gives_what_it_came_to() {
        let runtime = Runtime::new().unwrap();
        assert_eq!(run(runtime, async || 7).unwrap(), 7);
    }
}
