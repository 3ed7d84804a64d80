//! GetKey: every principal of the key; its owner also sees the tombstone. Not logged.

use crate::api::{Answer, KeyRef, Request};
use crate::authorize::{Call, Step};
use crate::request_form;
use crate::state::{Body, Found};
use crate::stop::Stop;
use crate::vault::Vault;
use vault_policy::{Action, Operation, evaluate};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, key: KeyRef) -> Step {
    if let Err(stop) = vault.gate_own(call, &key) {
        return refuse(call, stop, key);
    }
    if let Some(step) = tombstone(vault, call, &key) {
        return step;
    }
    match vault.permit(call, &key, Action::GetKey) {
        Ok(permitted) => {
            let live = &permitted.key;
            let mut info = live.info();
            let action = Action::Operation(Operation::GetPublicKey);
            if evaluate(
                &live.policy,
                action,
                &live.subject(),
                call.facts(),
                call.time,
            )
            .is_err()
            {
                info.public_key.clear();
            }
            Step::ready(Answer::GetKey(info), permitted.changed)
        }
        Err(stop) => refuse(call, stop, key),
    }
}

fn refuse(call: &Call<'_>, stop: Stop, key: KeyRef) -> Step {
    let text = request_form::canonical(&Request::GetKey { key });
    call.refuse(stop, Action::GetKey.name(), text)
}

fn tombstone(vault: &Vault, call: &Call<'_>, key: &KeyRef) -> Option<Step> {
    let caller = call.caller.subject();
    let Found::Slot(slot) = vault.state.find(caller, key) else {
        return None;
    };
    let seen = matches!(slot.body, Body::Destroyed(_)) && caller == Some(&*slot.owner);
    seen.then(|| Step::ready(Answer::GetKey(slot.info()), slot.changed))
}
