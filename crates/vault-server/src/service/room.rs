//! Memory of the calls of a stream that have no answer yet.

use super::operate::Link;
use crate::tenants::Tenant;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use vault_core::{Code, Refusal};
use vault_proto::{OPERATE_CALLS, OPERATE_MESSAGE};

/// Memory is taken by so many KiB.
const PIECE: usize = 64;
/// What an answer takes beside what was sent: receipt, leaf, proof.
pub(super) const ANSWER: usize = 2048;
/// The longest call with its answer, unless that is a share.
const LONGEST: usize = OPERATE_MESSAGE + ANSWER;
/// The longest share.
pub(super) const SHARE: usize = 1 << 20;

/// What calls without an answer take: of the connection's memory, of the tenant's, of the process's.
pub(super) struct Room {
    link: Link,
    tenant: Arc<Tenant>,
    held: Vec<[OwnedSemaphorePermit; 3]>,
    _slot: OwnedSemaphorePermit,
    used: usize,
    calls: HashMap<u64, usize>,
}

impl Room {
    pub(super) fn new(link: &Link, tenant: &Arc<Tenant>) -> Result<Self, Refusal> {
        let slot = link.slots.clone().try_acquire_owned().map_err(|_| busy())?;
        let mut room = Self {
            link: link.clone(),
            tenant: tenant.clone(),
            held: Vec::new(),
            _slot: slot,
            used: 0,
            calls: HashMap::new(),
        };
        room.cover(LONGEST).then_some(room).ok_or_else(busy)
    }

    /// Whether the longest call may be taken besides; there is always room for one.
    pub(super) fn is_there(&mut self) -> bool {
        self.calls.is_empty() || self.calls.len() < OPERATE_CALLS && self.cover(LONGEST)
    }

    /// Holds memory for so many bytes besides those in use, all of it or nothing.
    pub(super) fn cover(&mut self, more: usize) -> bool {
        let held: usize = self.share_held();
        let need = (self.used + more).div_ceil(1024).saturating_sub(held);
        if need == 0 {
            return true;
        }
        let need = u32::try_from(need.next_multiple_of(PIECE)).unwrap_or(u32::MAX);
        let all = [&self.link.share, self.tenant.memory(), &self.link.memory];
        let [Ok(connection), Ok(tenant), Ok(process)] =
            all.map(|memory| memory.clone().try_acquire_many_owned(need))
        else {
            return false;
        };
        self.held.push([connection, tenant, process]);
        true
    }

    fn share_held(&self) -> usize {
        let held = self.held.iter();
        held.map(|[connection, ..]| connection.num_permits()).sum()
    }

    /// Takes a call in. False if a call of that name has no answer yet.
    pub(super) fn enter(&mut self, id: u64, size: usize) -> bool {
        if self.calls.contains_key(&id) {
            return false;
        }
        self.calls.insert(id, size);
        self.used += size;
        true
    }

    /// Gives back what is no longer needed.
    pub(super) fn leave(&mut self, id: u64) {
        self.used -= self.calls.remove(&id).unwrap_or(0);
        loop {
            let need = (self.used + LONGEST).div_ceil(1024);
            let surplus = self.share_held().saturating_sub(need);
            if surplus < 2 * PIECE {
                return;
            }
            let Some(mut last) = self.held.pop() else {
                return;
            };
            for permit in &mut last {
                drop(permit.split(surplus.min(permit.num_permits())));
            }
            if last.iter().all(|permit| permit.num_permits() > 0) {
                self.held.push(last);
            }
        }
    }
}

/// Nothing was done: it may be asked again.
pub(super) fn busy() -> Refusal {
    let mut refusal = Refusal::new(Code::RateLimited);
    refusal.retry_after = Some(1);
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenants::Tenants;
    use tokio::sync::{Semaphore, watch};
    use vault_core::Principal;

    fn room(share: usize, memory: usize) -> Room {
        let link = Link {
            share: Arc::new(Semaphore::new(share)),
            memory: Arc::new(Semaphore::new(memory)),
            slots: Arc::new(Semaphore::new(1)),
            closing: watch::Sender::new(false).subscribe(),
        };
        // The one that nobody shares with has a quarter of four times as much.
        let tenants = Tenants::new(4 * memory.max(share), 0, 1);
        let tenant = tenants.enter(&Principal::Subject(vault_encoding::sha256(b"a")));
        Room::new(&link, &tenant).ok().unwrap()
    }

    #[test]
    fn what_is_in_use_is_always_held_and_never_more_than_the_share_of_a_connection() {
        for (share, memory) in [(1024, 4096), (4096, 1024)] {
            let mut room = room(share, memory);
            let mut taken = 0;
            while room.is_there() {
                assert!(room.enter(taken, LONGEST));
                taken += 1;
                assert!(room.used <= room.share_held() * 1024);
            }
            assert!((8..16).contains(&taken), "{taken}");
            assert!(room.share_held() <= 1024);
        }
    }

    #[test]
    fn shares_are_covered_in_full_or_not_taken_and_memory_comes_back_piece_by_piece() {
        let mut room = room(5 << 10, 100 << 10);
        let size = ANSWER + SHARE;
        let mut taken = 0;
        while room.cover(size) {
            assert!(room.enter(taken, size));
            taken += 1;
        }
        assert_eq!(taken, 4);
        let full = room.share_held();
        assert!(!room.enter(0, size));
        room.leave(3);
        assert!(room.share_held() + 900 < full, "{}", room.share_held());
        assert!(room.used <= room.share_held() * 1024);
        (0..3).for_each(|id| room.leave(id));
        assert_eq!(room.used, 0);
        assert!(room.share_held() <= 2 * PIECE + LONGEST / 1024 + 1);
    }
}
