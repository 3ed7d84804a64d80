//! Many calls in one message.

use super::crypto::{Input, Signed, Versioned};
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::key::{KeyName, malformed};
use crate::receipt::Answer;
use vault_policy::KeyVersion;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;
use zeroize::Zeroizing;

/// One call of a batch; each is as the [`Client`] method of that name.
#[derive(Clone)]
#[expect(missing_docs, reason = "as the methods document")]
pub enum BatchCall {
    Sign {
        key: KeyName,
        input: Input,
        der: bool,
    },
    Verify {
        key: KeyName,
        input: Input,
        signature: Vec<u8>,
        der: bool,
        version: Option<KeyVersion>,
    },
    Wrap {
        key: KeyName,
        plaintext: Vec<u8>,
        aad: Vec<u8>,
    },
    Unwrap {
        key: KeyName,
        ciphertext: Vec<u8>,
        aad: Vec<u8>,
    },
    Mac {
        key: KeyName,
        message: Vec<u8>,
    },
    MacVerify {
        key: KeyName,
        message: Vec<u8>,
        tag: Vec<u8>,
        version: Option<KeyVersion>,
    },
    PublicKey {
        key: KeyName,
        version: Option<KeyVersion>,
    },
    Reconstruct {
        key: KeyName,
    },
}

/// The answer to one call of a batch.
#[derive(Clone, PartialEq, Eq)]
pub enum BatchAnswer {
    /// Of `Sign`.
    Signed(Signed),
    /// Of `Verify` and `MacVerify`.
    Valid(bool),
    /// Of `Wrap`, `Unwrap`, `Mac` and `PublicKey`.
    Bytes(Versioned),
    /// Of `Reconstruct`.
    Share(Zeroizing<Vec<u8>>),
}

impl Client {
    /// Makes up to 256 calls in one message of 4 MiB at most. Each has an outcome of its own, in
    /// their order; the error of the whole is one of the message itself. Not repeated when its
    /// answer is lost, unless all of its calls only read.
    pub async fn batch(&self, calls: Vec<BatchCall>) -> Result<Vec<Result<Answer<BatchAnswer>>>> {
        let calls = calls.into_iter().map(|call| self.message(call));
        let answered = self.call_all(calls.collect::<Result<_>>()?).await?;
        let answers = answered.into_iter();
        Ok(answers
            .map(|answered| answered.and_then(|answered| answered.try_map(answer)))
            .collect())
    }

    fn message(&self, call: BatchCall) -> Result<Call> {
        Ok(match call {
            BatchCall::Sign { key, input, der } => {
                Call::Sign(self.sign_message(key, input, der)?.into())
            }
            BatchCall::Verify {
                key,
                input,
                signature,
                der,
                version,
            } => {
                let message = self.verify_message(key, input, signature, der, version)?;
                Call::Verify(message.into())
            }
            BatchCall::Wrap {
                key,
                plaintext,
                aad,
            } => Call::Wrap(self.wrap_message(key, plaintext, aad)?.into()),
            BatchCall::Unwrap {
                key,
                ciphertext,
                aad,
            } => Call::Unwrap(self.unwrap_message(key, ciphertext, aad)?.into()),
            BatchCall::Mac { key, message } => Call::Mac(self.mac_message(key, message)?.into()),
            BatchCall::MacVerify {
                key,
                message,
                tag,
                version,
            } => Call::MacVerify(self.mac_verify_message(key, message, tag, version)?.into()),
            BatchCall::PublicKey { key, version } => {
                Call::GetPublicKey(self.public_key_message(key, version)?.into())
            }
            BatchCall::Reconstruct { key } => {
                let request = v1::ReconstructRequest {
                    key: self.key_ref(key)?.into(),
                    ..Default::default()
                };
                Call::Reconstruct(request.into())
            }
        })
    }
}

fn answer(outcome: Outcome) -> Result<BatchAnswer> {
    let bytes = |bytes, version| BatchAnswer::Bytes(Versioned::of(bytes, version));
    Ok(match outcome {
        Outcome::Sign(answer) => BatchAnswer::Signed(Signed::of(*answer)),
        Outcome::Verify(answer) => BatchAnswer::Valid(answer.valid),
        Outcome::Wrap(answer) => bytes(answer.ciphertext, answer.version),
        Outcome::Unwrap(answer) => bytes(answer.plaintext, answer.version),
        Outcome::Mac(answer) => bytes(answer.tag, answer.version),
        Outcome::MacVerify(answer) => BatchAnswer::Valid(answer.valid),
        Outcome::GetPublicKey(answer) => bytes(answer.public_key, answer.version),
        Outcome::Reconstruct(answer) => BatchAnswer::Share(Zeroizing::new(answer.share)),
        Outcome::Error(_) => return Err(Error::new(ErrorCode::Internal)),
    })
}

/// The receipt of an outcome; `None` of an error.
pub(crate) fn receipt(outcome: &Outcome) -> Result<Option<&v1::Receipt>> {
    let receipt = match outcome {
        Outcome::Sign(answer) => &answer.receipt,
        Outcome::Verify(answer) => &answer.receipt,
        Outcome::Wrap(answer) => &answer.receipt,
        Outcome::Unwrap(answer) => &answer.receipt,
        Outcome::Mac(answer) => &answer.receipt,
        Outcome::MacVerify(answer) => &answer.receipt,
        Outcome::GetPublicKey(answer) => &answer.receipt,
        Outcome::Reconstruct(answer) => &answer.receipt,
        Outcome::Error(_) => return Ok(None),
    };
    receipt
        .as_option()
        .map(Some)
        .ok_or_else(|| malformed("receipt"))
}

/// Whether an outcome is one to this call.
pub(crate) fn answers(call: &Call, outcome: &Outcome) -> bool {
    matches!(
        (call, outcome),
        (Call::Sign(_), Outcome::Sign(_))
            | (Call::Verify(_), Outcome::Verify(_))
            | (Call::Wrap(_), Outcome::Wrap(_))
            | (Call::Unwrap(_), Outcome::Unwrap(_))
            | (Call::Mac(_), Outcome::Mac(_))
            | (Call::MacVerify(_), Outcome::MacVerify(_))
            | (Call::GetPublicKey(_), Outcome::GetPublicKey(_))
            | (Call::Reconstruct(_), Outcome::Reconstruct(_))
            | (_, Outcome::Error(_))
    )
}

/// Whether a call leaves nothing but its answer.
pub(crate) fn only_reads(call: &Call) -> bool {
    matches!(call, Call::Verify(_) | Call::GetPublicKey(_))
}

/// Gives a call its context.
pub(crate) fn set_context(call: &mut Call, context: &v1::CallContext) {
    let field = match call {
        Call::Sign(call) => &mut call.context,
        Call::Verify(call) => &mut call.context,
        Call::Wrap(call) => &mut call.context,
        Call::Unwrap(call) => &mut call.context,
        Call::Mac(call) => &mut call.context,
        Call::MacVerify(call) => &mut call.context,
        Call::GetPublicKey(call) => &mut call.context,
        Call::Reconstruct(call) => &mut call.context,
    };
    *field = context.clone().into();
}
