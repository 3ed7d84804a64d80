//! Whether a key is still what a call was judged by. Asked under the vault's lock: the order of the log is
//! the truth.

use crate::api::{Answer, Code, Refusal, Retry};
use crate::authorize::Step;
use crate::change::Alteration;
use crate::idempotency::{Scope, Seen};
use crate::limits::PENDING_PROFILES;
use crate::ops::change::{Asked, Changed, Effect};
use crate::state::{Body, LiveKey, State};
use crate::stop::Stop;
use crate::vault::Vault;
use std::sync::Arc;
use vault_encoding::Hash;
use vault_policy::{Action, Approvable, KeySubject};

impl State {
    /// The key, if it is alive, of this version and under this policy.
    pub(crate) fn standing(&self, subject: &KeySubject) -> Result<&Arc<LiveKey>, Stop> {
        let body = self.by_lineage(&subject.lineage).map(|slot| &slot.body);
        match body {
            Some(Body::Live(key)) if key.subject() == *subject => Ok(key),
            Some(Body::Live(_)) => Err(Stop::overtaken(subject)),
            Some(Body::Destroyed(_)) | None => {
                Err(Stop::principal(Code::NotFound, subject, "destroyed"))
            }
        }
    }
}

/// What can be done with a key that is kept only until it goes: looking at it, and keeping it.
fn while_pending(action: Action) -> bool {
    match action {
        Action::GetKey
        | Action::GetPolicy
        | Action::ListProfiles
        | Action::CancelDeletion
        | Action::IssueApproval
        | Action::BeginApproval(Approvable::CancelDeletion) => true,
        Action::Operation(_)
        | Action::Delete
        | Action::UpdatePolicy
        | Action::PromoteProfile
        | Action::RevokeProfile
        | Action::BeginApproval(_) => false,
    }
}

impl LiveKey {
    /// Whether this can be done with the key as it is now, whatever its policy says.
    pub(crate) fn allows(&self, action: Action) -> Result<(), Stop> {
        match while_pending(action) {
            true => Ok(()),
            false => self.is_in_use(),
        }
    }

    /// Whether the key does what its policy allows, and is not kept only until it goes.
    pub(crate) fn is_in_use(&self) -> Result<(), Stop> {
        match self.due_at() {
            None => Ok(()),
            Some(_) => Err(Stop::principal(
                Code::PendingDeletion,
                &self.subject(),
                "pending_deletion",
            )),
        }
    }

    /// Whether the change can follow what is there.
    fn admits(&self, how: &Alteration) -> Result<(), Stop> {
        let refuse = |code, reason, detail| {
            Err(Stop::principal(code, &self.subject(), reason).because(detail))
        };
        let is_staged = |digest: &Hash| self.staged().iter().any(|held| held.digest == *digest);
        match how {
            Alteration::Promote { digest, .. } | Alteration::Revoke(digest)
                if !is_staged(digest) =>
            {
                Err(Stop::no_such_profile(&self.subject()))
            }
            Alteration::Stage(staged)
                if self.staged().len() >= PENDING_PROFILES && !is_staged(&staged.digest) =>
            {
                let detail = "16 profiles are pending already: revoke one";
                refuse(Code::QuotaExceeded, "too_many_profiles", detail)
            }
            Alteration::Cancel if self.due_at().is_none() => {
                let detail = "the key is not pending deletion";
                refuse(Code::InvalidArgument, "not_pending", detail)
            }
            Alteration::Cancel => Ok(()),
            Alteration::Policy { version, .. } | Alteration::Promote { version, .. }
                if self.policy_version.0.checked_add(1) != Some(version.0) =>
            {
                Err(Stop::version_conflict(&self.subject()))
            }
            _ => self.is_in_use(),
        }
    }
}

impl Vault {
    /// The answer to a repeat of a call that was made already.
    pub(crate) fn repeat(
        &self,
        asked: Asked,
        scope: Option<(Scope, Hash)>,
    ) -> Result<Option<Step>, Stop> {
        let Some((scope, body)) = scope else {
            return Ok(None);
        };
        match self.state.idempotency.look_up(&scope, &body) {
            Seen::Never => Ok(None),
            Seen::OtherBody => Err(Stop::Plain(Refusal::new(Code::IdempotencyConflict))),
            Seen::Same(kept) => {
                let answer: Answer = asked
                    .answer(kept.told, kept.index)
                    .ok_or_else(|| Stop::Plain(Refusal::new(Code::Internal)))?;
                Ok(Some(Step::repeat(
                    answer,
                    kept.index.saturating_add(1),
                    &kept,
                )))
            }
        }
    }

    /// Whether a change can follow what is there, and fits. Asked when the call is judged, and again when
    /// it is recorded.
    pub(crate) fn admits(&self, key: &LiveKey, effect: &Effect) -> Result<(), Stop> {
        match effect {
            Effect::Destroy => key.is_in_use(),
            Effect::Alter(how) => {
                key.admits(how)?;
                self.state.alteration_fits(key, how, &self.config.limits)
            }
        }
    }

    /// All of it again, for a change that is recorded now. `Some` is the answer to a repeat.
    pub(crate) fn admit_change(&self, changed: &Changed) -> Result<Option<Step>, Stop> {
        let scope = changed.remembered.map(|held| (held.scope, held.body));
        if let Some(repeat) = self.repeat(changed.asked, scope)? {
            return Ok(Some(repeat));
        }
        let key = self.state.standing(&changed.subject)?;
        self.admits(key, &changed.effect)?;
        match key.due_at() == changed.due_at {
            true => Ok(None),
            false => Err(Stop::overtaken(&changed.subject)),
        }
    }
}

impl Stop {
    /// The policy was another one when the call was judged. The same call is judged anew.
    fn overtaken(subject: &KeySubject) -> Self {
        match Self::version_conflict(subject) {
            Self::Principal {
                mut refusal,
                subject,
                ..
            } => {
                refusal.retry = Retry::Later;
                Self::Principal {
                    refusal,
                    subject,
                    reason: "overtaken",
                }
            }
            stop => stop,
        }
    }

    pub(crate) fn no_such_profile(subject: &KeySubject) -> Self {
        Self::principal(Code::InvalidArgument, subject, "no_such_profile")
            .because("no pending profile has this digest")
    }

    pub(crate) fn version_conflict(subject: &KeySubject) -> Self {
        Self::principal(Code::VersionConflict, subject, "version_conflict")
    }
}
