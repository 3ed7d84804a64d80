//! What changes one key: its policy, the profiles proposed for it, its end. One way for all of them, so
//! that all are repeated, permitted, checked again and recorded alike.

use super::{delete_key, promote_profile, revoke_profile, stage_profile, update_policy};
use crate::api::{Answer, Code, KeyRef, KeyState, Refusal, Request};
use crate::authorize::{Call, Permitted, Step};
use crate::change::{Alteration, Altered, Change};
use crate::idempotency::{Remembered, Scope, Told};
use crate::leaf::{self, Draft, Record, Verdict};
use crate::ops::create_key::idempotency_scope;
use crate::request_form;
use crate::state::Staged;
use crate::stop::Stop;
use crate::vault::Vault;
use vault_audit::LeafError;
use vault_encoding::Hash;
use vault_keys::Rng;
use vault_policy::{Action, KeySubject, Operation, Permit, PolicyVersion, UnixSeconds};

/// What of a request the answer follows from.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    Delete,
    Cancel,
    /// The version that the policy then has.
    Update(PolicyVersion),
    Promote(PolicyVersion),
    /// The digest of the profile.
    Stage(Hash),
    Revoke,
}

/// What comes of it.
pub(crate) enum Effect {
    Destroy,
    Alter(Alteration),
}

/// A change that may go ahead, as far as is known before it is recorded.
pub(crate) struct Changing {
    permit: Permit,
    asked: Asked,
    effect: Effect,
    /// When the key may go, as it was when this was judged.
    due_at: Option<UnixSeconds>,
    scope: Option<(Scope, Hash)>,
    draft: Draft,
}

/// The same with its record: it holds as soon as that is in the log.
pub(crate) struct Changed {
    pub(crate) subject: KeySubject,
    pub(crate) asked: Asked,
    pub(crate) effect: Effect,
    pub(crate) due_at: Option<UnixSeconds>,
    pub(crate) remembered: Option<Remembered>,
    pub(crate) record: Record,
    pub(crate) draft: Draft,
}

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, request: &Request) -> Step {
    let text = request_form::canonical(request);
    let Some((key, asked)) = asked(request) else {
        return call.refuse(Stop::Plain(Refusal::new(Code::Internal)), "internal", text);
    };
    let name = asked.action().name();
    let scope = idempotency_scope(call, name, &text);
    let judge = || {
        // An owner stays the owner: what was answered once is answered again, whatever the key is by now.
        if vault.gate_own(call, &key)?
            && let Some(repeat) = vault.repeat(asked, scope)?
        {
            return Ok(repeat);
        }
        let permitted = permit(vault, call, &key, request)?;
        if let Some(repeat) = vault.repeat(asked, scope)? {
            return Ok(repeat);
        }
        let effect = effect(vault, call, request, &permitted)?;
        vault.admits(&permitted.key, &effect)?;
        Ok(Step::Change(Box::new(Changing {
            due_at: permitted.key.due_at(),
            draft: call.draft(name, Some(permitted.key.subject()), text.clone()),
            permit: permitted.permit,
            asked,
            effect,
            scope,
        })))
    };
    judge().unwrap_or_else(|stop| call.refuse(stop, name, text.clone()))
}

fn asked(request: &Request) -> Option<(KeyRef, Asked)> {
    let next = |version: PolicyVersion| PolicyVersion(version.0.saturating_add(1));
    Some(match request {
        Request::ScheduleDeletion(deletion) => (deletion.key, Asked::Delete),
        Request::CancelDeletion { key } => (*key, Asked::Cancel),
        Request::UpdatePolicy(update) => (update.key, Asked::Update(next(update.expected_version))),
        Request::PromoteProfile(promote) => {
            (promote.key, Asked::Promote(next(promote.expected_version)))
        }
        Request::StageProfile(stage) => {
            (stage.key, Asked::Stage(Staged::digest_of(&stage.profile)))
        }
        Request::RevokeProfile(revoke) => (revoke.key, Asked::Revoke),
        _ => return None,
    })
}

