//! MacVerify: uses the secret, so it is logged.

use crate::api::{Answer, MacVerify, Request};
use crate::authorize::{Call, Logged, Step, bounded};
use crate::vault::Vault;
use vault_keys::{KeyError, ParsedKey};
use vault_policy::{Operation, Permit};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, check: MacVerify) -> Step {
    let judged = bounded(&check.message)
        .and_then(|()| vault.use_key(call, &check.key, Operation::MacVerify, check.version));
    call.use_step(
        judged,
        Operation::MacVerify,
        Request::MacVerify(check),
        Logged::Yes,
    )
}

pub(crate) fn run(check: &MacVerify, permit: Permit, key: &ParsedKey) -> Result<Answer, KeyError> {
    let valid = key.mac_verify(permit, &check.message, &check.tag)?;
    Ok(Answer::MacVerify { valid })
}
