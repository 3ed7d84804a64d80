//! GetPublicKey: not logged.

use crate::api::{Answer, KeyRef, Request};
use crate::authorize::{Call, Logged, Step};
use crate::vault::Vault;
use vault_keys::{KeyError, ParsedKey};
use vault_policy::{KeyVersion, Operation, Permit};

pub(crate) fn authorize(
    vault: &Vault,
    call: &Call<'_>,
    key: KeyRef,
    version: Option<KeyVersion>,
) -> Step {
    let judged = vault.use_key(call, &key, Operation::GetPublicKey, version);
    let request = Request::GetPublicKey { key, version };
    call.use_step(judged, Operation::GetPublicKey, request, Logged::No)
}

pub(crate) fn run(permit: Permit, key: &ParsedKey) -> Result<Answer, KeyError> {
    let version = permit.subject().version;
    let public_key = key.public_key(permit)?;
    Ok(Answer::GetPublicKey {
        public_key,
        version,
    })
}
