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

    pub(super) fn turns(&self) -> Turns {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenants::Tenants;
    use std::task::Waker;
    use vault_core::Principal;
    use vault_encoding::sha256;

    /// Counts how often it was polled, and never ends.
    #[derive(Default)]
    struct Counts(usize);

    impl Future for Counts {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            self.0 += 1;
            Poll::Pending
        }
    }

    fn polls(connection: &mut Fair<Counts>) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut *connection).poll(&mut cx).is_pending());
        connection.connection().0
    }

    fn connection(strangers: &Turns) -> (Fair<Counts>, Arc<Owner>) {
        let owner = Arc::new(Owner::new(strangers.clone()));
        (Fair::new(Counts::default(), owner.clone()), owner)
    }

    #[test]
    fn a_connection_waits_for_its_owners_turns_and_not_for_anybody_elses() {
        let tenants = Tenants::new(1, 1, 2);
        let [busy, quiet] =
            [b"b", b"q"].map(|name| tenants.enter(&Principal::Subject(sha256(name))));
        let strangers = tenants.turns();
        let (mut of_busy, owner) = connection(&strangers);
        owner.is(&busy);
        let (mut of_quiet, owner) = connection(&strangers);
        owner.is(&quiet);
        let (mut of_nobody, _) = connection(&strangers);

        // Both are here.
        drop(quiet.turns().at_once());
        let held = busy.turns().at_once().unwrap();
        assert_eq!(polls(&mut of_busy), 0);
        assert_eq!(polls(&mut of_quiet), 1);
        assert_eq!(polls(&mut of_nobody), 1);
        drop(held);
        assert_eq!(polls(&mut of_busy), 1);
        assert_eq!(polls(&mut of_busy), 2, "no turn is kept between polls");
    }

    #[test]
    fn a_connection_of_who_is_alone_waits_for_nothing() {
        let tenants = Tenants::new(1, 1, 1);
        let (mut of_nobody, _) = connection(&tenants.turns());
        for expected in 1..5 {
            assert_eq!(polls(&mut of_nobody), expected);
        }
    }
}
