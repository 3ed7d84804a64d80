//! Reconstruct: the share as it was stored. Logged.

use crate::api::{Answer, KeyRef, Request};
use crate::authorize::{Call, Logged, Step};
use crate::vault::Vault;
use vault_keys::{KeyError, ParsedKey};
use vault_policy::{Operation, Permit};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, key: KeyRef) -> Step {
    let judged = vault.use_key(call, &key, Operation::Reconstruct, None);
    let request = Request::Reconstruct { key };
    call.use_step(judged, Operation::Reconstruct, request, Logged::Yes)
}

pub(crate) fn run(permit: Permit, key: &ParsedKey) -> Result<Answer, KeyError> {
    let version = permit.subject().version;
    let share = key.reconstruct(permit)?;
    Ok(Answer::Reconstruct { share, version })
}
