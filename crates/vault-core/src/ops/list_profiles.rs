//! ListPendingProfiles: the owner. Not logged.

use crate::api::{Answer, KeyRef, Request};
use crate::authorize::{Call, Step};
use crate::request_form;
use crate::state::Staged;
use crate::vault::Vault;
use vault_policy::Action;

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, key: KeyRef) -> Step {
    match vault.permit(call, &key, Action::ListProfiles) {
        Ok(permitted) => {
            let staged = permitted.key.staged().iter();
            let profiles = staged.map(Staged::info).collect();
            Step::ready(Answer::ListProfiles { profiles }, permitted.changed)
        }
        Err(stop) => {
            let text = request_form::canonical(&Request::ListProfiles { key });
            call.refuse(stop, Action::ListProfiles.name(), text)
        }
    }
}
