//! A token bucket whose time is an argument.

use std::time::Duration;

/// Lets `burst` pass at once and then one a `period`.
#[derive(Clone, Debug)]
pub(super) struct TokenBucket {
    period: Duration,
    credit: Duration,
    /// When the bucket will be full again.
    full_at: Duration,
}

impl TokenBucket {
    pub(super) fn new(burst: u32, period: Duration) -> Self {
        Self {
            period,
            credit: period.saturating_mul(burst.saturating_sub(1)),
            full_at: Duration::ZERO,
        }
    }

    /// Takes a token, or says how long until there is one. `now` counts from any fixed moment.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let wait = self.full_at.saturating_sub(self.credit).saturating_sub(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.full_at = self.full_at.max(now).saturating_add(self.period);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_a_period() {
        let at = Duration::from_millis;
        let mut bucket = TokenBucket::new(3, at(100));
        for _ in 0..3 {
            assert_eq!(bucket.take(at(1000)), Ok(()));
        }
        assert_eq!(bucket.take(at(1000)), Err(at(100)));
        assert_eq!(bucket.take(at(1040)), Err(at(60)));
        assert_eq!(bucket.take(at(1100)), Ok(()));
        assert_eq!(bucket.take(at(1100)), Err(at(100)));
        for _ in 0..3 {
            assert_eq!(bucket.take(at(9000)), Ok(()));
        }
        assert!(bucket.take(at(9000)).is_err());
    }

    #[test]
    fn a_clock_that_steps_back_gives_no_tokens() {
        let at = Duration::from_millis;
        let mut bucket = TokenBucket::new(1, at(100));
        assert_eq!(bucket.take(at(5000)), Ok(()));
        assert_eq!(bucket.take(at(0)), Err(at(5100)));
    }
}
