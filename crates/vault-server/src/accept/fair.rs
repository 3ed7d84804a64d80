//! The work of a connection itself (reading, decrypting, parsing, writing) in turns: however many
//! connections somebody has, what is ready of theirs waits for a turn, and everybody else's does not
//! wait behind it.

use crate::tenants::Tenant;
use crate::turns::{Turn, Turns};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// Whose connection it is: nobody's in particular before its first caller is known, then its last caller's.
pub(super) struct Owner {
    strangers: Turns,
    known: Mutex<Option<Arc<Tenant>>>,
}

impl Owner {
    pub(super) fn new(strangers: Turns) -> Self {
        Self {
            strangers,
            known: Mutex::default(),
        }
    }

    pub(super) fn is(&self, tenant: &Arc<Tenant>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, tenant))
        {
            *known = Some(tenant.clone());
        }
    }

    fn turns(&self) -> Turns {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = known.as_ref().map(|tenant| tenant.turns());
        turns.unwrap_or(&self.strangers).clone()
    }
}

type Waiting = Pin<Box<dyn Future<Output = Option<Turn>> + Send>>;

/// A connection that is polled only in its owner's turns.
pub(super) struct Fair<C> {
    connection: Pin<Box<C>>,
    owner: Arc<Owner>,
    waiting: Option<Waiting>,
}

impl<C> Fair<C> {
    pub(super) fn new(connection: C, owner: Arc<Owner>) -> Self {
        Self {
            connection: Box::pin(connection),
            owner,
            waiting: None,
        }
    }

    pub(super) fn connection(&mut self) -> Pin<&mut C> {
        self.connection.as_mut()
    }

    /// Who is alone needs none.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<Turn>> {
        let turns = self.owner.turns();
        if self.waiting.is_none() && !turns.are_shared() {
            return Poll::Ready(None);
        }
        if self.waiting.is_none()
            && let Some(turn) = turns.at_once()
        {
            return Poll::Ready(Some(turn));
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(turns.next()));
        let turn = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(turn)
    }
}

impl<C: Future> Future for Fair<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let _turn = ready!(self.poll_turn(cx));
        self.connection().poll(cx)
    }
}
