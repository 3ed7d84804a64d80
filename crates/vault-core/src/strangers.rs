//! Refusals of callers who have no right to know: counted, never logged one by one.

use std::sync::atomic::{AtomicU64, Ordering};
use vault_policy::UnixSeconds;

/// Seconds of vault time between two aggregate entries.
pub(crate) const INTERVAL: u64 = 60;

/// What was refused since the last aggregate entry.
#[derive(Default)]
pub(crate) struct Strangers {
    refused: AtomicU64,
    since: Option<UnixSeconds>,
}

impl Strangers {
    /// One more.
    pub(crate) fn count(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The number to log, if there is one and its minute is over.
    pub(crate) fn due(&mut self, now: UnixSeconds) -> Option<u64> {
        if self.refused.load(Ordering::Relaxed) == 0 {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(now);
        if now.0 < since.0.saturating_add(INTERVAL) {
            return None;
        }
        self.since = None;
        Some(self.refused.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_of_refusals_is_one_number() {
        let mut strangers = Strangers::default();
        assert_eq!(strangers.due(UnixSeconds(0)), None);
        for _ in 0..5 {
            strangers.count();
        }
        assert_eq!(strangers.due(UnixSeconds(100)), None);
        assert_eq!(strangers.due(UnixSeconds(159)), None);
        assert_eq!(strangers.due(UnixSeconds(160)), Some(5));
        assert_eq!(strangers.due(UnixSeconds(500)), None);
    }
}
