//! Step 1 of a call: who may do what to which key. Reads the state, changes nothing.

use crate::api::{Answer, CallContext, Code, Head, LoggedLeaf, Refusal, Request};
use crate::caller::Caller;
use crate::head;
use crate::keyring::KeyRing;
use crate::leaf::{self, Draft};
use crate::limits::{IDEMPOTENCY_KEY_BYTES, PAYLOAD_BYTES};
use crate::ops;
use crate::ops::create_key::Creation;
use crate::ops::delete_key::Deletion;
use crate::request_form;
use crate::state::{Body, Found, LiveKey};
use crate::stop::Stop;
use crate::time::TimeReading;
use crate::vault::Vault;
use std::sync::Arc;
use vault_audit::Checkpoint;
use vault_policy::{
    Action, KeySubject, KeyType, KeyVersion, OidcSubject, Operation, Permit, VaultId, VaultTime,
    evaluate, sender_allows, type_allows, usage_allows,
};

/// The reason in the log of a refusal for want of a sender constraint.
pub(crate) const SENDER: &str = "sender";

/// A judged call: a permit with its key, an answer that needs no key, or a refusal. All three
/// take the same way through [`Authorized::operate`], [`Vault::record`] and
/// [`Pending::release`](crate::Pending::release).
///
/// Spent by `operate`:
///
/// ```compile_fail
/// fn twice(call: vault_core::Authorized, rng: &mut dyn vault_core::Rng) {
///     let _ = call.operate(rng);
///     let _ = call.operate(rng);
/// }
/// ```
#[must_use = "a call that is not recorded is not answered"]
pub struct Authorized {
    pub(crate) step: Step,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) vault_id: VaultId,
    pub(crate) want_proof: bool,
}

/// What is left to do.
pub(crate) enum Step {
    /// Use the key; `draft` is set if that is logged.
    Use {
        permit: Permit,
        key: Arc<LiveKey>,
        request: Request,
        draft: Option<Box<Draft>>,
        needs: u64,
    },
    Create(Box<Creation>),
    Delete(Box<Deletion>),
    /// Nothing: `needs` is the size of the log that the answer depends on.
    Ready {
        answer: Answer,
        needs: u64,
        leaf: Option<LoggedLeaf>,
    },
    /// Refuse a principal: logged.
    Refuse {
        refusal: Refusal,
        reason: &'static str,
        draft: Box<Draft>,
    },
    /// Refuse anybody else; `counted` if it was a stranger.
    TurnAway {
        refusal: Refusal,
        needs: u64,
        counted: bool,
    },
}

/// One call while it is judged.
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) context: &'a CallContext,
    pub(crate) time: VaultTime,
}

/// A key whose policy allows the action.
pub(crate) struct Permitted {
    pub(crate) permit: Permit,
    pub(crate) key: Arc<LiveKey>,
    /// Size of the log that made the key what it is.
    pub(crate) changed: u64,
}

impl Vault {
    /// Step 1: finds the key, evaluates the policy, applies the usage and type gates.
    pub fn authorize(
        &self,
        caller: &Caller,
        request: Request,
        context: &CallContext,
        now: TimeReading,
    ) -> Authorized {
        let call = Call {
            caller,
            context,
            time: self.establish(now),
        };
        let step = match self.admit(&call) {
            Ok(()) => self.behind_the_log(ops::authorize(self, &call, request)),
            Err(refusal) => Step::TurnAway {
                refusal,
                needs: 0,
                counted: false,
            },
        };
        Authorized {
            step,
            ring: Arc::clone(&self.ring),
            vault_id: self.vault_id,
            want_proof: context.want_proof,
        }
    }

    /// A refusal that is not logged waits for everything that it may rest on, the key of which it
    /// says nothing included; and it waits for as long where there is none.
    fn behind_the_log(&self, step: Step) -> Step {
        match step {
            Step::TurnAway {
                refusal, counted, ..
            } => Step::TurnAway {
                refusal,
                needs: self.tree.size(),
                counted,
            },
            step => step,
        }
    }

