//! What every connection of the process shares, and the way of one call through the core.

use crate::boot::Locked;
use crate::clock::{SystemRng, reading};
use crate::committer::Committer;
use crate::jwks::Issuers;
use crate::reconfigure::Governor;
use crate::service::Known;
use crate::shelf::Shelf;
use ratls::config_tree::ConfigTree;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;
use tokio::sync::oneshot;
use vault_core::{CallContext, Caller, CarriedHeads, Code, Committed, Cost, Pending, RateLimits};
use vault_core::{Rates, Refusal, Reply, Request, Vault};
use vault_policy::{VaultId, VaultTime, VerifiedEvidence};
use vault_tee::Platform;

/// One vault and what it says of itself.
pub(crate) struct Shared {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) vault_id: VaultId,
    pub(crate) identity_spki: Vec<u8>,
    pub(crate) boot_id: [u8; 16],
    pub(crate) trust: ConfigTree,
    pub(crate) operational: ConfigTree,
    pub(crate) issuers: Arc<Issuers>,
    pub(crate) state: Result<Open, Locked>,
    pub(crate) governor: Governor,
    pub(crate) carried: Mutex<CarriedHeads>,
}

/// A vault that answers.
pub(crate) struct Open {
    pub(crate) vault: Arc<RwLock<Vault>>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) committer: Committer,
    pub(crate) pace: Pace,
}

/// How often each principal may call, since the start of this process.
pub(crate) struct Pace {
    rates: Mutex<Rates>,
    since: Instant,
}

impl Pace {
    pub(crate) fn new(limits: &RateLimits) -> Self {
        Self {
            rates: Mutex::new(Rates::new(limits)),
            since: Instant::now(),
        }
    }
}

impl Open {
    /// Takes what a call costs from its caller's buckets, before anything is looked up.
    pub(crate) fn admit(&self, caller: &Caller, cost: Cost) -> Result<(), Refusal> {
        let now = self.pace.since.elapsed();
        let mut rates = self
            .pace
            .rates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let admitted = rates.admit(caller.principal(), cost, now);
        drop(rates);
        if admitted.is_err() {
            self.read().count_limited();
        }
        admitted
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Vault> {
        self.vault.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises the floor of vault time to what the vendor of a caller's platform has signed.
    pub(crate) fn observe(&self, evidence: &VerifiedEvidence) {
        let newer = evidence.claims().collateral_issued_at > self.read().floor();
        if newer && !self.committer.is_full() {
            let mut vault = self.vault.write().unwrap_or_else(PoisonError::into_inner);
            vault.observe_evidence(evidence, &mut SystemRng);
        }
    }
}

impl Shared {
    pub(crate) fn open(&self) -> Result<&Open, Refusal> {
        self.state
            .as_ref()
            .map_err(|reason| Refusal::new(Code::Locked).because(reason.told()))
    }

    /// Vault time now.
    pub(crate) fn establish(&self) -> Result<VaultTime, Refusal> {
        Ok(self.open()?.read().establish(reading(&*self.platform)))
    }

    /// Takes one call through the core: judge, operate, record, wait until it is durable.
    pub(crate) async fn perform(
        &self,
        known: &Known,
        request: Request,
        context: &CallContext,
    ) -> Result<Reply, Refusal> {
        let turn = known.tenant.turn().await;
        let begun = self.begin(&known.caller, request, context, |_| false)?;
        drop(turn);
        begun.answer().await
    }

    /// The same for what takes long, so that the thread of its connection goes on with others.
    pub(crate) async fn perform_aside(
        self: Arc<Self>,
        known: Known,
        request: Request,
        context: CallContext,
    ) -> Result<Reply, Refusal> {
        let turn = known.tenant.turn().await;
        let begin = move || {
            let _turn = turn;
            self.begin(&known.caller, request, &context, |_| false)
        };
        let begun = tokio::task::spawn_blocking(begin).await;
        begun
            .unwrap_or_else(|_| Err(Refusal::new(Code::Internal)))?
            .answer()
            .await
    }

    /// The refusal of a call that does not even parse, which is a call all the same.
    pub(crate) fn malformed(&self, caller: &Caller, refusal: Refusal) -> Refusal {
        let admitted = self
            .open()
            .and_then(|open| open.admit(caller, Cost::call()));
        admitted.err().unwrap_or(refusal)
    }

    /// Judges, operates and records one call. `joins` says of a group whether the caller waits for
    /// it already.
    pub(crate) fn begin(
        &self,
        caller: &Caller,
        request: Request,
        context: &CallContext,
        joins: impl FnOnce(u64) -> bool,
    ) -> Result<Begun, Refusal> {
        let open = self.open()?;
        let cost = Cost::of(&request).approved_by(context.approval.as_ref());
        open.admit(caller, cost)?;
        let now = reading(&*self.platform);
        let authorized = open.read().authorize(caller, request, context, now);
        let operated = authorized.operate(&mut SystemRng);
        if operated.is_logged() && open.committer.is_full() {
            // Nothing has happened: what is not recorded has no effect.
            return Err(full());
        }
        let mut vault = open.vault.write().unwrap_or_else(PoisonError::into_inner);
        let pending = vault.record(operated);
        let wait = match pending.awaits() {
            None => Wait::Nothing(vault.durable().cloned()),
            Some(group) if joins(group) => {
                open.committer.join();
                Wait::Group(group, None)
            }
            Some(group) => Wait::Group(group, Some(open.committer.register(group))),
        };
        drop(vault);
        Ok(Begun { pending, wait })
    }
}

fn full() -> Refusal {
    Refusal::new(Code::Unavailable)
        .because("the disk of the vault is full; what needs no entry in its log goes on")
}

/// A call that is recorded.
pub(crate) struct Begun {
    pub(crate) pending: Pending,
    pub(crate) wait: Wait,
}

impl Begun {
    async fn answer(self) -> Result<Reply, Refusal> {
        let committed = match self.wait {
            Wait::Nothing(durable) => durable,
            Wait::Group(_, Some(told)) => told.await.ok(),
            Wait::Group(_, None) => None,
        };
        release(self.pending, committed)
    }
}

/// What a recorded call waits for.
pub(crate) enum Wait {
    /// Nothing: this is durable, and covers it.
    Nothing(Option<Committed>),
    /// This group, of which its caller is told here or where it already waits.
    Group(u64, Option<oneshot::Receiver<Committed>>),
}

/// The answer of a recorded call, now that `committed` is durable.
pub(crate) fn release(pending: Pending, committed: Option<Committed>) -> Result<Reply, Refusal> {
    let committed = committed.ok_or_else(|| Refusal::new(Code::Unavailable))?;
    pending
        .release(&committed)
        .unwrap_or_else(|_| Err(Refusal::new(Code::Internal)))
}
