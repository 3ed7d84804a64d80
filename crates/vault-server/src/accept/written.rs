//! Answers on their way out: what they hold until they are written, and whether the client reads.

use crate::tenants::Share;
use bytes::Bytes;
use connectrpc::ConnectRpcBody;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

/// HTTP/2 is handed no more at once: it keeps what it has until the client's window is open.
const PIECE: usize = 32 << 10;

/// What the answers of one connection tell of its client.
#[derive(Default)]
pub(super) struct Flow {
    /// Answers that wait for the client's window.
    waiting: AtomicUsize,
    /// Rises whenever one goes on.
    moved: AtomicU64,
}

impl Flow {
    /// Ready when the client has read nothing for `longest` of what waits for it.
    pub(super) async fn stalled(&self, longest: Duration) {
        loop {
            let (waiting, moved) = self.now();
            sleep(longest).await;
            if waiting && self.now() == (true, moved) {
                return;
            }
        }
    }

    fn now(&self) -> (bool, u64) {
        let waiting = self.waiting.load(Ordering::Relaxed) > 0;
        (waiting, self.moved.load(Ordering::Relaxed))
    }
}

/// Memory for a request and its answer, of whoever has to give some of theirs.
pub(super) struct Memory {
    _connection: Option<OwnedSemaphorePermit>,
    _tenant: Option<Share>,
    _all: OwnedSemaphorePermit,
}

impl Memory {
    pub(super) fn of_nobody(all: OwnedSemaphorePermit) -> Self {
        Self {
            _connection: None,
            _tenant: None,
            _all: all,
        }
    }

    pub(super) fn of_tenant(
        connection: Option<OwnedSemaphorePermit>,
        tenant: Share,
        all: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            _connection: connection,
            _tenant: Some(tenant),
            _all: all,
        }
    }
}

/// The body of an answer. It is asked for the next piece when the client has room for it.
pub(super) struct Written {
    body: ConnectRpcBody,
    rest: Bytes,
    flow: Arc<Flow>,
    waits: bool,
    _held: Option<Memory>,
}

impl Written {
    pub(super) fn new(body: ConnectRpcBody, flow: Arc<Flow>, held: Option<Memory>) -> Self {
        flow.waiting.fetch_add(1, Ordering::Relaxed);
        Self {
            body,
            rest: Bytes::new(),
            flow,
            waits: true,
            _held: held,
        }
    }

    fn waits(&mut self, waits: bool) {
        match (self.waits, waits) {
            (false, true) => self.flow.waiting.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.flow.waiting.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
        self.waits = waits;
        self.flow.moved.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.waits(false);
    }
}

impl Body for Written {
    type Data = Bytes;
    type Error = <ConnectRpcBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.waits(false);
        if self.rest.is_empty() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        self.waits(true);
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.rest.is_empty() {
            true => self.body.size_hint(),
            false => SizeHint::default(),
        }
    }
}
