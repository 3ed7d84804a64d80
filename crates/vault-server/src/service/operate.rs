//! `Operate`: many calls over one stream, answered in any order.
//!
//! Caller and token are those of the opening. Each call is judged by itself; its failure is its
//! outcome. The stream ends when its token does, when the connection is about to end, and at a
//! fault of the protocol: what was taken is answered first, what was not taken has no effect.

use super::calls::{self, Asked, Taken};
use super::error::explain;
use super::gather::{Gather, Idle};
use super::room::{ANSWER, Room, SHARE, busy};
use super::waiting::{Answered, Waiting};
use super::{Authenticated, Service, caller, refusal_to_error};
use crate::shared::Shared;
use connectrpc::{ConnectError, RequestContext, Response, ServiceResult};
use connectrpc::{ServiceStream, StreamMessage};
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;
use vault_core::{CallContext, Caller, Code, Refusal, Request};
use vault_policy::UnixSeconds;
use vault_proto::v1;

/// Whether the token still stands is looked up so often.
const CHECK: Duration = Duration::from_secs(5);
/// A payload that takes more than 0.2 ms to hash or encrypt.
const LONG: usize = 48 << 10;
/// What a connection tells the streams on it, put beside each request.
#[derive(Clone)]
pub(crate) struct Link {
    /// What this connection may take of it, in KiB.
    pub(crate) share: Arc<Semaphore>,
    /// Memory for requests, in KiB.
    pub(crate) memory: Arc<Semaphore>,
    /// Streams that may still be opened on this connection.
    pub(crate) slots: Arc<Semaphore>,
    /// True once the connection takes no more calls.
    pub(crate) closing: watch::Receiver<bool>,
}

type Calls = ServiceStream<StreamMessage<v1::OperateRequest>>;
type Slow = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// Opens a stream.
pub(super) fn operate(
    service: &Service,
    rpc: &RequestContext,
    calls: Calls,
) -> ServiceResult<ServiceStream<v1::OperateResponse>> {
    let opened = open(service, rpc, calls).map_err(|refusal| refusal_to_error(&refusal))?;
    Response::stream_ok(opened)
}

fn open(service: &Service, rpc: &RequestContext, calls: Calls) -> Result<Operating, Refusal> {
    let Authenticated(caller) = caller(rpc)?;
    service.0.open()?;
    let known = (*caller).as_ref().map_err(Clone::clone)?;
    let link = rpc
        .extensions()
        .get::<Link>()
        .ok_or_else(|| Refusal::new(Code::NotAttested))?;
    let room = Room::new(link)?;
    let end = end(
        service.0.clone(),
        token(rpc.headers()),
        known.expires_at(),
        link.closing.clone(),
    );
    Ok(Operating {
        shared: service.0.clone(),
        caller,
        calls: Some(calls),
        waiting: Waiting::default(),
        slow: FuturesUnordered::new(),
        answers: Gather::default(),
        room,
        leaving: None,
        end: Box::pin(end),
        ended: None,
    })
}

/// Ready with the reason when the stream must end.
async fn end(
    shared: Arc<Shared>,
    token: HeaderMap,
    expires_at: Option<UnixSeconds>,
    mut closing: watch::Receiver<bool>,
) -> Refusal {
    tokio::select! {
        refusal = refused(&shared, &token, expires_at) => refusal,
        _ = closing.wait_for(|closing| *closing) => {
            Refusal::new(Code::Unavailable).because("the connection ends")
        }
    }
}

/// Until the token would be refused: it has expired, or its issuer's key is gone.
async fn refused(shared: &Shared, token: &HeaderMap, expires_at: Option<UnixSeconds>) -> Refusal {
    let Some(expires_at) = expires_at else {
        return std::future::pending().await;
    };
    loop {
        let host = UnixSeconds(shared.platform.host_time().unwrap_or(0));
        let left = Duration::from_secs(expires_at.0.saturating_sub(host.0).max(1));
        sleep(left.min(CHECK)).await;
        if let Err(refusal) = shared.stands(token).await {
            return refusal;
        }
    }
}

/// What proved the token at the opening.
fn token(headers: &HeaderMap) -> HeaderMap {
    let mut token = HeaderMap::new();
    for name in [AUTHORIZATION, HeaderName::from_static("dpop")] {
        for value in headers.get_all(&name) {
            token.append(name.clone(), value.clone());
        }
    }
    token
}

