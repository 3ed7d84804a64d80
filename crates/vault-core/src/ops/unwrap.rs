//! Unwrap: logged, also when the ciphertext does not authenticate.

use crate::api::{Answer, Request, Unwrap};
use crate::authorize::{Call, Logged, Step, bounded};
use crate::limits::PAYLOAD_BYTES;
use crate::stop::Stop;
use crate::vault::Vault;
use crate::{Code, Refusal};
use vault_keys::{KeyError, ParsedKey, WRAP_OVERHEAD};
use vault_policy::{Operation, Permit};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, unwrap: Unwrap) -> Step {
    let judged = well_formed(&unwrap)
        .and_then(|()| vault.use_key(call, &unwrap.key, Operation::Unwrap, None));
    call.use_step(
        judged,
        Operation::Unwrap,
        Request::Unwrap(unwrap),
        Logged::Yes,
    )
}

fn well_formed(unwrap: &Unwrap) -> Result<(), Stop> {
    bounded(&unwrap.aad)?;
    if unwrap.ciphertext.len() > PAYLOAD_BYTES + WRAP_OVERHEAD {
        return Err(Stop::Plain(Refusal::new(Code::TooLarge)));
    }
    Ok(())
}

pub(crate) fn run(unwrap: &Unwrap, permit: Permit, key: &ParsedKey) -> Result<Answer, KeyError> {
    let version = permit.subject().version;
    let plaintext = key.unwrap(permit, &unwrap.ciphertext, &unwrap.aad)?;
    Ok(Answer::Unwrap { plaintext, version })
}
