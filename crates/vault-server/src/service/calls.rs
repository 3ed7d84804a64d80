//! The calls inside a stream or a batch: each is mapped, judged and answered as if it had come
//! alone.

use super::error::refusal_to_outcome;
use super::mapping::Ask;
use super::wire;
use vault_core::{CallContext, Code, Refusal, Reply, Request};
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;

/// What is left of a message when its call is taken out: who waits for which answer.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// The caller's name for it.
    pub(super) id: u64,
    answered: fn(Reply) -> Option<Outcome>,
}

/// One call, as the core wants it.
pub(super) struct Taken {
    pub(super) asked: Asked,
    pub(super) call: Result<(Request, CallContext), Refusal>,
}

/// Takes a call out of its message.
pub(super) fn take(message: v1::OperateRequest) -> Taken {
    let id = message.id;
    match message.call {
        Some(Call::Sign(call)) => map(id, *call, |reply| {
            Some(Outcome::Sign(v1::SignRequest::answered(reply)?.into()))
        }),
        Some(Call::Verify(call)) => map(id, *call, |reply| {
            Some(Outcome::Verify(v1::VerifyRequest::answered(reply)?.into()))
        }),
        Some(Call::Wrap(call)) => map(id, *call, |reply| {
            Some(Outcome::Wrap(v1::WrapRequest::answered(reply)?.into()))
        }),
        Some(Call::Unwrap(call)) => map(id, *call, |reply| {
            Some(Outcome::Unwrap(v1::UnwrapRequest::answered(reply)?.into()))
        }),
        Some(Call::Mac(call)) => map(id, *call, |reply| {
            Some(Outcome::Mac(v1::MacRequest::answered(reply)?.into()))
        }),
        Some(Call::MacVerify(call)) => map(id, *call, |reply| {
            Some(Outcome::MacVerify(
                v1::MacVerifyRequest::answered(reply)?.into(),
            ))
        }),
        Some(Call::GetPublicKey(call)) => map(id, *call, |reply| {
            Some(Outcome::GetPublicKey(
                v1::GetPublicKeyRequest::answered(reply)?.into(),
            ))
        }),
        Some(Call::Reconstruct(call)) => map(id, *call, |reply| {
            Some(Outcome::Reconstruct(
                v1::ReconstructRequest::answered(reply)?.into(),
            ))
        }),
        None => Taken {
            asked: Asked {
                id,
                answered: |_| None,
            },
            call: Err(Refusal::new(Code::InvalidArgument).because("call: missing")),
        },
    }
}

fn map<A: Ask>(id: u64, mut message: A, answered: fn(Reply) -> Option<Outcome>) -> Taken {
    let context = message.take_context();
    let call =
        wire::call_context(context.as_ref()).and_then(|context| Ok((message.request()?, context)));
    Taken {
        asked: Asked { id, answered },
        call,
    }
}

impl Asked {
    /// The answer under the call's id.
    pub(super) fn answer(self, outcome: Result<Reply, Refusal>) -> v1::OperateResponse {
        let outcome = outcome
            .and_then(|reply| (self.answered)(reply).ok_or_else(|| Refusal::new(Code::Internal)));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(refusal) => Outcome::Error(refusal_to_outcome(&refusal).into()),
        };
        v1::OperateResponse {
            id: self.id,
            outcome: Some(outcome),
            ..Default::default()
        }
    }
}
