//! When the calls of a stream are worked on: one tenant's streams take turns, and so do tenants.

use crate::tenants::Tenant;
use crate::turns::{TURN, Turn};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// The turns of one stream.
pub(super) struct Turns {
    tenant: Arc<Tenant>,
    now: State,
}

enum State {
    /// Nothing is to be done.
    Away,
    Waiting(Pin<Box<dyn Future<Output = Option<Turn>> + Send>>),
    Working {
        since: Instant,
        _turn: Option<Turn>,
    },
}

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    /// That of another stream of this tenant.
    Theirs,
    Ours,
    /// It was ours: the processor goes to somebody else, and then it may be ours again.
    Over,
}

impl Turns {
    pub(super) fn new(tenant: Arc<Tenant>) -> Self {
        Self {
            tenant,
            now: State::Away,
        }
    }

    /// Asks for a turn where none was asked for, or looks whether this one is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Whose {
        if let State::Away = self.now {
            self.now = State::Waiting(Box::pin(self.tenant.turn()));
        }
        match &mut self.now {
            State::Waiting(turn) => match turn.as_mut().poll(cx) {
                Poll::Pending => Whose::Theirs,
                Poll::Ready(turn) => {
                    self.now = State::Working {
                        since: Instant::now(),
                        _turn: turn,
                    };
                    Whose::Ours
                }
            },
            State::Working { since, .. } if since.elapsed() < TURN => Whose::Ours,
            State::Working { .. } | State::Away => {
                self.leave();
                Whose::Over
            }
        }
    }

    /// Gives the turn to others, or the place among those who wait for one.
    pub(super) fn leave(&mut self) {
        self.now = State::Away;
    }
}