    /// What holds for every call, whatever it asks: time, token, seen head.
    fn admit(&self, call: &Call<'_>) -> Result<(), Refusal> {
        if let Some(expiry) = call.caller.expires_at() {
            match call.time.is_before(expiry) {
                Some(true) => {}
                Some(false) => return Err(Refusal::new(Code::TokenExpired)),
                None => return Err(Refusal::new(Code::TimeUnknown)),
            }
        }
        if call.context.idempotency_key.len() > IDEMPOTENCY_KEY_BYTES {
            return Err(Refusal::new(Code::InvalidArgument).because("idempotency key too long"));
        }
        if call.context.approval.is_some() {
            let refusal = Refusal::new(Code::ApprovalRefused);
            return Err(refusal.because("approvals are not accepted yet"));
        }
        match &call.context.seen {
            Some(seen) => {
                let durable = self.durable().map(crate::Committed::head);
                let (vault_id, folded) = (&self.vault_id, self.queue.folded);
                let sign = |at| self.sign_head(at);
                head::check(seen, vault_id, &self.tree, durable, folded, sign)
            }
            None => Ok(()),
        }
    }

    /// A head of this log at an earlier size. `at` is of leaves that are durable.
    fn sign_head(&self, at: Checkpoint) -> Option<Head> {
        let signature = self.signer.sign(at.text().as_bytes()).ok()?;
        Some(Head {
            size: at.size,
            root: at.root,
            checkpoint: at.sign(&self.key, |_| signature).into(),
        })
    }

    /// Looks the key up, asks its policy, and then whether the type takes such a sender.
    pub(crate) fn permit(
        &self,
        call: &Call<'_>,
        key: &crate::api::KeyRef,
        action: Action,
    ) -> Result<Permitted, Stop> {
        let caller = call.caller.subject();
        let slot = match self.state.find(caller, key) {
            Found::Slot(slot) => slot,
            Found::OtherLineage(own) => return Err(Stop::lineage_mismatch(own)),
            Found::Nothing => return Err(Stop::not_found()),
        };
        let stranger = || self.stranger(caller, key);
        let live = match &slot.body {
            Body::Live(live) => live,
            Body::Destroyed(gone) if caller == Some(&*slot.owner) => {
                call.sender_gate(gone.key_type, &slot.subject())?;
                return Err(Stop::principal(
                    Code::NotFound,
                    &slot.subject(),
                    "destroyed",
                ));
            }
            Body::Destroyed(_) => return Err(stranger()),
        };
        let facts = call.caller.facts();
        let permit = evaluate(&live.policy, action, &live.subject(), facts, call.time)
            .map_err(|deny| Stop::denied(&deny, &live.subject()).unwrap_or_else(stranger))?;
        call.sender_gate(live.key_type(), &live.subject())?;
        Ok(Permitted {
            permit,
            key: Arc::clone(live),
            changed: slot.changed,
        })
    }

    /// The gate of the sender where an owner is answered before the policy is asked: tombstones,
    /// and repeats of calls.
    pub(crate) fn gate_own(&self, call: &Call<'_>, key: &crate::api::KeyRef) -> Result<(), Stop> {
        let caller = call.caller.subject();
        match self.state.find(caller, key) {
            Found::Slot(slot) if caller == Some(&*slot.owner) => {
                call.sender_gate(slot.key_type(), &slot.subject())
            }
            _ => Ok(()),
        }
    }

    /// The answer to a stranger: that of a lineage that nobody has. Who owns a key of that handle
    /// is told so, as if the lineage that he named were of no key at all.
    fn stranger(&self, caller: Option<&OidcSubject>, key: &crate::api::KeyRef) -> Stop {
        let without = crate::api::KeyRef {
            lineage: None,
            ..*key
        };
        match self.state.find(caller, &without) {
            Found::Slot(own) | Found::OtherLineage(own) => Stop::lineage_mismatch(own),
            Found::Nothing => Stop::not_found(),
        }
    }

