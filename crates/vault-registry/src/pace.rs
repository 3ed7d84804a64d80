//! How much one source may ask for: requests within a second, and dials at once. Pure but for the
//! counts that it holds.

use crate::config::LimitsConfig;
use crate::source::Source;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vault_policy::UnixSeconds;

/// The counts of all sources.
pub(crate) struct Pace {
    requests_per_second: u32,
    dials: usize,
    connections: usize,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// The second that `requests` is about.
    second: UnixSeconds,
    requests: HashMap<Source, u32>,
    announced: Held,
    listed: Held,
    connections: Held,
}

/// What is in use now.
#[derive(Default)]
struct Held {
    all: usize,
    by: HashMap<Source, usize>,
}

/// Whom a dial is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dial {
    /// An endpoint that somebody announces.
    Announced,
    /// An endpoint that is listed: a quarter of all dials is for these alone.
    Listed,
}

/// Which of the counts a turn is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    Dials(Dial),
    Connections,
}

/// One dial or one connection, counted until it is dropped.
pub(crate) struct Turn {
    pace: Arc<Pace>,
    of: Of,
    source: Source,
}

impl Pace {
    pub(crate) fn new(limits: &LimitsConfig) -> Arc<Self> {
        Arc::new(Self {
            requests_per_second: limits.requests_per_second,
            dials: limits.dials,
            connections: limits.connections,
            counts: Mutex::default(),
        })
    }

    /// Counts a request; false if this source has had its requests of this second.
    pub(crate) fn admits(&self, source: Source, now: UnixSeconds) -> bool {
        let mut counts = self.counts();
        if counts.second != now {
            counts.second = now;
            counts.requests.clear();
        }
        let asked = counts.requests.entry(source).or_default();
        *asked = asked.saturating_add(1);
        *asked <= self.requests_per_second
    }

    /// A dial for this source; `None` if too many are going on.
    pub(crate) fn dial(self: &Arc<Self>, dial: Dial, source: Source) -> Option<Turn> {
        let listed = self.dials.div_ceil(4);
        let most = match dial {
            Dial::Announced => self.dials.saturating_sub(listed).max(1),
            Dial::Listed => listed,
        };
        self.turn(Of::Dials(dial), most, source)
    }

    /// A connection of this source; `None` if there are too many.
    pub(crate) fn connection(self: &Arc<Self>, source: Source) -> Option<Turn> {
        self.turn(Of::Connections, self.connections, source)
    }

    /// At most half of all is one source's.
    fn turn(self: &Arc<Self>, of: Of, most: usize, source: Source) -> Option<Turn> {
        let mut counts = self.counts();
        let held = counts.held(of);
        let own = held.by.get(&source).copied().unwrap_or_default();
        if held.all >= most || own >= most.div_ceil(2) {
            return None;
        }
        held.all += 1;
        held.by.insert(source, own + 1);
        Some(Turn {
            pace: self.clone(),
            of,
            source,
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn held(&mut self, of: Of) -> &mut Held {
        match of {
            Of::Dials(Dial::Announced) => &mut self.announced,
            Of::Dials(Dial::Listed) => &mut self.listed,
            Of::Connections => &mut self.connections,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut counts = self.pace.counts();
        let held = counts.held(self.of);
        held.all = held.all.saturating_sub(1);
        if let Some(own) = held.by.get_mut(&self.source) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                held.by.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(change: impl FnOnce(&mut LimitsConfig)) -> Arc<Pace> {
        let mut limits = LimitsConfig::default();
        change(&mut limits);
        Pace::new(&limits)
    }

    fn from(last: u8) -> Source {
        Source::of(std::net::Ipv4Addr::new(10, 0, 0, last).into())
    }

    #[test]
    fn a_source_has_its_requests_of_each_second_and_no_others() {
        let pace = pace(|limits| limits.requests_per_second = 2);
        let admitted = |source, now| pace.admits(from(source), UnixSeconds(now));
        assert!(admitted(1, 10) && admitted(1, 10));
        assert!(!admitted(1, 10) && !admitted(1, 10));
        assert!(admitted(2, 10));
        assert!(admitted(1, 11));
    }

    #[test]
    fn one_source_has_half_of_the_dials_and_gets_them_back() {
        let pace = pace(|limits| limits.dials = 6);
        let dial = |last| pace.dial(Dial::Announced, from(last));
        let held = [dial(1), dial(1)];
        assert!(held.iter().all(Option::is_some));
        assert!(dial(1).is_none());
        let others = [dial(2), dial(3)];
        assert!(others.iter().all(Option::is_some));
        assert!(dial(4).is_none());
        drop(held);
        assert!(dial(1).is_some());
        drop(others);
        assert!(pace.counts().announced.by.is_empty());
        assert_eq!(pace.counts().announced.all, 0);
    }

    #[test]
    fn announcements_leave_a_quarter_of_the_dials_to_what_is_listed() {
        let pace = pace(|limits| limits.dials = 8);
        let mut held = Vec::new();
        for last in 0..100 {
            held.extend(pace.dial(Dial::Announced, from(last)));
        }
        assert_eq!(held.len(), 6);
        let listed = [1, 2].map(|last| pace.dial(Dial::Listed, from(last)));
        assert!(listed.iter().all(Option::is_some));
        assert!(pace.dial(Dial::Listed, from(3)).is_none());
    }

    #[test]
    fn connections_and_dials_are_counted_apart() {
        let pace = pace(|limits| (limits.dials, limits.connections) = (1, 1));
        let dial = pace.dial(Dial::Announced, from(1));
        let connection = pace.connection(from(1));
        assert!(dial.is_some() && connection.is_some());
        assert!(pace.connection(from(2)).is_none());
    }
}
