//! Wrap: logged.

use crate::api::{Answer, Request, Wrap};
use crate::authorize::{Call, Logged, Step, bounded};
use crate::vault::Vault;
use vault_keys::{KeyError, ParsedKey, Rng};
use vault_policy::{Operation, Permit};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, wrap: Wrap) -> Step {
    let judged = bounded(&wrap.plaintext)
        .and_then(|()| bounded(&wrap.aad))
        .and_then(|()| vault.use_key(call, &wrap.key, Operation::Wrap, None));
    call.use_step(judged, Operation::Wrap, Request::Wrap(wrap), Logged::Yes)
}

pub(crate) fn run(
    wrap: &Wrap,
    permit: Permit,
    key: &ParsedKey,
    rng: &mut dyn Rng,
) -> Result<Answer, KeyError> {
    let version = permit.subject().version;
    let ciphertext = key.wrap(permit, &wrap.plaintext, &wrap.aad, rng)?;
    Ok(Answer::Wrap {
        ciphertext,
        version,
    })
}