    /// The way of every operation on a key: policy, then usage, then type, then version.
    pub(crate) fn use_key(
        &self,
        call: &Call<'_>,
        key: &crate::api::KeyRef,
        operation: Operation,
        version: Option<KeyVersion>,
    ) -> Result<Permitted, Stop> {
        let permitted = self.permit(call, key, Action::Operation(operation))?;
        let live = &permitted.key;
        if !usage_allows(live.policy.usage(), operation) {
            return Err(Stop::principal(Code::UsageDenied, &live.subject(), "usage"));
        }
        if !type_allows(live.key_type(), operation) {
            return Err(Stop::principal(Code::UsageDenied, &live.subject(), "type"));
        }
        if version.is_some_and(|version| version != live.version) {
            return Err(Stop::principal(
                Code::InvalidArgument,
                &live.subject(),
                "no_such_version",
            ));
        }
        Ok(permitted)
    }
}

impl Call<'_> {
    /// Behind the policy, so that only a principal of the key is told; logged like its refusals.
    fn sender_gate(&self, key_type: KeyType, subject: &KeySubject) -> Result<(), Stop> {
        if sender_allows(key_type, self.caller.facts()) {
            return Ok(());
        }
        Err(Stop::principal(
            Code::SenderConstraintRequired,
            subject,
            SENDER,
        ))
    }

    /// The draft of this call's leaf.
    pub(crate) fn draft(
        &self,
        operation: &'static str,
        subject: Option<KeySubject>,
        request: Vec<u8>,
    ) -> Draft {
        Draft {
            time: self.time,
            principals: leaf::principals(self.caller),
            operation,
            handle: subject.map(|subject| subject.handle),
            subject,
            policy_hash: None,
            request,
        }
    }

    /// The step that refuses.
    pub(crate) fn refuse(&self, stop: Stop, operation: &'static str, request: Vec<u8>) -> Step {
        match stop {
            Stop::Plain(refusal) => Step::TurnAway {
                refusal,
                needs: 0,
                counted: false,
            },
            Stop::Stranger { refusal } => Step::TurnAway {
                refusal,
                needs: 0,
                counted: true,
            },
            Stop::Principal {
                refusal,
                subject,
                reason,
            } => {
                let draft = Box::new(self.draft(operation, Some(*subject), request));
                Step::Refuse {
                    refusal,
                    reason,
                    draft,
                }
            }
        }
    }

    /// An operation on a key, judged.
    pub(crate) fn use_step(
        &self,
        judged: Result<Permitted, Stop>,
        operation: Operation,
        request: Request,
        logged: Logged,
    ) -> Step {
        let text = |request: &Request| request_form::canonical(request);
        match judged {
            Err(stop) => self.refuse(stop, operation.name(), text(&request)),
            Ok(Permitted {
                permit,
                key,
                changed,
            }) => {
                let draft = (logged == Logged::Yes).then(|| {
                    Box::new(self.draft(operation.name(), Some(key.subject()), text(&request)))
                });
                Step::Use {
                    permit,
                    key,
                    request,
                    draft,
                    needs: changed,
                }
            }
        }
    }
}

/// Whether a successful operation leaves an entry. Refusals of principals always do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logged {
    Yes,
    No,
}

/// Bounds a payload.
pub(crate) fn bounded(payload: &[u8]) -> Result<(), Stop> {
    if payload.len() > PAYLOAD_BYTES {
        return Err(Stop::Plain(Refusal::new(Code::TooLarge)));
    }
    Ok(())
}

impl Authorized {
    /// Whether this is a refusal (it goes on through `operate`, `record` and `release`).
    pub fn is_refused(&self) -> bool {
        matches!(self.step, Step::Refuse { .. } | Step::TurnAway { .. })
    }
}
