//! How often an issuer may be asked.

use std::time::{Duration, Instant};

/// Fetches that may follow each other at once.
const BURST: u32 = 5;
/// Time after which one more is allowed.
const PERIOD: Duration = Duration::from_secs(10);

/// A token bucket.
pub(super) struct Gate {
    left: u32,
    since: Instant,
}

impl Gate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            left: BURST,
            since: now,
        }
    }

    /// Whether one more fetch is allowed now; counts it.
    pub(super) fn pass(&mut self, now: Instant) -> bool {
        while self.left < BURST && now.duration_since(self.since) >= PERIOD {
            self.left += 1;
            self.since += PERIOD;
        }
        if self.left == BURST {
            self.since = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_a_period() {
        let start = Instant::now();
        let mut gate = Gate::new(start);
        for _ in 0..BURST {
            assert!(gate.pass(start));
        }
        assert!(!gate.pass(start));
        assert!(!gate.pass(start + PERIOD - Duration::from_millis(1)));
        assert!(gate.pass(start + PERIOD));
        assert!(!gate.pass(start + PERIOD));
        let quiet = start + PERIOD * 100;
        for _ in 0..BURST {
            assert!(gate.pass(quiet));
        }
        assert!(!gate.pass(quiet));
    }
}
