//! What a proxy can do to a connection.

use crate::sim::SimRng;
use std::time::Duration;

/// What a proxy does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Forwards at once.
    Forward,
    /// Closes every connection, those that stand too.
    Refuse,
    /// Of each connection, forwards so many bytes more in each direction, then cuts it.
    CutAfter(u64),
    /// Holds every piece back for so long.
    Delay(Duration),
    /// Forwards so many bytes at a time, each so long after the one before.
    Trickle {
        /// How many bytes.
        bytes: usize,
        /// How long.
        every: Duration,
    },
    /// What the client sends arrives; nothing comes back, and nothing is closed.
    HalfOpen,
    /// Nothing arrives at either end, and nothing is closed.
    Pause,
    /// Each connection has the mode of [`schedule`].
    Seeded,
}

/// The mode of each connection under [`Mode::Seeded`], in the order of their acceptance: half of
/// them are forwarded, the others are slow or break off.
pub fn schedule(seed: u64) -> impl Iterator<Item = Mode> {
    (0..).map(move |number| of_connection(seed, number))
}

pub(super) fn of_connection(seed: u64, number: u64) -> Mode {
    let mut rng = SimRng::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    match rng.below(8) {
        0 => Mode::CutAfter(rng.below(64)),
        1 => Mode::CutAfter(rng.below(32 << 10)),
        2 => Mode::Delay(Duration::from_millis(rng.below(20))),
        3 => Mode::Trickle {
            bytes: 1 + rng.below(256) as usize,
            every: Duration::from_micros(rng.below(500)),
        },
        _ => Mode::Forward,
    }
}
