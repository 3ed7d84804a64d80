//! `time_window`: vault time is inside.

use crate::time::{UnixSeconds, VaultTime};
use crate::truth::Truth;

/// A span of time, `from` included and `until` not. INVARIANT: one of them is given, and the
/// span is not empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeWindow {
    /// Its first second.
    pub from: Option<UnixSeconds>,
    /// The first second behind it.
    pub until: Option<UnixSeconds>,
}

impl TimeWindow {
    /// `Unknown` when time is not established, or when its interval does not decide; so `not`
    /// over a window never rests on the bound that the host chooses.
    pub fn truth(self, now: VaultTime) -> Truth {
        let begun = self.from.map_or(Truth::True, |from| now.reached(from));
        let lasts = self.until.map_or(Truth::True, |until| !now.reached(until));
        begun.and(lasts)
    }
}
