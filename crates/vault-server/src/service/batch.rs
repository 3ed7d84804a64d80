//! `Batch`: many calls in one message, each judged and answered by itself, in order.

use super::calls::{self, Taken};
use super::waiting::{Answered, Waiting};
use super::{Known, Service, refusal_to_error};
use crate::turns::TURN;
use connectrpc::{RequestContext, Response, ServiceResult};
use std::collections::HashMap;
use std::future::poll_fn;
use std::time::Instant;
use vault_core::{Code, Refusal, Request};
use vault_proto::{BATCH_CALLS, v1};

/// Shares are long, and the answers are one message.
const SHARES: usize = 3;

pub(super) async fn batch(
    service: &Service,
    rpc: &RequestContext,
    message: v1::BatchRequest,
) -> ServiceResult<v1::BatchResponse> {
    let outcomes = perform(service, rpc, message.calls).await;
    Response::ok(v1::BatchResponse {
        outcomes: outcomes.map_err(|refusal| refusal_to_error(&refusal))?,
        ..Default::default()
    })
}

async fn perform(
    service: &Service,
    rpc: &RequestContext,
    calls: Vec<v1::OperateRequest>,
) -> Result<Vec<v1::OperateResponse>, Refusal> {
    let known = service.known(rpc)?;
    let order: Vec<u64> = calls.iter().map(|call| call.id).collect();
    if calls.len() > BATCH_CALLS {
        return Err(Refusal::new(Code::TooLarge));
    }
    let mut answers = HashMap::with_capacity(calls.len());
    let unique = order.iter().all(|id| answers.insert(*id, None).is_none());
    if !unique {
        return Err(Refusal::new(Code::InvalidArgument).because("two calls have one id"));
    }
    for (asked, outcome) in all(service, &known, calls).await {
        answers.insert(asked.id, Some(asked.answer(outcome)));
    }
    let answered = order.iter().map(|id| answers.remove(id).flatten());
    answered
        .collect::<Option<_>>()
        .ok_or_else(|| Refusal::new(Code::Internal))
}

/// Every call with its outcome, in any order.
async fn all(service: &Service, known: &Known, calls: Vec<v1::OperateRequest>) -> Vec<Answered> {
    let Known { caller, tenant } = known;
    let mut answered = Vec::with_capacity(calls.len());
    let mut waiting = Waiting::default();
    let mut shares = 0;
    let mut turn = None;
    for message in calls {
        if turn.is_none() {
            turn = tenant.turn().await.map(|turn| (turn, Instant::now()));
        }
        let Taken { asked, call } = calls::take(message);
        match call.and_then(|call| few_shares(call, &mut shares)) {
            Err(refusal) => {
                let refusal = service.0.malformed(caller, refusal);
                answered.push((asked, Err(refusal)));
            }
            Ok(call) => answered.extend(waiting.begin(&service.0, caller, asked, call)),
        }
        if turn
            .as_ref()
            .is_some_and(|(_, since)| since.elapsed() >= TURN)
        {
            turn = None;
            tokio::task::yield_now().await;
        }
    }
    drop(turn);
    while let Some(group) = poll_fn(|cx| waiting.poll(cx)).await {
        answered.extend(group);
    }
    answered
}

fn few_shares<C>(call: (Request, C), shares: &mut usize) -> Result<(Request, C), Refusal> {
    if matches!(call.0, Request::Reconstruct { .. }) {
        *shares += 1;
    }
    match *shares > SHARES {
        true => Err(Refusal::new(Code::TooLarge).because("at most three shares in a batch")),
        false => Ok(call),
    }
}
