//! Refusals that a flood could make many of: counted, never logged one by one.

use std::sync::atomic::{AtomicU64, Ordering};
use vault_policy::{UnixSeconds, VaultTime};

/// Seconds of vault time between two aggregate entries.
pub(crate) const INTERVAL: u64 = 60;

/// Looks between two aggregate entries where time is not known.
const LOOKS: u32 = 16;

/// What was refused since the last aggregate entry.
#[derive(Default)]
pub(crate) struct Strangers {
    refused: AtomicU64,
    since: Option<UnixSeconds>,
    /// Looks in a row without a time.
    timeless: u32,
}

impl Strangers {
    /// One more.
    pub(crate) fn count(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The number to log, if there is one and its minute is over. A clock that fails does not hide
    /// it: then it is due after some looks.
    pub(crate) fn due(&mut self, now: VaultTime) -> Option<u64> {
        if self.refused.load(Ordering::Relaxed) == 0 {
            self.since = None;
            self.timeless = 0;
            return None;
        }
        if !self.is_over(now) {
            return None;
        }
        self.since = None;
        self.timeless = 0;
        Some(self.refused.swap(0, Ordering::Relaxed))
    }

    fn is_over(&mut self, now: VaultTime) -> bool {
        let VaultTime::Known { lo, .. } = now else {
            self.timeless = self.timeless.saturating_add(1);
            return self.timeless >= LOOKS;
        };
        // A clock that was ahead for one look hides nothing afterwards.
        let since = self.since.map_or(lo, |since| since.min(lo));
        self.since = Some(since);
        lo.0 >= since.0.saturating_add(INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> VaultTime {
        VaultTime::Known {
            lo: UnixSeconds(seconds),
            hi: UnixSeconds(seconds),
        }
    }

    #[test]
    fn a_clock_that_fails_does_not_hide_the_refused() {
        let mut strangers = Strangers::default();
        strangers.count();
        for _ in 1..LOOKS {
            assert_eq!(strangers.due(VaultTime::Unknown), None);
        }
        assert_eq!(strangers.due(VaultTime::Unknown), Some(1));
        assert_eq!(strangers.due(VaultTime::Unknown), None);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_hide_the_refused() {
        let mut strangers = Strangers::default();
        strangers.count();
        assert_eq!(strangers.due(at(1_000_000)), None);
        assert_eq!(strangers.due(at(100)), None);
        assert_eq!(strangers.due(at(159)), None);
        assert_eq!(strangers.due(at(160)), Some(1));
    }

    #[test]
    fn a_minute_of_refusals_is_one_number() {
        let mut strangers = Strangers::default();
        assert_eq!(strangers.due(at(0)), None);
        for _ in 0..5 {
            strangers.count();
        }
        assert_eq!(strangers.due(at(100)), None);
        assert_eq!(strangers.due(at(159)), None);
        assert_eq!(strangers.due(at(160)), Some(5));
        assert_eq!(strangers.due(at(500)), None);
    }
}
