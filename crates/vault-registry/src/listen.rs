//! The accept loop: bounds, then HTTP/1.1 or HTTP/2, in the clear. Nothing that is said here is
//! secret, and nothing is believed.

use crate::config::LimitsConfig;
use crate::pace::{Pace, Turn};
use crate::refused::{Explain, Refused};
use crate::service::Service;
use crate::source::Source;
use connectrpc::{ConnectError, ConnectRpcBody, ConnectRpcService, Limits};
use http::{Request, Response};
use hyper::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use vault_proto::v1::RegistryServiceServer;

/// Longest request: an endpoint and an id.
const REQUEST: usize = 4 << 10;
/// Longest time for the headers of a request.
const HEADERS: Duration = Duration::from_secs(10);
/// How long connections may take to finish what is in flight.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the system gives no more sockets.
const NO_SOCKETS: Duration = Duration::from_millis(100);

type Rpc = ConnectRpcService<RegistryServiceServer<Service>>;

/// What connections share.
pub(crate) struct Door {
    rpc: Rpc,
    pace: Arc<Pace>,
    longest: Duration,
}

impl Door {
    pub(crate) fn new(service: Service, pace: Arc<Pace>, limits: &LimitsConfig) -> Self {
        let bounds = Limits::default()
            .with_max_request_body_size(REQUEST)
            .with_max_message_size(REQUEST)
            .with_element_memory_limit(REQUEST);
        Self {
            rpc: ConnectRpcService::new(RegistryServiceServer::new(service))
                .with_limits(bounds)
                .with_interceptor(Explain),
            pace,
            longest: Duration::from_secs(limits.connection_seconds),
        }
    }
}

/// Accepts until `stop` changes, then lets connections finish.
pub(crate) async fn serve(listener: TcpListener, door: Door, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((tcp, from)) => {
                    let source = Source::of(from.ip());
                    if let Some(turn) = door.pace.connection(source) {
                        let rpc = door.rpc.clone();
                        let served = connection(tcp, source, turn, rpc, stop.clone());
                        let longest = door.longest;
                        connections.spawn(async move { timeout(longest, served).await });
                    }
                }
                Err(error) => {
                    tracing::warn!(kind = %error.kind(), "no connection could be accepted");
                    sleep(NO_SOCKETS).await;
                }
            },
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("connections were cut at the end");
    }
}

async fn connection(
    tcp: TcpStream,
    source: Source,
    _turn: Turn,
    rpc: Rpc,
    mut stop: watch::Receiver<bool>,
) {
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let answer = service_fn(move |request| answer(rpc.clone(), source, request));
    let builder = builder();
    let connection = builder.serve_connection(TokioIo::new(tcp), answer);
    tokio::pin!(connection);
    tokio::select! {
        // A client that breaks off is its own affair.
        _ = &mut connection => return,
        _ = stop.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    mut rpc: Rpc,
    source: Source,
    mut request: Request<Incoming>,
) -> Result<Response<ConnectRpcBody>, Infallible> {
    // The library's own refusal of a long body carries no typed detail.
    if request.body().size_hint().lower() > REQUEST as u64 {
        let refused = ConnectError::from(Refused::TooLarge);
        return Ok(refused.into_http_response(request.headers()));
    }
    request.extensions_mut().insert(source);
    tower::Service::call(&mut rpc, request).await
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(16 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(8)
        .max_header_list_size(16 << 10);
    builder
}
