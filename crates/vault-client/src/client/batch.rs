//! One batch: sent with what was seen, each outcome judged like that of a call alone.

use super::call::{Accepted, Unsent};
use super::repeat::{Failed, Fate, Sendings};
use super::{Client, stream};
use crate::calls::batch::{answers, only_reads, receipt, set_context};
use crate::calls::form::Formed;
use crate::calls::rpc::Repeat;
use crate::error::{Error, Result};
use crate::heads::SeenHead;
use crate::key::malformed;
use crate::receipt::Asked;
use crate::session::Session;
use connectrpc::ConnectError;
use connectrpc::client::CallOptions;
use std::sync::Arc;
use std::time::Instant;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;

type All = Vec<Result<Accepted<Outcome>>>;

impl Client {
    /// Makes all calls in one message, repeating it where that is safe.
    pub(crate) async fn call_all(&self, mut calls: Vec<Call>) -> Result<All> {
        let deadline = self.deadline();
        let repeat = match calls.iter().all(only_reads) {
            true => Repeat::Reads,
            false => Repeat::Uses,
        };
        let mut sendings = Sendings::default();
        loop {
            let asked = self.attempt_all(&mut calls, deadline);
            match self.counted(repeat, asked).await {
                Ok(all) => return Ok(all),
                Err(failed) => self.pause(repeat, failed, &mut sendings, deadline).await?,
            }
        }
    }

    async fn attempt_all(&self, calls: &mut [Call], deadline: Instant) -> Result<All, Failed> {
        let ready = self.ready_to_use(deadline).await;
        let (session, options) = ready.map_err(Failed::before_sending)?;
        let seen = self.seen().await;
        let context = v1::CallContext {
            want_proof: true,
            ..self.context(seen.as_ref())
        };
        calls
            .iter_mut()
            .for_each(|call| set_context(call, &context));
        let outcomes = match send(&session, calls, options).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let unsent = Unsent::unknown(error);
                return Err(self.unsent(&session, seen, unsent, deadline).await);
            }
        };
        let mut all = Vec::with_capacity(outcomes.len());
        for (call, outcome) in calls.iter().zip(outcomes) {
            let judged = self.judge_outcome(&session, &seen, call, outcome, deadline);
            all.push(
                judged
                    .await
                    .map_err(|failed| failed.told(Repeat::Uses, false)),
            );
        }
        Ok(all)
    }

    async fn judge_outcome(
        &self,
        session: &Arc<Session>,
        seen: &Option<SeenHead>,
        call: &Call,
        outcome: Outcome,
        deadline: Instant,
    ) -> Result<Accepted<Outcome>, Failed> {
        if let Outcome::Error(error) = outcome {
            let error = stream::error(*error);
            return Err(self.failed(session, seen.clone(), &error, deadline).await);
        }
        let answered = |error| Failed {
            error,
            fate: Fate::Answered,
        };
        let receipt = receipt(&outcome).map_err(answered)?;
        let asked = Asked {
            form: call.form(),
            logs: !only_reads(call),
            sent_before: false,
        };
        let judged = self.judge(session, seen.as_ref(), receipt, &asked, deadline);
        let receipt = judged.await.map_err(answered)?;
        Ok(Accepted::new(outcome, receipt))
    }
}

/// The outcomes, in the order of the calls.
async fn send(
    session: &Session,
    calls: &[Call],
    options: CallOptions,
) -> Result<Vec<Outcome>, ConnectError> {
    let numbered = (0u64..).zip(calls).map(|(id, call)| v1::OperateRequest {
        id,
        call: Some(call.clone()),
        ..Default::default()
    });
    let request = v1::BatchRequest {
        calls: numbered.collect(),
        ..Default::default()
    };
    let options = options
        .with_max_message_size(vault_proto::BATCH_RESPONSE)
        .with_element_memory_limit(vault_proto::BATCH_RESPONSE);
    let client = v1::CryptoServiceClient::new(session.transport(), session.rpc_config());
    let answer = client
        .batch_with_options(request, options)
        .await?
        .into_owned();
    in_order(calls, answer.outcomes).map_err(|error| ConnectError::internal(error.message()))
}

fn in_order(calls: &[Call], outcomes: Vec<v1::OperateResponse>) -> Result<Vec<Outcome>, Error> {
    if outcomes.len() != calls.len() {
        return Err(malformed("number of outcomes"));
    }
    let pairs = (0u64..).zip(calls).zip(outcomes);
    pairs
        .map(|((id, call), response)| match response.outcome {
            Some(outcome) if response.id == id && answers(call, &outcome) => Ok(outcome),
            _ => Err(malformed("outcome")),
        })
        .collect()
}
