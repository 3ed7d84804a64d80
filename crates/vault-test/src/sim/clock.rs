//! A clock that the host can set as it likes.

use crate::sim::rng::SimRng;
use std::time::Duration;
use vault_core::TimeReading;
use vault_policy::UnixSeconds;

/// When a run begins.
pub(crate) const START: u64 = 1_800_000_000;

/// The host's clock: mostly runs, sometimes jumps, sometimes fails.
#[derive(Clone, Debug)]
pub struct SimClock {
    now: u64,
    /// Seconds that passed, whatever the host says.
    passed: u64,
    failing: bool,
}

impl Default for SimClock {
    fn default() -> Self {
        Self {
            now: START,
            passed: 0,
            failing: false,
        }
    }
}

impl SimClock {
    /// What the host says.
    pub fn read(&self) -> TimeReading {
        if self.failing {
            TimeReading::Failed
        } else {
            TimeReading::Host(UnixSeconds(self.now))
        }
    }

    /// Time passes, or the host tampers with it.
    pub fn step(&mut self, rng: &mut SimRng) -> &'static str {
        self.failing = false;
        match rng.below(12) {
            0 => {
                self.failing = true;
                "clock fails"
            }
            1 => {
                self.now -= 90;
                "clock goes back"
            }
            2 => {
                self.now += 400;
                "clock jumps"
            }
            _ => {
                let seconds = 1 + rng.below(30);
                self.now += seconds;
                self.passed += seconds;
                "time passes"
            }
        }
    }

    /// Time since the run began; never goes back.
    pub fn running(&self) -> Duration {
        Duration::from_secs(self.passed)
    }

    /// Seconds that the host would say.
    pub fn seconds(&self) -> u64 {
        self.now
    }

    /// The host repairs its clock.
    pub fn repair(&mut self, at_least: u64) {
        self.failing = false;
        self.now = self.now.max(at_least);
    }
}
