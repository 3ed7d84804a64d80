//! Refusals that a flood could make many of: counted, never logged one by one.
//!
//! Both clocks are the host's. Whichever says that a minute is over is believed, and where both stand still
//! the number itself is enough to be told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use vault_policy::{UnixSeconds, VaultTime};

/// Between two aggregate entries.
const INTERVAL: Duration = Duration::from_secs(60);

/// Refusals that are told before their minute is over.
const MANY: u64 = 1 << 16;
/// Each time that it happens, so many times as many are needed the next time: a flood makes few entries.
const MORE: u64 = 16;

/// What was refused since the last aggregate entry.
pub(crate) struct Strangers {
    refused: AtomicU64,
    since: Option<Since>,
    many: u64,
}

/// The first look at what was refused, by both clocks.
#[derive(Clone, Copy)]
struct Since {
    /// The earliest that was said: a clock that was ahead for one look hides nothing afterwards.
    time: Option<UnixSeconds>,
    running: Duration,
}

impl Default for Strangers {
    fn default() -> Self {
        Self {
            refused: AtomicU64::default(),
            since: None,
            many: MANY,
        }
    }
}

impl Strangers {
    /// One more.
    pub(crate) fn count(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The number to log, if there is one and its minute is over, by vault time or by the time since some moment.
    pub(crate) fn due(&mut self, now: VaultTime, running: Duration) -> Option<u64> {
        let refused = self.refused.load(Ordering::Relaxed);
        if refused == 0 {
            self.since = None;
            return None;
        }
        if self.is_over(now, running) {
            self.many = MANY;
        } else if refused >= self.many {
            self.many = self.many.saturating_mul(MORE);
        } else {
            return None;
        }
        self.since = None;
        Some(self.refused.swap(0, Ordering::Relaxed))
    }

    fn is_over(&mut self, now: VaultTime, running: Duration) -> bool {
        let now = match now {
            VaultTime::Known { lo, .. } => Some(lo),
            VaultTime::Unknown => None,
        };
        let time = None;
        let since = self.since.get_or_insert(Since { time, running });
        since.time = since.time.into_iter().chain(now).min();
        let passed = since.time.zip(now);
        let passed = passed.map_or(0, |(since, now)| now.0.saturating_sub(since.0));
        passed >= INTERVAL.as_secs() || running.saturating_sub(since.running) >= INTERVAL
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

    const STILL: Duration = Duration::ZERO;

    fn refused(number: u64) -> Strangers {
        let strangers = Strangers::default();
        strangers.refused.store(number, Ordering::Relaxed);
        strangers
    }

    #[test]
    fn a_clock_that_goes_back_does_not_hide_the_refused() {
        let mut strangers = refused(1);
        assert_eq!(strangers.due(at(1_000_000), STILL), None);
        assert_eq!(strangers.due(at(100), STILL), None);
        assert_eq!(strangers.due(at(159), STILL), None);
        assert_eq!(strangers.due(at(160), STILL), Some(1));
    }

    #[test]
    fn a_minute_of_refusals_is_one_number() {
        let mut strangers = Strangers::default();
        assert_eq!(strangers.due(at(0), STILL), None);
        for _ in 0..5 {
            strangers.count();
        }
        assert_eq!(strangers.due(at(100), STILL), None);
        assert_eq!(strangers.due(at(159), STILL), None);
        assert_eq!(strangers.due(at(160), STILL), Some(5));
        assert_eq!(strangers.due(at(500), STILL), None);
    }

    #[test]
    fn a_clock_that_fails_stands_still_or_goes_to_and_fro_does_not_hide_the_refused() {
        let clocks: [&dyn Fn(u64) -> VaultTime; 4] = [
            &|_| VaultTime::Unknown,
            &|_| at(1_000_000),
            &|second| at(1_000_000 + second % 59),
            &|second| at(1_000_000 - second),
        ];
        for clock in clocks {
            let mut strangers = refused(1);
            let mut due = |second| strangers.due(clock(second), Duration::from_secs(1000 + second));
            assert_eq!((0..60).find_map(&mut due), None);
            assert_eq!(due(60), Some(1));
            assert_eq!(due(200), None);
        }
    }

    #[test]
    fn where_both_clocks_stand_still_many_refused_are_told_and_make_few_entries() {
        let mut strangers = Strangers::default();
        let (mut told, mut entries, mut waiting) = (0, 0, 0);
        for _ in 0..1_000_000 {
            for _ in 0..100 {
                strangers.count();
            }
            waiting += 100;
            if let Some(refused) = strangers.due(at(100), STILL) {
                assert_eq!(refused, waiting);
                (told, waiting, entries) = (told + refused, 0, entries + 1);
            }
            assert!(waiting <= told.saturating_mul(MORE).max(MANY + 100));
        }
        assert_eq!(entries, 3, "of a hundred million refusals");
    }

    #[test]
    fn a_flood_while_the_clocks_run_makes_a_few_entries_a_minute() {
        let mut strangers = Strangers::default();
        let mut entries = 0;
        for second in 0..3600 {
            strangers.refused.fetch_add(1_000_000, Ordering::Relaxed);
            let running = Duration::from_secs(second);
            entries += u64::from(strangers.due(at(100), running).is_some());
        }
        assert!(entries <= 4 * 60, "{entries}");
    }
}
