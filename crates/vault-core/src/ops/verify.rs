//! Verify: not logged, uses the public half only.

use crate::api::{Answer, Request, Verify};
use crate::authorize::{Call, Logged, Step};
use crate::ops::sign::well_formed;
use crate::vault::Vault;
use vault_keys::{KeyError, ParsedKey};
use vault_policy::{Operation, Permit};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, verify: Verify) -> Step {
    let judged = well_formed(&verify.input)
        .and_then(|()| vault.use_key(call, &verify.key, Operation::Verify, verify.version));
    call.use_step(
        judged,
        Operation::Verify,
        Request::Verify(verify),
        Logged::No,
    )
}

pub(crate) fn run(verify: &Verify, permit: Permit, key: &ParsedKey) -> Result<Answer, KeyError> {
    let valid = key.verify(
        permit,
        verify.input.input(),
        verify.format,
        &verify.signature,
    )?;
    Ok(Answer::Verify { valid })
}
