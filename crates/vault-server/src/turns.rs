//! Turns at the processors. What one tenant has to do waits among itself, however many connections it
//! comes over, and while somebody else is here too, a processor is left to them and to the log.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long the work of one turn may take before others get theirs.
pub(crate) const TURN: Duration = Duration::from_micros(200);
/// Whoever took no turn for so long is not here.
const HERE: Duration = Duration::from_millis(100);

/// A right to use a processor, for [`TURN`].
pub(crate) struct Turn {
    permit: Option<OwnedSemaphorePermit>,
    turns: Turns,
}

impl Turn {
    /// Whether more of this tenant's is to be done at once while others are here.
    fn goes_on(&self) -> bool {
        self.turns.waiting.load(Ordering::Relaxed) > 0 && self.turns.are_shared()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.permit.take());
        // The system, too, gives the processor to others in between: the log's thread, which all wait
        // for, otherwise stands behind a thread that never rests until its share of time is used up.
        if self.goes_on() {
            std::thread::yield_now();
        }
    }
}

/// One who waits for a turn, until dropped.
struct InLine(Arc<AtomicUsize>);

impl InLine {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting.clone())
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What all tenants share.
pub(crate) struct Processors {
    count: u32,
    begun: Instant,
    tenants: AtomicU64,
    /// Who took the last turn.
    last: AtomicU64,
    /// Until when several are here, in milliseconds since the beginning.
    shared_until: AtomicU64,
}

impl Processors {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            count: u32::try_from(count).unwrap_or(u32::MAX).clamp(1, 1024),
            begun: Instant::now(),
            tenants: AtomicU64::new(0),
            last: AtomicU64::new(0),
            shared_until: AtomicU64::new(0),
        })
    }

    /// The turns of one more tenant.
    pub(crate) fn tenant(self: &Arc<Self>) -> Turns {
        let permits = self.count * self.alone();
        Turns {
            tenant: self.tenants.fetch_add(1, Ordering::Relaxed) + 1,
            permits: Arc::new(Semaphore::new(permits as usize)),
            waiting: Arc::default(),
            processors: self.clone(),
        }
    }

    /// Whether somebody else took a turn a moment ago.
    fn are_shared(&self, now: Duration) -> bool {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        now < self.shared_until.load(Ordering::Relaxed)
    }

    /// Permits that a turn costs who is alone: as many turns at once as there are processors,
    fn alone(&self) -> u32 {
        (self.count - 1).max(1)
    }

    /// and while others are here, one less.
    fn cost(&self, tenant: u64, now: Duration) -> u32 {
        if self.last.swap(tenant, Ordering::Relaxed) != tenant {
            let until = u64::try_from((now + HERE).as_millis()).unwrap_or(u64::MAX);
            self.shared_until.store(until, Ordering::Relaxed);
        }
        match self.are_shared(now) {
            true => self.count,
            false => self.alone(),
        }
    }
}

/// Where the work of one tenant waits.
#[derive(Clone)]
pub(crate) struct Turns {
    tenant: u64,
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    processors: Arc<Processors>,
}

impl Turns {
    /// Waits for a turn, behind whatever of this tenant's waits already.
    pub(crate) fn next(&self) -> impl Future<Output = Option<Turn>> + Send + use<> {
        let (turns, cost) = (self.clone(), self.cost());
        async move {
            let in_line = InLine::new(&turns.waiting);
            let permit = turns.permits.clone().acquire_many_owned(cost).await.ok()?;
            drop(in_line);
            Some(turns.turn(permit))
        }
    }

    /// A turn, if nothing waits for one.
    pub(crate) fn at_once(&self) -> Option<Turn> {
        let permit = self.permits.clone().try_acquire_many_owned(self.cost());
        Some(self.turn(permit.ok()?))
    }

    fn turn(&self, permit: OwnedSemaphorePermit) -> Turn {
        Turn {
            permit: Some(permit),
            turns: self.clone(),
        }
    }

    /// Whether anybody is here who would have to wait.
    pub(crate) fn are_shared(&self) -> bool {
        let processors = &self.processors;
        processors.are_shared(processors.begun.elapsed())
    }

    fn cost(&self) -> u32 {
        let processors = &self.processors;
        processors.cost(self.tenant, processors.begun.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn who_is_alone_has_every_processor_and_who_is_not_leaves_one() {
        for count in 1..=64 {
            let processors = Processors::new(count);
            let (one, other) = (processors.tenant(), processors.tenant());
            let at_once = |now| {
                let permits = one.permits.available_permits();
                permits / processors.cost(one.tenant, at(now)) as usize
            };
            at_once(0);
            assert_eq!(at_once(150), count, "alone");
            processors.cost(other.tenant, at(160));
            assert_eq!(at_once(160), (count - 1).max(1), "not alone");
            assert_eq!(at_once(259), (count - 1).max(1), "not alone for a while");
            assert_eq!(at_once(260), count, "alone again");
        }
    }

    #[tokio::test]
    async fn turns_of_one_tenant_are_bounded_and_go_round() {
        let processors = Processors::new(1);
        let (tenant, other) = (processors.tenant(), processors.tenant());
        let held = tenant.next().await.unwrap();
        let mut second = Box::pin(tenant.next());
        assert!(is_pending(&mut second).await);
        assert!(tenant.at_once().is_none());
        assert!(other.at_once().is_some());
        drop(held);
        assert!(second.await.is_some());
    }

    #[tokio::test]
    async fn a_processor_is_given_up_where_more_of_a_tenants_waits_and_others_are_here() {
        let processors = Processors::new(1);
        let (tenant, other) = (processors.tenant(), processors.tenant());
        let held = tenant.next().await.unwrap();
        drop(other.at_once());
        assert!(!held.goes_on(), "nothing waits");
        let mut second = Box::pin(tenant.next());
        assert!(is_pending(&mut second).await);
        assert!(held.goes_on());
        processors.shared_until.store(0, Ordering::Relaxed);
        assert!(!held.goes_on(), "alone");
        drop(other.at_once());
        assert!(held.goes_on());
        drop(second);
        assert!(!held.goes_on(), "who hung up waits no more");
    }

    async fn is_pending<T>(future: &mut Pin<Box<impl Future<Output = T>>>) -> bool {
        poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }
}
