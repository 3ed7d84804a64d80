//! Answers that leave together: one frame, one TLS record, one write for as many as are ready.
//!
//! The RPC library writes whenever a stream of answers is pending, and it hands over requests one
//! by one, so that a stream would write once per answer. Finished answers are therefore held while
//! more requests are likely to be there already, for a few turns of the scheduler and at most for
//! `LONGEST`, and then released without a pause.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Answers held at most.
const MOST: usize = 128;
/// Turns without a new request after which no more are expected.
const TURNS: u8 = 2;
/// How long an answer is held at most while requests keep coming.
const LONGEST: Duration = Duration::from_millis(1);

/// What to do when no request is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Idle {
    /// Look again in the next turn.
    Again,
    /// Nothing is held.
    Empty,
    /// Release what is held.
    Release,
}

/// Finished answers on their way out.
pub(super) struct Gather<T> {
    held: VecDeque<T>,
    since: Option<Instant>,
    idle: u8,
    releasing: bool,
}

impl<T> Default for Gather<T> {
    fn default() -> Self {
        Self {
            held: VecDeque::new(),
            since: None,
            idle: 0,
            releasing: false,
        }
    }
}

impl<T> Gather<T> {
    /// Holds one answer.
    pub(super) fn hold(&mut self, answer: T, now: impl FnOnce() -> Instant) {
        self.since.get_or_insert_with(now);
        self.held.push_back(answer);
    }

    /// A request was there: more may follow. Releases when too much is held, or for too long.
    pub(super) fn busy(&mut self, now: impl FnOnce() -> Instant) {
        self.idle = 0;
        let Some(since) = self.since else { return };
        if self.held.len() >= MOST || now().saturating_duration_since(since) >= LONGEST {
            self.release();
        }
    }

    /// No request was there.
    pub(super) fn idle(&mut self) -> Idle {
        if self.held.is_empty() {
            return Idle::Empty;
        }
        if self.idle < TURNS {
            self.idle += 1;
            return Idle::Again;
        }
        self.release();
        Idle::Release
    }

    /// From now on answers leave.
    pub(super) fn release(&mut self) {
        self.releasing = true;
    }

    /// The next answer that leaves; `Some(None)` once behind the last one.
    pub(super) fn next(&mut self) -> Option<Option<T>> {
        if !self.releasing {
            return None;
        }
        let next = self.held.pop_front();
        if next.is_none() {
            *self = Self {
                held: std::mem::take(&mut self.held),
                ..Self::default()
            };
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(count: usize, at: Instant) -> Gather<usize> {
        let mut gather = Gather::default();
        for answer in 0..count {
            gather.hold(answer, || at);
        }
        gather
    }

    fn released(gather: &mut Gather<usize>) -> Vec<usize> {
        let mut out = Vec::new();
        while let Some(Some(answer)) = gather.next() {
            out.push(answer);
        }
        out
    }

    #[test]
    fn answers_are_held_for_some_turns_and_leave_together_in_their_order() {
        let mut gather = gathered(5, Instant::now());
        for _ in 0..TURNS {
            assert_eq!(gather.idle(), Idle::Again);
            assert!(gather.next().is_none());
        }
        assert_eq!(gather.idle(), Idle::Release);
        assert_eq!(released(&mut gather), [0, 1, 2, 3, 4]);
        assert!(gather.next().is_none());
        assert_eq!(gather.idle(), Idle::Empty);
    }

    #[test]
    fn requests_that_keep_coming_hold_no_answer_beyond_the_bounds() {
        let at = Instant::now();
        let mut full = gathered(MOST, at);
        full.busy(|| at);
        assert_eq!(released(&mut full).len(), MOST);
        let mut few = gathered(MOST - 1, at);
        few.busy(|| at);
        assert!(few.next().is_none());
        few.busy(|| at + LONGEST);
        assert_eq!(released(&mut few).len(), MOST - 1);
    }
}
