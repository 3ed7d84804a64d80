//! GetPolicy: the owner. Not logged.

use crate::api::{Answer, KeyRef, Request};
use crate::authorize::{Call, Step};
use crate::request_form;
use crate::vault::Vault;
use vault_policy::Action;

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, key: KeyRef) -> Step {
    match vault.permit(call, &key, Action::GetPolicy) {
        Ok(permitted) => {
            let answer = Answer::GetPolicy {
                policy: permitted.key.policy.canonical_bytes().into(),
                policy_version: permitted.key.policy_version,
            };
            Step::ready(answer, permitted.changed)
        }
        Err(stop) => {
            let text = request_form::canonical(&Request::GetPolicy { key });
            call.refuse(stop, Action::GetPolicy.name(), text)
        }
    }
}
