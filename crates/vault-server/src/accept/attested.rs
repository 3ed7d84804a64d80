//! HTTP/2 behind the preamble.

use super::fair::{Fair, Owner};
use super::written::{Flow, Memory, Written};
use super::{DRAIN, Door};
use crate::config::LimitsConfig;
use crate::sender::Peer;
use crate::service::{Authenticated, Explain, Known, Link, Services, refusal_to_error};
use connectrpc::{ConnectRpcBody, ConnectRpcService, Dispatcher};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use ratls::tls::ServerStream;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use vault_core::{Code, HEADS_PER_CALL, NOTE_BYTES, Refusal};
use vault_proto::{AFTER_AUTHENTICATION, BATCH, BEFORE_AUTHENTICATION, POLICY};
use vault_proto::{batch_limits, operate_limits, request_limits};

const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
const HEADER_LIST: u32 = 32 << 10;
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// `Operate` streams of one connection: one, and one more while a new token takes over.
const OPERATE_STREAMS: usize = 2;

/// One connection has one part in so many of the memory for answers that are longer than their
/// requests, and for calls of streams,
const SHARES: usize = 16;
/// and at least so many KiB: a batch.
pub(super) const LEAST_SHARE: usize = 5 << 10;

/// What stands beside a policy in an answer.
const RECEIPT: usize = 4 << 10;
/// Four notes of each vault that was asked about.
const HEADS: usize = HEADS_PER_CALL * 4 * (NOTE_BYTES + 256);

/// What a request may take, by its method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its answer may be longer than its request: by so many bytes, or 0.
    Single(usize),
    Batch,
    Operate,
}

impl Kind {
    fn of(path: &str) -> Self {
        match path {
            "/enclavevaults.v1.CryptoService/Batch" => Self::Batch,
            "/enclavevaults.v1.CryptoService/Reconstruct"
            | "/enclavevaults.v1.KeyService/ListKeys"
            // Page by page.
            | "/enclavevaults.v1.AuditService/ReadLog" => Self::Single(AFTER_AUTHENTICATION),
            "/enclavevaults.v1.PolicyService/GetPolicy" => Self::Single(POLICY + RECEIPT),
            // At most sixteen profiles, each shorter than a policy.
            "/enclavevaults.v1.ProfileService/ListPendingProfiles" => {
                Self::Single(AFTER_AUTHENTICATION)
            }
            "/enclavevaults.v1.AuditService/ExchangeHeads" => Self::Single(HEADS),
            "/enclavevaults.v1.CryptoService/Operate" => Self::Operate,
            _ => Self::Single(0),
        }
    }

    /// Bytes of an answer that may be longer than its request.
    fn answer(self) -> usize {
        match self {
            Self::Single(answer) => answer,
            Self::Operate => 0,
            Self::Batch => BATCH,
        }
    }

    /// Bytes of a request that is admitted as a whole. A stream takes memory by itself.
    fn longest(self, known: bool) -> usize {
        match (self, known) {
            (Self::Single(_), true) => AFTER_AUTHENTICATION,
            (Self::Batch, true) => BATCH,
            (Self::Operate, true) => 0,
            (_, false) => BEFORE_AUTHENTICATION,
        }
    }
}

/// One attested connection: what the preamble proved stands beside each of its requests.
pub(super) struct Session {
    door: Arc<Door>,
    peer: Arc<Peer>,
    stranger: ConnectRpcService<Services>,
    known: ConnectRpcService<Services>,
    batch: ConnectRpcService<Services>,
    operate: ConnectRpcService<Services>,
    link: Link,
    flow: Arc<Flow>,
    owner: Arc<Owner>,
    closing: watch::Sender<bool>,
}

