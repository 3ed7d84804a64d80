//! ScheduleDeletion with window 0: a tombstone at once. The owner.

use crate::Refusal;
use crate::api::{Answer, Code, KeyState, LoggedLeaf, Request, ScheduleDeletion};
use crate::authorize::{Call, Permitted, Step};
use crate::idempotency::{Remembered, Scope, Seen};
use crate::leaf::Draft;
use crate::ops::create_key::idempotency_scope;
use crate::request_form;
use crate::stop::Stop;
use crate::vault::Vault;
use vault_encoding::Hash;
use vault_policy::{Action, Permit};

/// A deletion that may go ahead.
pub(crate) struct Deletion {
    pub(crate) permit: Permit,
    pub(crate) scope: Option<(Scope, Hash)>,
    pub(crate) draft: Draft,
}

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, deletion: ScheduleDeletion) -> Step {
    let (key, window) = (deletion.key, deletion.window);
    let text = request_form::canonical(&Request::ScheduleDeletion(deletion));
    let name = Action::Delete.name();
    let scope = idempotency_scope(call, name, &text);
    match vault
        .gate_own(call, &key)
        .and_then(|()| repeat(vault, scope))
    {
        Ok(Some(step)) => return step,
        Ok(None) => {}
        Err(stop) => return call.refuse(stop, name, text),
    }
    let judged = window_is_none(window).and_then(|()| vault.permit(call, &key, Action::Delete));
    match judged {
        Ok(Permitted { permit, key, .. }) => {
            let draft = call.draft(name, Some(key.subject()), text);
            Step::Delete(Box::new(Deletion {
                permit,
                scope,
                draft,
            }))
        }
        Err(stop) => call.refuse(stop, name, text),
    }
}

fn window_is_none(window: u64) -> Result<(), Stop> {
    match window {
        0 => Ok(()),
        _ => Err(Stop::plain(
            Code::InvalidArgument,
            "only window 0 is accepted",
        )),
    }
}

/// The answer to a repeat. Asked when the call is judged, and again when it is recorded. The
/// scope holds the requester, who was the owner of the key and,
/// owners being immutable, still is.
pub(crate) fn repeat(vault: &Vault, scope: Option<(Scope, Hash)>) -> Result<Option<Step>, Stop> {
    let Some((scope, body)) = scope else {
        return Ok(None);
    };
    match vault.state.idempotency.look_up(&scope, &body) {
        Seen::Never => Ok(None),
        Seen::OtherBody => Err(Stop::Plain(Refusal::new(Code::IdempotencyConflict))),
        Seen::Same(kept) => {
            let answer = destroyed(kept.index);
            Ok(Some(Step::repeat(
                answer,
                kept.index.saturating_add(1),
                &kept,
            )))
        }
    }
}

/// The answer once the tombstone stands at `index`.
pub(crate) fn destroyed(index: u64) -> Answer {
    Answer::ScheduleDeletion {
        state: KeyState::Destroyed,
        tombstone_index: index,
    }
}

impl Deletion {
    pub(crate) fn remembered(&self, request_salt: Hash) -> Option<Remembered> {
        self.scope.map(|(scope, body)| Remembered {
            scope,
            body,
            request_salt,
        })
    }
}

/// The leaf of a call as its receipt names it; bytes only when they are wanted.
pub(crate) fn logged(index: u64, salt: &[u8; 32], leaf: Option<Vec<u8>>) -> LoggedLeaf {
    let request_salt = vault_audit::request_salt(salt);
    LoggedLeaf {
        index,
        request_salt,
        leaf,
        proof: None,
    }
}
