//! How much one source may ask for: requests within a second; connections, bodies and bytes that are
//! being written at once.

use crate::config::LimitsConfig;
use crate::source::{Peer, Source};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bodies that are read at once: what is not yet held takes memory too.
const BODIES: usize = 64;

/// The counts of all sources.
pub(crate) struct Pace {
    requests_per_second: u32,
    connections: usize,
    bytes_on_the_way: usize,
    counts: Mutex<Counts>,
}

/// What is counted while it lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    Connections,
    Bodies,
    BytesOnTheWay,
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
    bytes_on_the_way: Held,
}

impl Counts {
    fn held(&mut self, of: Of) -> &mut Held {
        match of {
            Of::Connections => &mut self.connections,
            Of::Bodies => &mut self.bodies,
            Of::BytesOnTheWay => &mut self.bytes_on_the_way,
        }
    }
}

/// One connection, one body or so many bytes, counted until it is dropped.
pub(crate) struct Turn {
    pace: Arc<Pace>,
    of: Of,
    count: usize,
    source: Source,
}

/// Bytes that are counted for as long as anybody holds them.
struct OnTheWay {
    bytes: Bytes,
    _turn: Turn,
}

impl AsRef<[u8]> for OnTheWay {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Pace {
    pub(crate) fn new(limits: &LimitsConfig) -> Arc<Self> {
        Arc::new(Self {
            requests_per_second: limits.requests_per_second,
            connections: limits.connections,
            bytes_on_the_way: limits.bytes_on_the_way,
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

    /// A connection of this peer; `None` if there are too many, or half of all are its own. The
    /// proxy's are everybody's.
    pub(crate) fn connection(self: &Arc<Self>, peer: Peer) -> Option<Turn> {
        let most = self.connections;
        let (source, share) = match peer {
            Peer::Client(source) => (source, most.div_ceil(2)),
            Peer::Proxy(source) => (source, most),
        };
        self.turn(Of::Connections, (most, share), 1, source)
    }

    /// A body of this source, by the same rule.
    pub(crate) fn body(self: &Arc<Self>, source: Source) -> Option<Turn> {
        self.turn(Of::Bodies, (BODIES, BODIES.div_ceil(2)), 1, source)
    }

    /// The same bytes, counted until the last who holds them has let them go, by the same rule: a
    /// client that does not read what it asked for is not given more and more.
    pub(crate) fn written(self: &Arc<Self>, bytes: Bytes, source: Source) -> Option<Bytes> {
        let most = self.bytes_on_the_way;
        let bounds = (most, most.div_ceil(2));
        let turn = self.turn(Of::BytesOnTheWay, bounds, bytes.len(), source)?;
        let counted = OnTheWay { bytes, _turn: turn };
        Some(Bytes::from_owner(counted))
    }

    /// So many more, within the bounds of all and of one source.
    fn turn(
        self: &Arc<Self>,
        of: Of,
        (most, share): (usize, usize),
        count: usize,
        source: Source,
    ) -> Option<Turn> {
        let mut counts = self.counts();
        let held = counts.held(of);
        let own = held.by.get(&source).copied().unwrap_or_default();
        let (all, own) = (held.all.saturating_add(count), own.saturating_add(count));
        if all > most || own > share {
            return None;
        }
        held.all = all;
        held.by.insert(source, own);
        Some(Turn {
            pace: self.clone(),
            of,
            count,
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
        held.all = held.all.saturating_sub(self.count);
        match held.by.get_mut(&self.source) {
            Some(own) if *own > self.count => *own -= self.count,
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

    fn client(last: u8) -> Peer {
        Peer::Client(source(last))
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
        let first = pace.connection(client(1));
        let second = pace.connection(client(1));
        assert!(first.is_some() && second.is_some());
        assert!(pace.connection(client(1)).is_none());
        let third = pace.connection(client(2));
        assert!(third.is_some() && pace.connection(client(3)).is_none());
        drop(first);
        assert!(pace.connection(client(1)).is_some());
    }

    #[test]
    fn a_proxys_connections_are_everybodys() {
        let pace = Pace::new(&LimitsConfig {
            connections: 3,
            ..LimitsConfig::default()
        });
        let proxy = Peer::Proxy(source(1));
        let all: Vec<_> = (0..4).map_while(|_| pace.connection(proxy)).collect();
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn half_of_the_bodies_are_one_sources() {
        let pace = Pace::new(&LimitsConfig::default());
        let own: Vec<_> = (0..BODIES).map_while(|_| pace.body(source(1))).collect();
        assert_eq!(own.len(), BODIES / 2);
        assert!(pace.body(source(2)).is_some());
        assert!(pace.connection(client(1)).is_some());
    }

    #[test]
    fn bytes_are_counted_until_the_last_who_holds_them_lets_go() {
        let pace = Pace::new(&LimitsConfig {
            bytes_on_the_way: 40,
            ..LimitsConfig::default()
        });
        let ten = || Bytes::from_static(b"0123456789");
        let first = pace.written(ten(), source(1)).unwrap();
        let second = pace.written(ten(), source(1)).unwrap();
        assert_eq!(first, second);
        assert!(pace.written(ten(), source(1)).is_none());
        let part = first.slice(9..);
        drop(first);
        assert!(pace.written(ten(), source(1)).is_none(), "a part is held");
        drop(part);
        let third = pace.written(ten(), source(1));
        let others: Vec<_> = (2..=4)
            .map(|by| pace.written(ten(), source(by)).is_some())
            .collect();
        assert_eq!((third.is_some(), others), (true, vec![true; 3]));
        let kept: Vec<_> = (2..=3).map(|by| pace.written(ten(), source(by))).collect();
        assert!(kept.iter().all(Option::is_some));
        assert!(pace.written(ten(), source(4)).is_none(), "all is full");
    }
}
