//! `Operate`: many calls over one stream, answered in any order.
//!
//! Caller and token are those of the opening. Each call is judged by itself; its failure is its
//! outcome. The stream ends when its token does, when the connection is about to end, and at a
//! fault of the protocol: what was taken is answered first, what was not taken has no effect.

use super::calls::{self, Asked, Taken};
use super::error::explain;
use super::gather::{Gather, Idle};
use super::waiting::{Answered, Waiting};
use super::{Authenticated, Service, caller, refusal_to_error};
use crate::clock::reading;
use crate::shared::Shared;
use connectrpc::{ConnectError, RequestContext, Response, ServiceResult};
use connectrpc::{ServiceStream, StreamMessage};
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;
use vault_core::{CallContext, Caller, Code, Refusal, Request};
use vault_policy::UnixSeconds;
use vault_proto::{OPERATE_CALLS, v1};

/// Memory that a stream has for itself, and takes more by, in KiB.
const PIECE: u32 = 64;
/// What an answer takes beside what was sent: receipt, leaf, proof.
const ANSWER: usize = 2048;
/// A payload that takes more than 0.2 ms to hash or encrypt.
const LONG: usize = 48 << 10;
/// The longest share.
const SHARE: usize = 1 << 20;

/// What a connection tells the streams on it, put beside each request.
#[derive(Clone)]
pub(crate) struct Link {
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
    let end = end(service.0.clone(), known.expires_at(), link.closing.clone());
    Ok(Operating {
        shared: service.0.clone(),
        caller,
        calls: Some(calls),
        waiting: Waiting::default(),
        slow: FuturesUnordered::new(),
        answers: Gather::default(),
        room,
        end: Box::pin(end),
        ended: None,
    })
}

/// Ready with the reason when the stream must end.
async fn end(
    shared: Arc<Shared>,
    expires_at: Option<UnixSeconds>,
    mut closing: watch::Receiver<bool>,
) -> Refusal {
    tokio::select! {
        () = expiry(&shared, expires_at) => Refusal::new(Code::TokenExpired),
        _ = closing.wait_for(|closing| *closing) => {
            Refusal::new(Code::Unavailable).because("the connection ends")
        }
    }
}

/// Until the token has expired by vault time.
async fn expiry(shared: &Shared, expires_at: Option<UnixSeconds>) {
    let Some(expires_at) = expires_at else {
        return std::future::pending().await;
    };
    loop {
        let host = UnixSeconds(shared.platform.host_time().unwrap_or(0));
        sleep(Duration::from_secs(
            expires_at.0.saturating_sub(host.0).max(1),
        ))
        .await;
        let now = shared
            .open()
            .map(|open| open.read().establish(reading(&*shared.platform)));
        if now.is_ok_and(|now| now.is_before(expires_at) != Some(true)) {
            return;
        }
    }
}

/// What calls without an answer take.
struct Room {
    memory: Arc<Semaphore>,
    held: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
    used: usize,
    calls: HashMap<u64, usize>,
}

impl Room {
    fn new(link: &Link) -> Result<Self, Refusal> {
        let busy = |_| {
            let mut refusal = Refusal::new(Code::RateLimited);
            refusal.retry_after = Some(1);
            refusal
        };
        Ok(Self {
            _slot: link.slots.clone().try_acquire_owned().map_err(busy)?,
            held: link
                .memory
                .clone()
                .try_acquire_many_owned(PIECE)
                .map_err(busy)?,
            memory: link.memory.clone(),
            used: 0,
            calls: HashMap::new(),
        })
    }

    /// Whether one more call may be taken: there is always room for one.
    fn is_there(&mut self) -> bool {
        if self.calls.is_empty() {
            return true;
        }
        if self.calls.len() >= OPERATE_CALLS {
            return false;
        }
        if self.used < self.held.num_permits() * 1024 {
            return true;
        }
        match self.memory.clone().try_acquire_many_owned(PIECE) {
            Ok(more) => {
                self.held.merge(more);
                true
            }
            Err(_) => false,
        }
    }

    /// False if a call of that name has no answer yet.
    fn enter(&mut self, id: u64, size: usize) -> bool {
        if self.calls.contains_key(&id) {
            return false;
        }
        self.calls.insert(id, size);
        self.used += size;
        true
    }

    fn leave(&mut self, id: u64) {
        self.used -= self.calls.remove(&id).unwrap_or(0);
        if self.calls.is_empty() {
            let more = self.held.num_permits().saturating_sub(PIECE as usize);
            drop(self.held.split(more));
        }
    }
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
    end: Pin<Box<dyn Future<Output = Refusal> + Send>>,
    /// With what the stream ends; `None` is a good end.
    ended: Option<ConnectError>,
}

impl Stream for Operating {
    type Item = Result<v1::OperateResponse, ConnectError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match this.answers.next() {
                Some(Some(answer)) => {
                    this.room.leave(answer.id);
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
        if !self.room.enter(asked.id, size) {
            let refusal = Refusal::new(Code::InvalidArgument)
                .because("the id is that of a call without an answer");
            return self.end_with(Some(refusal_to_error(&refusal)));
        }
        match call {
            Err(refusal) => self.answer((asked, Err(refusal))),
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