/// One open stream.
struct Operating {
    shared: Arc<Shared>,
    caller: Arc<Result<Caller, Refusal>>,
    /// `None` when no more are taken.
    calls: Option<Calls>,
    waiting: Waiting,
    slow: FuturesUnordered<Slow>,
    answers: Gather<v1::OperateResponse>,
    room: Room,
    /// What was handed out last. It is written when the next is asked for.
    leaving: Option<u64>,
    end: Pin<Box<dyn Future<Output = Refusal> + Send>>,
    /// With what the stream ends; `None` is a good end.
    ended: Option<ConnectError>,
}

impl Stream for Operating {
    type Item = Result<v1::OperateResponse, ConnectError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(written) = this.leaving.take() {
            this.room.leave(written);
        }
        loop {
            match this.answers.next() {
                Some(Some(answer)) => {
                    this.leaving = Some(answer.id);
                    return Poll::Ready(Some(Ok(answer)));
                }
                // The library writes what it was given when nothing more is ready.
                Some(None) => return again(cx),
                None => {}
            }
            this.collect(cx);
            if this.read(cx).is_ready() {
                this.answers.busy(Instant::now);
                continue;
            }
            match this.answers.idle() {
                Idle::Release => {}
                Idle::Again if this.calls.is_some() => return again(cx),
                Idle::Again => this.answers.release(),
                Idle::Empty if this.is_over() => return Poll::Ready(this.ended.take().map(Err)),
                Idle::Empty => return Poll::Pending,
            }
        }
    }
}

fn again<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl Operating {
    fn is_over(&self) -> bool {
        self.calls.is_none() && self.waiting.is_empty() && self.slow.is_empty()
    }

    /// Takes no more calls.
    fn end_with(&mut self, error: Option<ConnectError>) {
        self.calls = None;
        self.ended = error;
    }

    /// Holds the answers that are there. Those of a whole group leave at once: nothing else comes
    /// before the next group.
    fn collect(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(group)) = self.waiting.poll(cx) {
            for (asked, outcome) in group {
                self.answers.hold(asked.answer(outcome), Instant::now);
            }
            self.answers.release();
        }
        while let Poll::Ready(Some((asked, outcome))) = self.slow.poll_next_unpin(cx) {
            self.answers.hold(asked.answer(outcome), Instant::now);
        }
    }

    /// Takes one call, if there is one and room for it.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(calls) = &mut self.calls else {
            return Poll::Pending;
        };
        if let Poll::Ready(refusal) = self.end.poll_unpin(cx) {
            self.end_with(Some(refusal_to_error(&refusal)));
            return Poll::Ready(());
        }
        if !self.room.is_there() {
            return Poll::Pending;
        }
        match calls.poll_next_unpin(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(message))) => self.take(&message),
            Poll::Ready(Some(Err(error))) => self.end_with(Some(explain(error))),
            Poll::Ready(None) => self.end_with(None),
        }
        Poll::Ready(())
    }

    fn take(&mut self, message: &StreamMessage<v1::OperateRequest>) {
        let length = message.bytes().len();
        let Taken { asked, call } = calls::take(message.to_owned_message());
        let share = matches!(call, Ok((Request::Reconstruct { .. }, _)));
        let size = ANSWER + if share { SHARE } else { length };
        // The room for every other call was there before it was read.
        let covered = !share || self.room.cover(size);
        let size = if covered { size } else { ANSWER };
        if !self.room.enter(asked.id, size) {
            let refusal = Refusal::new(Code::InvalidArgument)
                .because("the id is that of a call without an answer");
            return self.end_with(Some(refusal_to_error(&refusal)));
        }
        match call {
            Err(refusal) => self.answer((asked, Err(refusal))),
            Ok(_) if !covered => self.answer((asked, Err(busy()))),
            Ok(call) if share || length > LONG => self.spawn(asked, call),
            Ok(call) => self.perform(asked, call),
        }
    }

    fn perform(&mut self, asked: Asked, call: (Request, CallContext)) {
        // INVARIANT: `open` has refused a caller that is not known.
        let Ok(caller) = &*self.caller else { return };
        let begun = self.waiting.begin(&self.shared, caller, asked, call);
        if let Some(answered) = begun {
            self.answer(answered);
        }
    }

    /// What takes long leaves the order of the stream and comes back by its id.
    fn spawn(&mut self, asked: Asked, (request, context): (Request, CallContext)) {
        let (shared, caller) = (self.shared.clone(), self.caller.clone());
        self.slow.push(Box::pin(async move {
            (asked, shared.perform_aside(caller, request, context).await)
        }));
    }

    fn answer(&mut self, (asked, outcome): Answered) {
        self.answers.hold(asked.answer(outcome), Instant::now);
    }
}
