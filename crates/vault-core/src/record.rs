//! Step 3 of a call: into the log. Short, under the vault's lock; no cryptography but hashing.

use crate::api::{Answer, Code, LoggedLeaf, Refusal};
use crate::authorize::Step;
use crate::idempotency::{Kept, Told};
use crate::leaf::{Draft, Record, Verdict};
use crate::operate::{Done, Operated};
use crate::ops::begin_approval::{Begin, Begun};
use crate::ops::change::{Changed, Effect};
use crate::ops::create_key::{Creation, Made};
use crate::pending::Pending;
use crate::state::LiveKey;
use crate::stop::Stop;
use crate::vault::Vault;
use std::sync::Arc;
use vault_policy::{Action, KeySubject};
use zeroize::Zeroizing;

impl Vault {
    /// Step 3: checks again what the permit names, applies the effect, appends the leaf.
    pub fn record(&mut self, operated: Operated) -> Pending {
        let Operated { done, want_proof } = operated;
        match done {
            Done::Used {
                subject,
                action,
                outcome,
                record,
                draft,
            } => match self.still(&subject, action) {
                Ok(()) => self.log(record, outcome, want_proof),
                Err(stop) => self.stopped(stop, record.salt, &draft, want_proof),
            },
            Done::Created { creation, made } => self.create(&creation, *made, want_proof),
            Done::Begun { begin, begun } => self.begin(&begin, *begun, want_proof),
            Done::Changed(changed) => self.change(*changed, want_proof),
            Done::Refused { refusal, record } => self.log(record, Err(refusal), want_proof),
            Done::Unlogged {
                outcome,
                needs,
                leaf,
                counted,
            } => {
                if counted {
                    self.strangers.count();
                }
                self.unlogged(outcome, needs, leaf)
            }
        }
    }

    /// Whether the key is still what the permit was given for: alive, this version, this policy, and not
    /// kept only until it goes.
    fn still(&self, subject: &KeySubject, action: Action) -> Result<(), Stop> {
        self.state.standing(subject)?.allows(action)
    }

    fn log(
        &mut self,
        record: Record,
        outcome: Result<Answer, Refusal>,
        want_proof: bool,
    ) -> Pending {
        let salt = record.salt;
        let bytes = want_proof.then(|| record.leaf.clone());
        let index = self.append(record, want_proof);
        self.pending(index, outcome, logged(index, &salt, bytes), want_proof)
    }

    fn pending(
        &self,
        index: u64,
        outcome: Result<Answer, Refusal>,
        leaf: LoggedLeaf,
        want_proof: bool,
    ) -> Pending {
        let needs = index.saturating_add(1);
        Pending::new(outcome, needs, self.group_of(needs), Some(leaf), want_proof)
    }

    fn unlogged(
        &self,
        outcome: Result<Answer, Refusal>,
        needs: u64,
        leaf: Option<LoggedLeaf>,
    ) -> Pending {
        Pending::new(outcome, needs, self.group_of(needs), leaf, false)
    }

    /// The key changed while the operation ran: what it made is dropped, and the refusal is logged.
    fn stopped(&mut self, stop: Stop, salt: [u8; 32], draft: &Draft, want_proof: bool) -> Pending {
        match stop {
            Stop::Principal {
                refusal, reason, ..
            } => self.refuse(salt, draft, refusal, reason, want_proof),
            Stop::Plain(refusal) | Stop::Stranger { refusal } => {
                self.unlogged(Err(refusal), self.tree.size(), None)
            }
        }
    }

    fn refuse(
        &mut self,
        salt: [u8; 32],
        draft: &Draft,
        refusal: Refusal,
        reason: &'static str,
        want_proof: bool,
    ) -> Pending {
        match draft.record(salt, Verdict::Refused(reason), Zeroizing::default()) {
            Ok(record) => self.log(record, Err(refusal), want_proof),
            Err(_) => self.unlogged(Err(Refusal::new(Code::Internal)), 0, None),
        }
    }

