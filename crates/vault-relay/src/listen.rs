//! The accept loop: bounds, then HTTP/1.1 or HTTP/2 in the clear. Who wants TLS puts a proxy
//! before it; on loopback, browsers take it for secure.

use crate::answer::Desk;
use crate::source::Peer;
use http::Request;
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

/// Longest time for the headers of a request.
const HEADERS: Duration = Duration::from_secs(10);
/// How long connections may take to finish what is in flight.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the system gives no more sockets.
const NO_SOCKETS: Duration = Duration::from_millis(100);

/// Accepts until `stop` changes, then lets connections finish.
pub(crate) async fn serve(
    listener: TcpListener,
    desk: Arc<Desk>,
    longest: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((tcp, from)) => {
                    let peer = Peer::of(from.ip(), desk.proxy);
                    if let Some(turn) = desk.pace.connection(peer) {
                        let served = connection(tcp, peer, desk.clone(), stop.clone());
                        connections.spawn(async move {
                            let _turn = turn;
                            timeout(longest, served).await
                        });
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

async fn connection(tcp: TcpStream, peer: Peer, desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let answer = service_fn(move |request: Request<Incoming>| {
        let desk = desk.clone();
        let source = peer.source(request.headers());
        async move { Ok::<_, Infallible>(desk.answer(source, request).await) }
    });
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
        .max_concurrent_streams(16)
        .max_header_list_size(16 << 10);
    builder
}
