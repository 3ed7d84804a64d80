//! Step 3 of a call: into the log. Short, under the vault's lock; no cryptography but hashing.

use crate::api::{Answer, Code, LoggedLeaf, Refusal};
use crate::authorize::Step;
use crate::idempotency::{Kept, Remembered, Told};
use crate::leaf::{Draft, Record, Verdict};
use crate::operate::{Done, Operated};
use crate::ops::begin_approval::{Begin, Begun};
use crate::ops::create_key::{Creation, Made};
use crate::ops::delete_key;
use crate::pending::Pending;
use crate::state::{Body, LiveKey};
use crate::stop::Stop;
use crate::vault::Vault;
use std::sync::Arc;
use vault_policy::KeySubject;
use zeroize::Zeroizing;

impl Vault {
    /// Step 3: checks again what the permit names, applies the effect, appends the leaf.
    pub fn record(&mut self, operated: Operated) -> Pending {
        let Operated { done, want_proof } = operated;
        match done {
            Done::Used {
                subject,
                outcome,
                record,
                draft,
            } => {
                if self.still(&subject) {
                    self.log(record, outcome, want_proof)
                } else {
                    self.overtaken(record.salt, &draft, want_proof)
                }
            }
            Done::Created { creation, made } => self.create(&creation, *made, want_proof),
            Done::Deleted {
                subject,
                remembered,
                record,
                draft,
            } => {
                let scope = remembered.map(|remembered| (remembered.scope, remembered.body));
                match delete_key::repeat(self, scope) {
                    Ok(Some(Step::Ready {
                        answer,
                        needs,
                        leaf,
                    })) => self.unlogged(Ok(answer), needs, leaf),
                    Err(Stop::Plain(refusal)) => {
                        self.unlogged(Err(refusal), self.tree.size(), None)
                    }
                    Ok(None) if self.still(&subject) => {
                        self.destroy(&subject, remembered, record, want_proof)
                    }
                    _ => self.overtaken(record.salt, &draft, want_proof),
                }
            }
            Done::Begun { begin, begun } => self.begin(&begin, *begun, want_proof),
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

    /// Whether the key is still what the permit was given for: alive, this version, this policy.
    fn still(&self, subject: &KeySubject) -> bool {
        match self
            .state
            .by_lineage(&subject.lineage)
            .map(|slot| &slot.body)
        {
            Some(Body::Live(key)) => key.subject() == *subject,
            Some(Body::Destroyed(_)) | None => false,
        }
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
        self.pending(
            index,
            outcome,
            delete_key::logged(index, &salt, bytes),
            want_proof,
        )
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

    /// The key went while the operation ran: what it made is dropped, and the refusal is logged.
    fn overtaken(&mut self, salt: [u8; 32], draft: &Draft, want_proof: bool) -> Pending {
        self.refuse(
            salt,
            draft,
            Refusal::new(Code::NotFound),
            "destroyed",
            want_proof,
        )
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
        if !self.still(&begin.subject) {
            return self.overtaken(salt, draft, want_proof);
        }
        let opened = self.nonces().open(
            begin.principal,
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

    fn destroy(
        &mut self,
        subject: &KeySubject,
        remembered: Option<Remembered>,
        record: Record,
        want_proof: bool,
    ) -> Pending {
        let index = self.tree.size();
        let gone = self.state.destroy(&subject.lineage, index);
        self.forget(gone);
        let lineage = subject.lineage;
        self.state.remember(remembered.map(|remembered| Kept {
            remembered,
            lineage,
            index,
            told: Told::Nothing,
        }));
        self.log(record, Ok(delete_key::destroyed(index)), want_proof)
    }

    /// Drops parsed and sealed material.
    pub(crate) fn forget(&self, gone: Option<Arc<LiveKey>>) {
        if let Some(key) = gone {
            self.ring.forget(&key);
        }
    }
}
