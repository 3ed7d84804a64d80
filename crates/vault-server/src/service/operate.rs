//! `Operate`: many calls over one stream, answered in any order.
//!
//! Caller and token are those of the opening. Each call is judged by itself; its failure is its
//! outcome. The stream ends when its token does, when the connection is about to end, and at a
//! fault of the protocol: what was taken is answered first, what was not taken has no effect.

use super::calls::{self, Asked, Taken};
use super::error::explain;
use super::gather::{Gather, Idle};
use super::room::{ANSWER, Room, SHARE, busy};
use super::turns::{Turns, Whose};
use super::waiting::{Answered, Waiting};
use super::{Known, Service, refusal_to_error};
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
use vault_core::{CallContext, Code, Refusal, Request};
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
    let known = service.known(rpc)?;
    let link = rpc
        .extensions()
        .get::<Link>()
        .ok_or_else(|| Refusal::new(Code::NotAttested))?;
    let room = Room::new(link, &known.tenant)?;
    let end = end(
        service.0.clone(),
        token(rpc.headers()),
        known.caller.expires_at(),
        link.closing.clone(),
    );
    Ok(Operating {
        shared: service.0.clone(),
        turns: Turns::new(known.tenant.clone()),
        known,
        calls: Some(calls),
        next: None,
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
    known: Known,
    /// `None` when no more are taken.
    calls: Option<Calls>,
    /// Read, and not taken before its turn.
    next: Option<StreamMessage<v1::OperateRequest>>,
    turns: Turns,
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
                    // Nobody knows when the client reads it.
                    this.turns.leave();
                    return Poll::Ready(Some(Ok(answer)));
                }
                // The library writes what it was given when nothing more is ready.
                Some(None) => return again(cx),
                None => {}
            }
            this.collect(cx);
            match this.read(cx) {
                Read::Something => {
                    this.answers.busy(Instant::now);
                    continue;
                }
                Read::Nothing => {}
                Read::Enough => return again(cx),
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

/// What came of trying to take a call.
enum Read {
    Something,
    Nothing,
    /// Others get their turn first.
    Enough,
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
        self.next = None;
        self.turns.leave();
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

    /// Takes one call, if there is one, room for it, and a turn.
    fn read(&mut self, cx: &mut Context<'_>) -> Read {
        let Some(calls) = &mut self.calls else {
            return Read::Nothing;
        };
        if let Poll::Ready(refusal) = self.end.poll_unpin(cx) {
            self.end_with(Some(refusal_to_error(&refusal)));
            return Read::Something;
        }
        if self.next.is_none() {
            let polled = match self.room.is_there() {
                true => calls.poll_next_unpin(cx),
                false => Poll::Pending,
            };
            match polled {
                Poll::Pending => {
                    self.turns.leave();
                    return Read::Nothing;
                }
                Poll::Ready(Some(Ok(message))) => self.next = Some(message),
                Poll::Ready(Some(Err(error))) => self.end_with(Some(explain(error))),
                Poll::Ready(None) => self.end_with(None),
            }
        }
        match self.turns.poll(cx) {
            _ if self.next.is_none() => Read::Something,
            Whose::Theirs => Read::Nothing,
            Whose::Over => Read::Enough,
            Whose::Ours => {
                if let Some(message) = self.next.take() {
                    self.take(&message);
                }
                Read::Something
            }
        }
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
            Err(refusal) => self.refuse(asked, refusal),
            Ok(_) if !covered => self.answer((asked, Err(busy()))),
            Ok(call) if share || length > LONG => self.spawn(asked, call),
            Ok(call) => self.perform(asked, call),
        }
    }

    fn refuse(&mut self, asked: Asked, refusal: Refusal) {
        let refusal = self.shared.malformed(&self.known.caller, refusal);
        self.answer((asked, Err(refusal)));
    }

    fn perform(&mut self, asked: Asked, call: (Request, CallContext)) {
        let caller = &self.known.caller;
        let begun = self.waiting.begin(&self.shared, caller, asked, call);
        if let Some(answered) = begun {
            self.answer(answered);
        }
    }

    /// What takes long leaves the order of the stream and comes back by its id.
    fn spawn(&mut self, asked: Asked, (request, context): (Request, CallContext)) {
        let (shared, known) = (self.shared.clone(), self.known.clone());
        self.slow.push(Box::pin(async move {
            (asked, shared.perform_aside(known, request, context).await)
        }));
    }

    fn answer(&mut self, (asked, outcome): Answered) {
        self.answers.hold(asked.answer(outcome), Instant::now);
    }
}
