//! Step 2 of a call: the work, without the vault. Key material is used here and nowhere else.

use crate::api::{Answer, Code, LoggedLeaf, Refusal, Request};
use crate::authorize::{Authorized, Step};
use crate::keyring::KeyRing;
use crate::leaf::{self, Draft, Record, Verdict};
use crate::ops;
use crate::ops::begin_approval::{Begin, Begun};
use crate::ops::change::Changed;
use crate::ops::create_key::{Creation, Made};
use crate::request_form;
use crate::state::LiveKey;
use vault_keys::{KeyError, Rng};
use vault_policy::{Action, KeySubject, Permit};
use zeroize::Zeroizing;

/// A call whose work is done and whose effect is not yet recorded.
#[must_use = "a call that is not recorded is not answered"]
pub struct Operated {
    pub(crate) done: Done,
    pub(crate) want_proof: bool,
}

pub(crate) enum Done {
    /// A logged use of a key; `outcome` waits for `record`.
    Used {
        subject: KeySubject,
        action: Action,
        outcome: Result<Answer, Refusal>,
        record: Record,
        draft: Box<Draft>,
    },
    Created {
        creation: Box<Creation>,
        made: Box<Made>,
    },
    Begun {
        begin: Box<Begin>,
        begun: Box<Begun>,
    },
    Changed(Box<Changed>),
    /// Not logged.
    Unlogged {
        outcome: Result<Answer, Refusal>,
        needs: u64,
        leaf: Option<LoggedLeaf>,
        counted: bool,
    },
    /// A logged refusal.
    Refused {
        refusal: Refusal,
        record: Record,
    },
}

impl Operated {
    /// Whether recording it writes to the log, be it a refusal. One that is not recorded has no effect.
    pub fn is_logged(&self) -> bool {
        !matches!(self.done, Done::Unlogged { .. })
    }
}

impl Authorized {
    /// Step 2: does the work. Touches no vault; hold no lock.
    pub fn operate(self, rng: &mut dyn Rng) -> Operated {
        let Self {
            step,
            ring,
            vault_id,
            want_proof,
        } = self;
        let done = match step {
            Step::Use {
                permit,
                key,
                request,
                draft,
                needs,
            } => {
                let action = permit.action();
                let draft = draft.map(|draft| with_text(draft, &request));
                let outcome = use_key(&request, permit, &key, &ring, rng);
                match draft {
                    Some(draft) => used(&key, action, outcome, draft, rng),
                    None => unlogged(outcome.map_err(|error| refusal(&error)), needs),
                }
            }
            Step::Create(creation) => match creation.make(&vault_id, &ring, rng) {
                Ok(made) => Done::Created {
                    creation,
                    made: Box::new(made),
                },
                Err(error) => unlogged(Err(refusal(&error)), 0),
            },
            keyless => without_key(keyless, rng),
        };
        Operated { done, want_proof }
    }
}

/// What needs no key material.
fn without_key(step: Step, rng: &mut dyn Rng) -> Done {
    match step {
        Step::Change(changing) => match changing.record(rng) {
            Ok(changed) => Done::Changed(Box::new(changed)),
            Err(_) => internal(),
        },
        Step::Begin(begin) => match begin.make(rng) {
            Ok(begun) => Done::Begun {
                begin,
                begun: Box::new(begun),
            },
            Err(_) => internal(),
        },
        Step::Say {
            answer,
            subject,
            outcome,
            draft,
        } => said(answer, *subject, &outcome, draft, rng),
        Step::Ready {
            answer,
            needs,
            leaf,
        } => Done::Unlogged {
            outcome: Ok(answer),
            needs,
            leaf,
            counted: false,
        },
        Step::Refuse {
            refusal,
            reason,
            draft,
            of,
        } => {
            let draft = match of {
                Some(request) => with_text(draft, &request),
                None => draft,
            };
            refused(refusal, reason, &draft, rng)
        }
        Step::TurnAway {
            refusal,
            needs,
            counted,
        } => Done::Unlogged {
            outcome: Err(refusal),
            needs,
            leaf: None,
            counted,
        },
        // Both use key material.
        Step::Use { .. } | Step::Create(_) => internal(),
    }
}

