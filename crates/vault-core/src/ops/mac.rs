//! Mac: logged.

use crate::api::{Answer, Mac, Request};
use crate::authorize::{Call, Logged, Step, bounded};
use crate::vault::Vault;
use vault_keys::{KeyError, ParsedKey};
use vault_policy::{Operation, Permit};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, mac: Mac) -> Step {
    let judged =
        bounded(&mac.message).and_then(|()| vault.use_key(call, &mac.key, Operation::Mac, None));
    call.use_step(judged, Operation::Mac, Request::Mac(mac), Logged::Yes)
}

pub(crate) fn run(mac: &Mac, permit: Permit, key: &ParsedKey) -> Result<Answer, KeyError> {
    let version = permit.subject().version;
    let tag = key.mac(permit, &mac.message)?.to_vec();
    Ok(Answer::Mac { tag, version })
}
