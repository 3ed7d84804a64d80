//! All processors, for the work of a start.

use std::sync::{Mutex, PoisonError};
use std::thread;
use vault_core::{Part, Workers};

/// One thread for each processor; fewer, if no more can be had.
pub(crate) struct Threads;

impl Workers for Threads {
    fn run<'a>(&self, parts: Vec<Part<'a>>) {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let parts = Mutex::new(parts.into_iter());
        let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some(part) = next() {
                part();
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                // Without it this thread does its share.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_part_is_done_once() {
        let done: Vec<AtomicUsize> = (0..1_000).map(|_| AtomicUsize::new(0)).collect();
        let part = |count| -> Part<'_> {
            Box::new(move || {
                AtomicUsize::fetch_add(count, 1, Ordering::Relaxed);
            })
        };
        Threads.run(done.iter().map(part).collect());
        assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        Threads.run(Vec::new());
    }
}
