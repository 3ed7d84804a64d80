//! Work that another thread does meanwhile, if there can be one.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

type Work<'scope, T> = Box<dyn FnOnce() -> T + Send + 'scope>;
/// Until somebody does it.
type Held<'scope, T> = Arc<Mutex<Option<Work<'scope, T>>>>;

/// Below this a thread costs more than it saves.
const WORTH: usize = 1 << 20;

/// Work that was given away.
pub(crate) struct Beside<'scope, T> {
    thread: Option<ScopedJoinHandle<'scope, Option<T>>>,
    held: Held<'scope, T>,
}

impl<'scope, T: Send + 'scope> Beside<'scope, T> {
    /// `bytes` are to be looked through: a thread is not begun for few.
    pub(crate) fn begin<'env>(
        scope: &'scope Scope<'scope, 'env>,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'scope,
    ) -> Self {
        let held: Held<'scope, T> = Arc::new(Mutex::new(Some(Box::new(work))));
        let there = Arc::clone(&held);
        let begin = || Builder::new().spawn_scoped(scope, move || done(&there));
        let thread = (bytes >= WORTH).then(begin).and_then(Result::ok);
        Self { thread, held }
    }

    /// What came of it: without a thread it is done now. Never `None`.
    pub(crate) fn end(self) -> Option<T> {
        match self.thread {
            Some(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            None => done(&self.held),
        }
    }
}

fn done<T>(held: &Held<'_, T>) -> Option<T> {
    let work = held.lock().unwrap_or_else(PoisonError::into_inner).take();
    work.map(|work| work())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn work_is_done_by_another_thread_or_by_the_one_that_asks() {
        thread::scope(|scope| {
            let there = Beside::begin(scope, WORTH, || thread::current().id());
            assert_ne!(there.end(), Some(thread::current().id()));
            let few = Beside::begin(scope, WORTH - 1, || thread::current().id());
            assert_eq!(few.end(), Some(thread::current().id()));
            let work: Work<'_, thread::ThreadId> = Box::new(|| thread::current().id());
            let here = Beside {
                thread: None,
                held: Arc::new(Mutex::new(Some(work))),
            };
            assert_eq!(here.end(), Some(thread::current().id()));
        });
    }
}
