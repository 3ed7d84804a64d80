//! What callers share out between them while they are there: memory for requests, and turns at the
//! processors. Whoever has many connections has no more of either than whoever has one.

use crate::turns::{Processors, Turn, Turns};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vault_core::Principal;

/// One principal gets one part in so many of the memory for requests,
const PARTS: usize = 4;

/// Everybody who has a request here.
pub(crate) struct Tenants {
    /// KiB of one of them.
    memory: usize,
    processors: Arc<Processors>,
    present: Mutex<HashMap<Principal, Weak<Tenant>>>,
}

/// One principal, as long as there is a request of theirs.
pub(crate) struct Tenant {
    who: Principal,
    tenants: Arc<Tenants>,
    memory: Arc<Semaphore>,
    turns: Turns,
}

/// Memory of a tenant; nothing of it is given out anew before it is dropped.
pub(crate) struct Share {
    _permit: OwnedSemaphorePermit,
    _tenant: Arc<Tenant>,
}

impl Tenants {
    /// `memory` for all, and `least` for each, in KiB; as many processors at once.
    pub(crate) fn new(memory: usize, least: usize, processors: usize) -> Arc<Self> {
        Arc::new(Self {
            memory: (memory / PARTS).max(least).min(memory),
            processors: Processors::new(processors),
            present: Mutex::default(),
        })
    }

    /// The one and only entry of a principal.
    pub(crate) fn enter(self: &Arc<Self>, who: &Principal) -> Arc<Tenant> {
        let mut present = self.present();
        if let Some(tenant) = present.get(who).and_then(Weak::upgrade) {
            return tenant;
        }
        let tenant = Arc::new(Tenant {
            who: *who,
            tenants: self.clone(),
            memory: Arc::new(Semaphore::new(self.memory)),
            turns: self.processors.tenant(),
        });
        present.insert(*who, Arc::downgrade(&tenant));
        tenant
    }

    /// For some who are nobody in particular.
    pub(crate) fn turns(&self) -> Turns {
        self.processors.tenant()
    }

    fn present(&self) -> MutexGuard<'_, HashMap<Principal, Weak<Tenant>>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenant {
    /// KiB of this tenant's own, for whoever keeps the tenant as long.
    pub(crate) fn memory(&self) -> &Arc<Semaphore> {
        &self.memory
    }

    /// Waits for so many KiB of this tenant's own.
    pub(crate) async fn share(self: &Arc<Self>, kib: u32) -> Option<Share> {
        let permit = self.memory.clone().acquire_many_owned(kib).await.ok()?;
        Some(Share {
            _permit: permit,
            _tenant: self.clone(),
        })
    }

    /// This tenant's turns.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Waits for a turn, behind whatever else of this tenant's waits for one.
    pub(crate) fn turn(&self) -> impl Future<Output = Option<Turn>> + Send + use<> {
        self.turns.next()
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        let mut present = self.tenants.present();
        // Another one may have come in between.
        if present
            .get(&self.who)
            .is_some_and(|entry| entry.strong_count() == 0)
        {
            present.remove(&self.who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    fn who(name: &[u8]) -> Principal {
        Principal::Subject(sha256(name))
    }

    fn at_once(tenant: &Arc<Tenant>, kib: u32) -> Option<Share> {
        let mut share = Box::pin(tenant.share(kib));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match share.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(share) => share,
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn a_tenant_never_has_more_than_its_part_and_others_have_theirs() {
        let tenants = Tenants::new(4000, 100, 2);
        let first = tenants.enter(&who(b"a"));
        let again = tenants.enter(&who(b"a"));
        let held = at_once(&first, 1000).unwrap();
        assert!(at_once(&again, 1).is_none());
        assert!(at_once(&tenants.enter(&who(b"b")), 1000).is_some());
        drop((first, again));
        assert!(
            at_once(&tenants.enter(&who(b"a")), 1).is_none(),
            "what is held is held, whoever asks"
        );
        drop(held);
        assert!(at_once(&tenants.enter(&who(b"a")), 1000).is_some());
        assert!(tenants.present().is_empty());
    }
}
