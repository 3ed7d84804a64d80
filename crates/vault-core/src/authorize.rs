//! Step 1 of a call: who may do what to which key. Reads the state, and changes nothing but the table of
//! nonces, out of which that of the call is taken.

use crate::api::{Answer, CallContext, Code, LoggedLeaf, Refusal, Request};
use crate::approve::Brought;
use crate::caller::Caller;
use crate::head::Contradicted;
use crate::keyring::KeyRing;
use crate::leaf::{self, Draft};
use crate::limits::{IDEMPOTENCY_KEY_BYTES, PAYLOAD_BYTES};
use crate::ops;
use crate::ops::begin_approval::Begin;
use crate::ops::change::Changing;
use crate::ops::create_key::Creation;
pub(crate) use crate::permit::Permitted;
use crate::state::LiveKey;
use crate::stop::Stop;
use crate::time::TimeReading;
use crate::vault::Vault;
use std::sync::Arc;
use vault_policy::{
    Facts, KeySubject, KeyType, Operation, Permit, VaultId, VaultTime, sender_allows,
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
    /// Use the key; `draft` is set if that is logged, and still lacks the text of the request.
    Use {
        permit: Permit,
        key: Arc<LiveKey>,
        request: Request,
        draft: Option<Box<Draft>>,
        needs: u64,
    },
    Create(Box<Creation>),
    Change(Box<Changing>),
    /// Open a request for approval.
    Begin(Box<Begin>),
    /// An answer that is there already, and is logged.
    Say {
        answer: Answer,
        subject: Box<KeySubject>,
        outcome: String,
        draft: Box<Draft>,
    },
    /// Nothing: `needs` is the size of the log that the answer depends on.
    Ready {
        answer: Answer,
        needs: u64,
        leaf: Option<LoggedLeaf>,
    },
    /// Refuse a principal: logged. `of` is set where the draft still lacks the text of the request.
    Refuse {
        refusal: Refusal,
        reason: &'static str,
        draft: Box<Draft>,
        of: Option<Box<Request>>,
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
    /// What became of the approval that it brings.
    pub(crate) brought: Brought,
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
        // Whatever comes of the call, its nonce is spent.
        let opened = self.take_nonce(caller, context);
        let mut call = Call {
            caller,
            context,
            time: self.establish(now),
            brought: Brought::Nothing,
        };
        let admitted = self.admit(&call).and_then(|()| {
            call.brought = self.consume(&call, &request, opened)?;
            Ok(())
        });
        let step = match admitted {
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
        match &call.context.seen {
            Some(seen) => self.holds(seen).map_err(Contradicted::sign),
            None => Ok(()),
        }
    }
}

impl Call<'_> {
    /// What is proven about the caller and, once an approval is verified, about those who gave it.
    pub(crate) fn facts(&self) -> &Facts {
        self.brought.facts().unwrap_or_else(|| self.caller.facts())
    }

    /// Behind the policy, so that only a principal of the key is told; logged like its refusals.
    pub(crate) fn sender_gate(&self, key_type: KeyType, subject: &KeySubject) -> Result<(), Stop> {
        if sender_allows(key_type, self.facts()) {
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
            approvals: self.brought.logged(),
            note: self.brought.note(),
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
                    of: None,
                }
            }
        }
    }

    /// An operation on a key, judged. Its payload is not hashed here, where others wait.
    pub(crate) fn use_step(
        &self,
        judged: Result<Permitted, Stop>,
        operation: Operation,
        request: Request,
        logged: Logged,
    ) -> Step {
        match judged {
            Err(stop) => match self.refuse(stop, operation.name(), Vec::new()) {
                Step::Refuse {
                    refusal,
                    reason,
                    draft,
                    ..
                } => Step::Refuse {
                    refusal,
                    reason,
                    draft,
                    of: Some(Box::new(request)),
                },
                other => other,
            },
            Ok(Permitted {
                permit,
                key,
                changed,
            }) => {
                let logged = logged == Logged::Yes || self.context.approval.is_some();
                let subject = Some(key.subject());
                let draft =
                    logged.then(|| Box::new(self.draft(operation.name(), subject, Vec::new())));
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

/// Whether a successful operation leaves an entry. Refusals of principals always do, and so does what
/// was approved.
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