impl Session {
    pub(super) fn new(door: Arc<Door>, peer: Peer) -> Self {
        let service = |limits| {
            ConnectRpcService::from_arc(door.services.clone())
                .with_limits(limits)
                .with_interceptor(Explain)
        };
        let closing = watch::Sender::new(false);
        let share = (door.limits.memory_mib as usize * 1024 / SHARES).max(LEAST_SHARE);
        Self {
            stranger: service(request_limits(false)),
            known: service(request_limits(true)),
            batch: service(batch_limits()),
            operate: service(operate_limits()),
            flow: Arc::default(),
            owner: Arc::new(Owner::new(door.strangers_turns.clone())),
            link: Link {
                share: Arc::new(Semaphore::new(share)),
                memory: door.memory.clone(),
                slots: Arc::new(Semaphore::new(OPERATE_STREAMS)),
                closing: closing.subscribe(),
            },
            closing,
            peer: Arc::new(peer),
            door,
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Written> {
        let (answer, held) = self.perform(request).await;
        answer.map(|body| Written::new(body, self.flow.clone(), held))
    }

    /// The answer, and what it holds until it is written.
    async fn perform(
        &self,
        mut request: Request<Incoming>,
    ) -> (Response<ConnectRpcBody>, Option<Memory>) {
        let path = request.uri().path();
        let kind = Kind::of(path);
        let method = self.door.services.lookup(path.trim_start_matches('/'));
        if method.is_none() {
            let refusal = Refusal::new(Code::InvalidArgument).because("no such method");
            return (refuse(&refusal, request.headers()), None);
        }
        let caller = self.door.shared.authenticate(&request, &self.peer).await;
        let caller = caller.map(|caller| Known {
            tenant: self.door.tenants.enter(caller.principal()),
            caller: Arc::new(caller),
        });
        if let Ok(known) = &caller {
            self.owner.is(&known.tenant);
        }
        let admitted = self.admit(kind, request.headers(), &caller).await;
        // An answer that is longer than its request holds its memory until it is written.
        let (_memory, held) = match admitted {
            Ok(memory) if kind.answer() > 0 => (None, Some(memory)),
            Ok(memory) => (Some(memory), None),
            Err(refusal) => return (refuse(&refusal, request.headers()), None),
        };
        let service = match (&caller, kind) {
            (Err(_), _) => &self.stranger,
            (Ok(_), Kind::Single(_)) => &self.known,
            (Ok(_), Kind::Batch) => &self.batch,
            (Ok(_), Kind::Operate) => &self.operate,
        };
        let mut service = service.clone();
        let headers = request.headers().clone();
        let extensions = request.extensions_mut();
        if caller.is_err() {
            extensions.insert(self.owner.turns());
        }
        extensions.insert(Authenticated(caller));
        if kind == Kind::Operate {
            extensions.insert(self.link.clone());
        }
        let limit = Duration::from_secs(self.door.limits.request_seconds);
        let answer = tower::Service::call(&mut service, request);
        match timeout(limit, answer).await {
            Ok(Ok(response)) => (response, held),
            Ok(Err(never)) => match never {},
            Err(_) => {
                let refusal = Refusal::new(Code::Unavailable).because("the request took too long");
                (refuse(&refusal, &headers), None)
            }
        }
    }

    /// Memory for the request, and for an answer that is longer: strangers get it at once or not at
    /// all, callers wait. Refuses a request that says to be too long.
    async fn admit(
        &self,
        kind: Kind,
        headers: &HeaderMap,
        caller: &Result<Known, Refusal>,
    ) -> Result<Memory, Refusal> {
        let limit = kind.longest(caller.is_ok());
        let length = content_length(headers).unwrap_or(limit);
        if length > limit {
            return Err(Refusal::new(Code::TooLarge));
        }
        let kib = u32::try_from(length / 1024 + 1).unwrap_or(u32::MAX);
        let Ok(known) = caller else {
            let memory = self.door.strangers_memory.clone();
            let permit = memory.try_acquire_many_owned(kib).map_err(|_| busy())?;
            return Ok(Memory::of_nobody(permit));
        };
        let wait = Duration::from_secs(self.door.limits.request_seconds);
        let kib = kib.max(u32::try_from(kind.answer() / 1024).unwrap_or(u32::MAX));
        let held = timeout(wait, self.memory(kind, kib, known)).await;
        held.ok().flatten().ok_or_else(busy)
    }

    /// First of the connection, then of the tenant, then of all: who waits for more of their own share
    /// holds nothing that others wait for.
    async fn memory(&self, kind: Kind, kib: u32, known: &Known) -> Option<Memory> {
        let connection = match kind.answer() {
            0 => None,
            _ => Some(self.link.share.clone().acquire_many_owned(kib).await.ok()?),
        };
        let tenant = known.tenant.share(kib).await?;
        let all = self.door.memory.clone().acquire_many_owned(kib);
        Some(Memory::of_tenant(connection, tenant, all.await.ok()?))
    }
}

/// Nothing of the request was looked at: it may be sent again.
fn busy() -> Refusal {
    let mut refusal = Refusal::new(Code::RateLimited);
    refusal.retry_after = Some(1);
    refusal
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn refuse(refusal: &Refusal, headers: &HeaderMap) -> Response<ConnectRpcBody> {
    refusal_to_error(refusal).into_http_response(headers)
}

/// The connection's answers.
struct Answers(Arc<Session>);

impl hyper::service::Service<Request<Incoming>> for Answers {
    type Response = Response<Written>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let session = self.0.clone();
        Box::pin(async move {
            let peer = session.peer.clone();
            let mut answer = session.answer(request).await;
            peer.tell_nonce(answer.headers_mut());
            Ok(answer)
        })
    }
}

/// Serves until the client leaves, the connection is too old, or the vault stops.
pub(super) async fn serve(
    stream: ServerStream<TcpStream>,
    session: Session,
    limits: &LimitsConfig,
    mut stop: watch::Receiver<bool>,
) {
    let session = Arc::new(session);
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_LIST)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .serve_connection(TokioIo::new(stream), Answers(session.clone()));
    let mut connection = Fair::new(connection, session.owner.clone());
    tokio::select! {
        ended = &mut connection => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke off");
            }
            return;
        }
        () = session.flow.stalled(Duration::from_secs(limits.request_seconds)) => {
            tracing::debug!("a client does not read");
            return;
        }
        () = sleep(Duration::from_secs(limits.connection_seconds)) => {}
        _ = stop.changed() => {}
    }
    session.closing.send_replace(true);
    connection.connection().graceful_shutdown();
    // Whatever is not answered by then is cut.
    let _ = timeout(DRAIN, connection).await;
}