/// The draft with the text of its request, for which payloads are hashed.
fn with_text(mut draft: Box<Draft>, request: &Request) -> Box<Draft> {
    draft.request = request_form::canonical(request);
    draft
}

fn use_key(
    request: &Request,
    permit: Permit,
    key: &LiveKey,
    ring: &KeyRing,
    rng: &mut dyn Rng,
) -> Result<Answer, KeyError> {
    ops::run(request, permit, &*ring.ready(key)?, rng)
}

/// The use was allowed; that it failed is its outcome.
fn used(
    key: &LiveKey,
    action: Action,
    outcome: Result<Answer, KeyError>,
    draft: Box<Draft>,
    rng: &mut dyn Rng,
) -> Done {
    let verdict = Verdict::Allowed(match &outcome {
        Ok(Answer::MacVerify { valid: false }) => "invalid",
        Ok(_) => "ok",
        Err(error) => failure(error),
    });
    let outcome = outcome.map_err(|error| refusal(&error));
    match draft.record(leaf::salt(rng), verdict, Zeroizing::default()) {
        Ok(record) => Done::Used {
            subject: key.subject(),
            action,
            outcome,
            record,
            draft,
        },
        Err(_) => internal(),
    }
}

fn said(
    answer: Answer,
    subject: KeySubject,
    outcome: &str,
    draft: Box<Draft>,
    rng: &mut dyn Rng,
) -> Done {
    let verdict = Verdict::Allowed(outcome);
    match draft.record(leaf::salt(rng), verdict, Zeroizing::default()) {
        Ok(record) => Done::Used {
            subject,
            action: Action::IssueApproval,
            outcome: Ok(answer),
            record,
            draft,
        },
        Err(_) => internal(),
    }
}

fn refused(refusal: Refusal, reason: &'static str, draft: &Draft, rng: &mut dyn Rng) -> Done {
    match draft.record(
        leaf::salt(rng),
        Verdict::Refused(reason),
        Zeroizing::default(),
    ) {
        Ok(record) => Done::Refused { refusal, record },
        Err(_) => internal(),
    }
}

fn unlogged(outcome: Result<Answer, Refusal>, needs: u64) -> Done {
    Done::Unlogged {
        outcome,
        needs,
        leaf: None,
        counted: false,
    }
}

/// Nothing was released and nothing has changed: an entry that does not fit into a leaf.
fn internal() -> Done {
    unlogged(Err(Refusal::new(Code::Internal)), 0)
}

fn code(error: &KeyError) -> Code {
    match error {
        KeyError::NotWrapped
        | KeyError::WrappedByOtherKey
        | KeyError::WrappedByOtherVersion { .. }
        | KeyError::NotAuthentic => Code::DecryptionFailed,
        KeyError::FormatNotOfType { .. } | KeyError::DigestLength { .. } => Code::InvalidArgument,
        KeyError::NotOfType { .. } => Code::UsageDenied,
        KeyError::TooLong => Code::TooLarge,
        KeyError::PermitForOtherAction { .. }
        | KeyError::PermitForOtherKey
        | KeyError::MaterialRejected { .. }
        | KeyError::SignatureWithheld
        | KeyError::Library => Code::Internal,
    }
}

fn failure(error: &KeyError) -> &'static str {
    match code(error) {
        Code::DecryptionFailed => "decryption_failed",
        Code::InvalidArgument => "invalid_argument",
        Code::UsageDenied => "usage_denied",
        Code::TooLarge => "too_large",
        _ => "internal",
    }
}

/// Key errors hold no secret and no text of the caller's, so they may be shown.
fn refusal(error: &KeyError) -> Refusal {
    let code = code(error);
    match code {
        Code::Internal => Refusal::new(code),
        _ => Refusal::new(code).because(error.to_string()),
    }
}
