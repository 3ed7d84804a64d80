//! The head that goes out with the next call, and what other processes have kept beside it.

use super::Tracker;
use super::standing::LOOK;
use crate::error::{ErrorCode, Result};
use crate::heads::{Memory, SeenHead, Showing, Witnessed};
use std::sync::PoisonError;
use std::time::Instant;
use vault_audit::Found;

#[derive(Default)]
pub(super) struct Latest {
    /// The longest that any process has kept.
    pub(super) head: Option<SeenHead>,
    /// That this process has accepted itself, where `head` is another one's and nothing has linked them here. Mostly the
    /// other process has; where it began without a memory, nobody has.
    pub(super) own: Option<SeenHead>,
    generation: u64,
}

impl From<Option<Memory>> for Latest {
    fn from(memory: Option<Memory>) -> Self {
        let generation = memory.as_ref().map_or(0, |memory| memory.generation);
        Self {
            head: memory.map(|memory| memory.head),
            own: None,
            generation,
        }
    }
}

impl Latest {
    /// Takes over what is kept on disk, if that is longer or if a person has decided that the memory begins anew;
    /// whether there is another head now.
    fn take_over(&mut self, kept: Option<Memory>, given_up: bool) -> bool {
        let kept = Self::from(kept);
        let anew = given_up || kept.generation > self.generation;
        let is_longer = size(&kept.head) >= size(&self.head);
        if kept.head.is_some() {
            self.generation = kept.generation;
        }
        if anew {
            self.own = None;
        }
        if kept.head == self.head || !(anew || is_longer) {
            return false;
        }
        let before = std::mem::replace(&mut self.head, kept.head);
        if !anew {
            self.own = self.own.take().or(before);
        }
        true
    }
}

fn size(head: &Option<SeenHead>) -> Option<u64> {
    head.as_ref().map(|head| head.size)
}

impl Tracker {
    /// The head that goes out with the next call: the longest that any process has kept.
    pub(crate) async fn seen(&self) -> Option<SeenHead> {
        let mut latest = self.latest.lock().await;
        latest.own.take_if(|own| self.is_given_up(own));
        let given_up = latest
            .head
            .as_ref()
            .is_some_and(|seen| self.is_given_up(seen));
        let kept = match given_up || self.is_time_to_read() {
            true => self.store.memory(&self.vault).ok(),
            false => None,
        };
        if let Some(kept) = kept
            && latest.take_over(kept, given_up)
        {
            let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
            linked.clear();
        }
        latest.head.clone()
    }

    /// Whether the memory on disk is to be read again; whoever is told so does it.
    fn is_time_to_read(&self) -> bool {
        let read = self.remembered.lock();
        let mut read = read.unwrap_or_else(PoisonError::into_inner);
        let is_time = read.is_none_or(|read| read.elapsed() >= LOOK);
        if is_time {
            *read = Some(Instant::now());
        }
        is_time
    }

    /// What this process has accepted and what another one has kept may contradict each other, whatever the vault shows.
    pub(super) fn meets(
        &self,
        own: &SeenHead,
        kept: Option<&SeenHead>,
        shown: &Showing,
    ) -> Result<()> {
        let contradicts = |kept: &&SeenHead| kept.size == own.size && kept.root != own.root;
        let Some(kept) = kept.filter(contradicts) else {
            return Ok(());
        };
        let boots = self.store.boots(&self.vault).unwrap_or_default();
        let answered = Witnessed {
            boot_id: boots.at(kept.size),
            ..kept.clone().into()
        };
        let (code, found, seen) = (ErrorCode::ForkDetected, Found::Answer, own.clone().into());
        Err(self
            .store
            .contradiction(code, shown.key, found, seen, answered))
    }
}