    fn begin(&mut self, begin: &Begin, begun: Begun, want_proof: bool) -> Pending {
        let (salt, draft) = (begun.record.salt, &begin.draft);
        if let Err(stop) = self.state.standing(&begin.subject) {
            return self.stopped(stop, salt, draft, want_proof);
        }
        let opened = self.nonces().open(
            begin.beginner,
            begun.nonce,
            begun.hash,
            begun.not_after,
            draft.time,
        );
        if opened.is_err() {
            let refusal = Refusal::new(Code::QuotaExceeded);
            return self.refuse(salt, draft, refusal, "quota", want_proof);
        }
        let (record, answer) = begun.answer();
        self.log(record, Ok(answer), want_proof)
    }

    fn create(&mut self, creation: &Creation, made: Made, want_proof: bool) -> Pending {
        match self.admit_creation(creation) {
            Ok(None) => self.add(creation, made, want_proof),
            Ok(Some(Step::Ready {
                answer,
                needs,
                leaf,
            })) => self.unlogged(Ok(answer), needs, leaf),
            Err(Stop::Principal {
                refusal,
                reason,
                subject,
            }) => {
                let draft = Draft {
                    handle: Some(subject.handle),
                    subject: Some(*subject),
                    ..creation.draft.clone()
                };
                self.refuse(made.record.salt, &draft, refusal, reason, want_proof)
            }
            Err(Stop::Plain(refusal)) => self.unlogged(Err(refusal), self.tree.size(), None),
            Ok(Some(_)) | Err(Stop::Stranger { .. }) => {
                self.unlogged(Err(Refusal::new(Code::Internal)), 0, None)
            }
        }
    }

    fn add(&mut self, creation: &Creation, made: Made, want_proof: bool) -> Pending {
        let Made {
            key,
            record,
            remembered,
        } = made;
        let index = self.tree.size();
        let lineage = key.lineage;
        let answer = Answer::CreateKey(key.info());
        self.state
            .add(creation.owner.clone(), key, index.saturating_add(1));
        self.state.remember(remembered.map(|remembered| Kept {
            remembered,
            lineage,
            index,
            told: Told::Nothing,
        }));
        self.log(record, Ok(answer), want_proof)
    }

    fn change(&mut self, changed: Changed, want_proof: bool) -> Pending {
        match self.admit_change(&changed) {
            Ok(None) => self.apply(changed, want_proof),
            Ok(Some(Step::Ready {
                answer,
                needs,
                leaf,
            })) => self.unlogged(Ok(answer), needs, leaf),
            Ok(Some(_)) => self.unlogged(Err(Refusal::new(Code::Internal)), 0, None),
            Err(stop) => self.stopped(stop, changed.record.salt, &changed.draft, want_proof),
        }
    }

    fn apply(&mut self, changed: Changed, want_proof: bool) -> Pending {
        let Changed {
            subject: KeySubject { lineage, .. },
            asked,
            effect,
            remembered,
            record,
            ..
        } = changed;
        let (index, told) = (self.tree.size(), effect.told());
        let applied = asked.answer(told, index).and_then(|answer| {
            let before = match &effect {
                Effect::Destroy => self.state.destroy(&lineage, index),
                Effect::Alter(how) => self.state.alter(&lineage, how, index),
            };
            before.map(|before| (before, answer))
        });
        let Some((before, answer)) = applied else {
            return self.unlogged(Err(Refusal::new(Code::Internal)), 0, None);
        };
        self.ring.forget(&before);
        self.state.remember(remembered.map(|remembered| Kept {
            remembered,
            lineage,
            index,
            told,
        }));
        self.log(record, Ok(answer), want_proof)
    }

    /// Drops parsed and sealed material.
    pub(crate) fn forget(&self, gone: Option<Arc<LiveKey>>) {
        if let Some(key) = gone {
            self.ring.forget(&key);
        }
    }
}

/// The leaf of a call as its receipt names it; bytes only when they are wanted.
fn logged(index: u64, salt: &[u8; 32], leaf: Option<Vec<u8>>) -> LoggedLeaf {
    let request_salt = vault_audit::request_salt(salt);
    LoggedLeaf {
        index,
        request_salt,
        leaf,
        proof: None,
    }
}
