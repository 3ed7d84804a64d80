//! Calls that are recorded and wait for the log: one wait for all calls of a group.

use super::calls::Asked;
use crate::shared::{Begun, Shared, Wait};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use vault_core::{CallContext, Caller, Committed, Pending, Refusal, Reply, Request};

/// One call whose answer may leave.
pub(super) type Answered = (Asked, Result<Reply, Refusal>);

/// By the group of the log that must be durable.
#[derive(Default)]
pub(super) struct Waiting {
    groups: BTreeMap<u64, Group>,
}

struct Group {
    told: oneshot::Receiver<Committed>,
    calls: Vec<(Asked, Pending)>,
}

impl Waiting {
    /// Judges, operates and records a call; gives its answer if nothing is to be waited for.
    pub(super) fn begin(
        &mut self,
        shared: &Shared,
        caller: &Caller,
        asked: Asked,
        call: (Request, CallContext),
    ) -> Option<Answered> {
        let (request, context) = call;
        let joins = |group| self.groups.contains_key(&group);
        let Begun { pending, wait } = match shared.begin(caller, request, &context, joins) {
            Ok(begun) => begun,
            Err(refusal) => return Some((asked, Err(refusal))),
        };
        match wait {
            Wait::Nothing(durable) => Some((asked, crate::shared::release(pending, durable))),
            Wait::Group(group, told) => {
                let told = told.map(|told| Group {
                    told,
                    calls: Vec::new(),
                });
                let group = match told {
                    Some(new) => self.groups.entry(group).or_insert(new),
                    None => self.groups.get_mut(&group)?,
                };
                group.calls.push((asked, pending));
                None
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The calls of the oldest group, once it is durable; `None` if there is none. Later groups are
    /// never durable before it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<Answered>>> {
        let Some(mut oldest) = self.groups.first_entry() else {
            return Poll::Ready(None);
        };
        let Poll::Ready(told) = oldest.get_mut().told.poll_unpin(cx) else {
            return Poll::Pending;
        };
        let committed = told.ok();
        let calls = oldest.remove().calls.into_iter();
        let released = calls
            .map(|(asked, pending)| (asked, crate::shared::release(pending, committed.clone())));
        Poll::Ready(Some(released.collect()))
    }
}
