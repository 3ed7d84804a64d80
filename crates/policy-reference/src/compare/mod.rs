//! One case, judged twice.

pub mod change;
pub mod decision;
pub mod lockout;
pub mod sequence;
pub mod shape;

use crate::coverage::Coverage;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// One kind of case.
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// Judges the cases of these seeds; the seed of the first disagreement.
    pub run: fn(Range<u64>) -> Result<Coverage, u64>,
    /// The disagreement of this seed in its least form, if it is one.
    pub explain: fn(u64) -> Option<String>,
}

/// What calls are allowed.
pub const DECISIONS: Kind = Kind {
    name: "decisions",
    run: decision::run,
    explain: decision::explain,
};

/// What would be said to calls that nobody makes.
pub const SIMULATIONS: Kind = Kind {
    name: "simulations",
    run: decision::simulated,
    explain: decision::explain_simulated,
};

/// What is refused when it is written, and what documents mean.
pub const SHAPES: Kind = Kind {
    name: "shapes",
    run: shape::run,
    explain: shape::explain,
};

/// Whether anybody could ever use the key.
pub const LOCKOUTS: Kind = Kind {
    name: "lockouts",
    run: lockout::run,
    explain: lockout::explain,
};

/// What a policy may become.
pub const CHANGES: Kind = Kind {
    name: "changes",
    run: change::run,
    explain: change::explain,
};

/// What several changes come to.
pub const SEQUENCES: Kind = Kind {
    name: "sequences",
    run: sequence::run,
    explain: sequence::explain,
};

/// Seeds that one thread takes at a time.
const BLOCK: u64 = 512;

impl Kind {
    /// Judges the cases of `count` seeds from `first` on, on all processors; the seed of the
    /// first disagreement that was found.
    pub fn spread(&self, first: u64, count: u64) -> Result<Coverage, u64> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let (next, end) = (AtomicU64::new(first), first.saturating_add(count));
        let all = Mutex::new(Ok(Coverage::default()));
        let work = || {
            loop {
                let start = next.fetch_add(BLOCK, Ordering::Relaxed);
                if start >= end {
                    return;
                }
                let result = (self.run)(start..end.min(start.saturating_add(BLOCK)));
                if result.is_err() {
                    next.store(end, Ordering::Relaxed);
                }
                let mut all = all.lock().unwrap_or_else(|broken| broken.into_inner());
                match (&mut *all, result) {
                    (Ok(all), Ok(more)) => all.add(&more),
                    (Err(least), Err(seed)) => *least = seed.min(*least),
                    (all, Err(seed)) => *all = Err(seed),
                    (Err(_), Ok(_)) => {}
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        all.into_inner()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}
