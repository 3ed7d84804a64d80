//! What this process and those beside it have kept of the vault, as of the next call.

use super::Tracker;
use crate::error::{Error, Result};
use crate::heads::{SeenHead, ToldHead, Written};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// What other processes have kept is seen after this.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// What stands between this client and the vault, as of one state of the store.
#[derive(Default)]
pub(super) struct Standing {
    /// The state of the store, if it was read.
    as_of: Option<(u64, [Option<Written>; 2])>,
    /// When it was last asked whether other processes have changed it.
    looked: Option<Instant>,
    /// Evidence that nobody has acknowledged.
    stopped: Option<Error>,
    /// Heads that others have seen and that the vault has not shown to be of its log.
    told: Vec<ToldHead>,
    /// Heads that a person has decided against.
    given_up: Vec<SeenHead>,
}

impl Tracker {
    /// What the vault has to be held to before anything is asked of it; refuses where evidence
    /// against it is not acknowledged.
    pub(crate) fn standing(&self) -> Result<Vec<ToldHead>> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let files = match (standing.as_of, standing.looked) {
            (Some((_, files)), Some(looked)) if looked.elapsed() < LOOK => files,
            _ => {
                standing.looked = Some(Instant::now());
                self.store.files(&self.vault)
            }
        };
        let now = (self.store.changes(), files);
        if standing.as_of != Some(now) {
            let kept = self.store.evidence(&self.vault)?;
            let mut open = kept.iter().filter(|kept| kept.acknowledged.is_none());
            let mut told = self.store.told(&self.vault)?;
            told.retain(|told| !told.proven);
            let given_up = kept.iter().filter_map(|kept| kept.given_up().transpose());
            *standing = Standing {
                as_of: Some(now),
                looked: standing.looked,
                stopped: open.next().map(|kept| kept.error()),
                told,
                given_up: given_up.collect::<Result<_>>()?,
            };
        }
        match &standing.stopped {
            Some(error) => Err(error.clone()),
            None => Ok(standing.told.clone()),
        }
    }

    /// What other processes have kept since is read again: for a new session.
    pub(crate) fn read_again(&self) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.as_of = None;
        let read = self.remembered.lock();
        *read.unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether a person has decided against this head, here or in another process.
    pub(super) fn is_given_up(&self, head: &SeenHead) -> bool {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut given_up = standing.given_up.iter();
        given_up.any(|other| other.is_head_of(head))
    }
}
