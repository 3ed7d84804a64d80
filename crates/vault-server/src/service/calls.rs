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

#[cfg(test)]
mod tests {
    use super::*;
    use buffa::Message;
    use vault_core::{Answer, Head};
    use vault_policy::KeyVersion;

    fn key() -> v1::KeyRef {
        v1::KeyRef {
            handle: vault_policy::KeyHandle([9; 16]).to_string(),
            ..Default::default()
        }
    }

    fn calls() -> Vec<Call> {
        let (sign, verify) = (v1::SignRequest::default(), v1::VerifyRequest::default());
        let mut calls = vec![
            Call::Sign(sign.into()),
            Call::Verify(verify.into()),
            Call::Wrap(v1::WrapRequest::default().into()),
            Call::Unwrap(v1::UnwrapRequest::default().into()),
            Call::Mac(v1::MacRequest::default().into()),
            Call::MacVerify(v1::MacVerifyRequest::default().into()),
            Call::GetPublicKey(v1::GetPublicKeyRequest::default().into()),
            Call::Reconstruct(v1::ReconstructRequest::default().into()),
        ];
        for call in &mut calls {
            match call {
                Call::Wrap(call) => call.key = key().into(),
                Call::Unwrap(call) => call.key = key().into(),
                Call::Mac(call) => call.key = key().into(),
                Call::MacVerify(call) => call.key = key().into(),
                Call::GetPublicKey(call) => call.key = key().into(),
                Call::Reconstruct(call) => call.key = key().into(),
                // Without an input.
                Call::Sign(_) | Call::Verify(_) => {}
            }
        }
        calls
    }

    fn reply(answer: Answer) -> Reply {
        let head = Head {
            size: 1,
            root: vault_encoding::sha256(b"root"),
            checkpoint: [].into(),
        };
        Reply {
            receipt: vault_core::Receipt { head, leaf: None },
            answer,
        }
    }

    #[test]
    fn every_call_is_taken_under_its_id_or_refused_for_what_it_lacks() {
        for (id, call) in (5u64..).zip(calls()) {
            let incomplete = matches!(call, Call::Sign(_) | Call::Verify(_));
            let taken = take(v1::OperateRequest {
                id,
                call: Some(call),
                ..Default::default()
            });
            assert_eq!(taken.asked.id, id);
            assert_eq!(taken.call.is_err(), incomplete, "{id}");
        }
        let nothing = take(v1::OperateRequest::default()).call.err().unwrap();
        assert_eq!(nothing.code, Code::InvalidArgument);
    }

    #[test]
    fn an_answer_to_another_question_is_never_given() {
        let answer = || {
            reply(Answer::Mac {
                tag: vec![7; 32],
                version: KeyVersion(1),
            })
        };
        for call in calls() {
            let asks_for_a_tag = matches!(call, Call::Mac(_));
            let message = v1::OperateRequest {
                id: 3,
                call: Some(call),
                ..Default::default()
            };
            let answered = take(message).asked.answer(Ok(answer()));
            assert_eq!(answered.id, 3);
            match answered.outcome {
                Some(Outcome::Mac(given)) => assert!(asks_for_a_tag && given.tag == [7; 32]),
                Some(Outcome::Error(error)) => {
                    assert!(!asks_for_a_tag);
                    let code = error.detail.as_option().map(|detail| detail.code.to_i32());
                    assert_eq!(code, Some(Code::Internal as i32));
                }
                _ => panic!("another outcome"),
            }
        }
    }

    #[test]
    fn no_bytes_that_decode_break_the_mapping() {
        let whole: Vec<Vec<u8>> = calls()
            .into_iter()
            .map(|call| {
                let message = v1::OperateRequest {
                    id: 1,
                    call: Some(call),
                    ..Default::default()
                };
                message.encode_to_vec()
            })
            .collect();
        let mut decoded = 0;
        for bytes in &whole {
            for place in 0..bytes.len() {
                for change in [1, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[place] ^= change;
                    if let Ok(message) = v1::OperateRequest::decode_from_slice(&changed) {
                        let id = message.id;
                        assert_eq!(take(message).asked.id, id);
                        decoded += 1;
                    }
                }
            }
        }
        assert!(decoded > whole.len());
    }
}