fn permit(
    vault: &Vault,
    call: &Call<'_>,
    key: &KeyRef,
    request: &Request,
) -> Result<Permitted, Stop> {
    match (request, asked(request)) {
        (Request::RevokeProfile(revoke), _) => revoke_profile::permit(vault, call, revoke),
        (_, Some((_, asked))) => vault.permit(call, key, asked.action()),
        (_, None) => Err(Stop::Plain(Refusal::new(Code::Internal))),
    }
}

fn effect(
    vault: &Vault,
    call: &Call<'_>,
    request: &Request,
    permitted: &Permitted,
) -> Result<Effect, Stop> {
    let key = &*permitted.key;
    let how = match request {
        Request::ScheduleDeletion(deletion) => return delete_key::effect(call, deletion, key),
        Request::CancelDeletion { .. } => Alteration::Cancel,
        Request::UpdatePolicy(update) => update_policy::alteration(vault, call, update, key)?,
        Request::PromoteProfile(promote) => promote_profile::alteration(vault, call, promote, key)?,
        Request::StageProfile(stage) => stage_profile::alteration(call, stage)?,
        Request::RevokeProfile(revoke) => Alteration::Revoke(revoke.digest),
        _ => return Err(Stop::Plain(Refusal::new(Code::Internal))),
    };
    Ok(Effect::Alter(how))
}

impl Asked {
    pub(crate) fn action(self) -> Action {
        match self {
            Self::Delete => Action::Delete,
            Self::Cancel => Action::CancelDeletion,
            Self::Update(_) => Action::UpdatePolicy,
            Self::Promote(_) => Action::PromoteProfile,
            Self::Stage(_) => Action::Operation(Operation::StageProfile),
            Self::Revoke => Action::RevokeProfile,
        }
    }

    /// The answer to the call whose leaf is at `index`, which is the same for every repeat.
    pub(crate) fn answer(self, told: Told, index: u64) -> Option<Answer> {
        Some(match (self, told) {
            (Self::Delete, Told::Nothing) => Answer::ScheduleDeletion {
                state: KeyState::Destroyed,
                tombstone_index: index,
                due_at: None,
            },
            (Self::Delete, Told::Due(due_at)) => Answer::ScheduleDeletion {
                state: KeyState::PendingDeletion,
                tombstone_index: 0,
                due_at: Some(due_at),
            },
            (Self::Cancel, Told::Nothing) => Answer::CancelDeletion {
                state: KeyState::Enabled,
            },
            (Self::Update(policy_version), Told::Policy(policy_hash)) => Answer::UpdatePolicy {
                policy_hash,
                policy_version,
            },
            (Self::Promote(policy_version), Told::Policy(policy_hash)) => Answer::PromoteProfile {
                policy_hash,
                policy_version,
            },
            (Self::Stage(digest), Told::Nothing) => Answer::StageProfile { digest },
            (Self::Revoke, Told::Nothing) => Answer::RevokeProfile,
            (_, Told::Nothing | Told::Policy(_) | Told::Due(_)) => return None,
        })
    }
}

impl Effect {
    pub(crate) fn told(&self) -> Told {
        match self {
            Self::Destroy => Told::Nothing,
            Self::Alter(how) => how.told(),
        }
    }
}

impl Changing {
    /// Writes the record. What it changes changes when that is in the log.
    pub(crate) fn record(self, rng: &mut dyn Rng) -> Result<Changed, LeafError> {
        let salt = leaf::salt(rng);
        let request_salt = vault_audit::request_salt(&salt);
        let remembered = self.scope.map(|(scope, body)| Remembered {
            scope,
            body,
            request_salt,
        });
        // The permit is spent: it names the key that changes.
        let subject = *self.permit.subject();
        let lineage = subject.lineage;
        let change = match &self.effect {
            Effect::Destroy => Change::Destroy {
                lineage,
                remembered,
            },
            Effect::Alter(how) => Change::Alter(Box::new(Altered {
                lineage,
                how: how.clone(),
                remembered,
            })),
        };
        let verdict = Verdict::Allowed("ok");
        let record = self.draft.record(salt, verdict, change.encode())?;
        Ok(Changed {
            subject,
            asked: self.asked,
            effect: self.effect,
            due_at: self.due_at,
            remembered,
            record,
            draft: self.draft,
        })
    }
}
