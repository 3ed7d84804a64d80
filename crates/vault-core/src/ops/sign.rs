//! Sign: logged.

use crate::api::{Answer, Code, Payload, Request, Sign};
use crate::authorize::{Call, Logged, Step, bounded};
use crate::stop::Stop;
use crate::vault::Vault;
use vault_keys::{KeyError, ParsedKey, SignInput};
use vault_policy::{Operation, Permit};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, sign: Sign) -> Step {
    let operation = sign.input.input().sign_operation();
    let judged =
        well_formed(&sign.input).and_then(|()| vault.use_key(call, &sign.key, operation, None));
    call.use_step(judged, operation, Request::Sign(sign), Logged::Yes)
}

pub(crate) fn run(sign: &Sign, permit: Permit, key: &ParsedKey) -> Result<Answer, KeyError> {
    let version = permit.subject().version;
    let signature = key.sign(permit, sign.input.input(), sign.format)?;
    Ok(Answer::Sign {
        signature: signature.as_ref().to_vec(),
        version,
    })
}

/// What can be told without looking at any key.
pub(crate) fn well_formed(input: &Payload) -> Result<(), Stop> {
    match input {
        Payload::Message(message) => bounded(message),
        Payload::Digest(digest) if digest.len() == 32 => Ok(()),
        Payload::Digest(_) => Err(Stop::plain(
            Code::InvalidArgument,
            "a digest has 32 bytes (SHA-256)",
        )),
    }
}

impl Payload {
    pub(crate) fn input(&self) -> SignInput<'_> {
        match self {
            Self::Message(message) => SignInput::Message(message),
            Self::Digest(digest) => SignInput::Digest(digest),
        }
    }

    /// The operation that signing this needs.
    pub fn operation(&self) -> Operation {
        self.input().sign_operation()
    }
}
