//! How much one source may ask for: requests within a second, connections and bodies at once.

use crate::config::LimitsConfig;
use crate::source::Source;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bodies that are read at once: what is not yet held takes memory too.
const BODIES: usize = 64;

/// The counts of all sources.
pub(crate) struct Pace {
    requests_per_second: u32,
    connections: usize,
    counts: Mutex<Counts>,
}

/// What is counted while it lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    Connections,
    Bodies,
}

/// What is in use now.
#[derive(Default)]
struct Held {
    all: usize,
    by: HashMap<Source, usize>,
}

#[derive(Default)]
struct Counts {
    /// The second that `requests` is about.
    second: u64,
    requests: HashMap<Source, u32>,
    connections: Held,
    bodies: Held,
}

impl Counts {
    fn held(&mut self, of: Of) -> &mut Held {
        match of {
            Of::Connections => &mut self.connections,
            Of::Bodies => &mut self.bodies,
        }
    }
}

/// One connection or one body, counted until it is dropped.
pub(crate) struct Turn {
    pace: Arc<Pace>,
    of: Of,
    source: Source,
}

impl Pace {
    pub(crate) fn new(limits: &LimitsConfig) -> Arc<Self> {
        Arc::new(Self {
            requests_per_second: limits.requests_per_second,
            connections: limits.connections,
            counts: Mutex::default(),
        })
    }

    /// Counts a request; false if this source has had its requests of this second.
    pub(crate) fn admits(&self, source: Source, now: u64) -> bool {
        let mut counts = self.counts();
        if counts.second != now {
            counts.second = now;
            counts.requests.clear();
        }
        let asked = counts.requests.entry(source).or_default();
        *asked = asked.saturating_add(1);
        *asked <= self.requests_per_second
    }

    /// A connection of this source; `None` if there are too many, or half of all are its own.
    pub(crate) fn connection(self: &Arc<Self>, source: Source) -> Option<Turn> {
        self.turn(Of::Connections, self.connections, source)
    }

    /// A body of this source, by the same rule.
    pub(crate) fn body(self: &Arc<Self>, source: Source) -> Option<Turn> {
        self.turn(Of::Bodies, BODIES, source)
    }

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

impl Drop for Turn {
    fn drop(&mut self) {
        let mut counts = self.pace.counts();
        let held = counts.held(self.of);
        held.all = held.all.saturating_sub(1);
        match held.by.get_mut(&self.source) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                held.by.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Source {
        Source::of([10, 0, 0, last].into())
    }

    #[test]
    fn a_source_has_its_requests_of_a_second_and_no_more() {
        let pace = Pace::new(&LimitsConfig {
            requests_per_second: 2,
            ..LimitsConfig::default()
        });
        assert!(pace.admits(source(1), 5) && pace.admits(source(1), 5));
        assert!(!pace.admits(source(1), 5));
        assert!(pace.admits(source(2), 5));
        assert!(pace.admits(source(1), 6));
    }

    #[test]
    fn half_of_the_connections_are_one_sources_and_come_back() {
        let pace = Pace::new(&LimitsConfig {
            connections: 3,
            ..LimitsConfig::default()
        });
        let first = pace.connection(source(1));
        let second = pace.connection(source(1));
        assert!(first.is_some() && second.is_some());
        assert!(pace.connection(source(1)).is_none());
        let third = pace.connection(source(2));
        assert!(third.is_some() && pace.connection(source(3)).is_none());
        drop(first);
        assert!(pace.connection(source(1)).is_some());
    }

    #[test]
    fn half_of_the_bodies_are_one_sources() {
        let pace = Pace::new(&LimitsConfig::default());
        let own: Vec<_> = (0..BODIES).map_while(|_| pace.body(source(1))).collect();
        assert_eq!(own.len(), BODIES / 2);
        assert!(pace.body(source(2)).is_some());
        assert!(pace.connection(source(1)).is_some());
    }
}
