//! The accept loop: bounds, TLS with the preamble, then HTTP/2 inside the attested channel. A
//! connection without the preamble gets health and nothing else.

mod attested;
mod plain;

use crate::config::LimitsConfig;
use crate::service::{Services, services};
use crate::shared::Shared;
use attested::Session;
use ratls::tls::{Accepted, ServerEndpoint};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long connections may take to finish what is in flight.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the system gives no more sockets.
const NO_SOCKETS: Duration = Duration::from_millis(100);

/// What connections share.
pub(crate) struct Door {
    shared: Arc<Shared>,
    services: Arc<Services>,
    endpoint: ServerEndpoint,
    limits: LimitsConfig,
    handshakes: Semaphore,
    /// Memory for requests, in KiB.
    memory: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(
        shared: Arc<Shared>,
        endpoint: ServerEndpoint,
        limits: LimitsConfig,
    ) -> Arc<Self> {
        let memory = Semaphore::new(limits.memory_mib as usize * 1024);
        Arc::new(Self {
            services: Arc::new(services(shared.clone())),
            handshakes: Semaphore::new(limits.handshakes),
            memory: Arc::new(memory),
            shared,
            endpoint,
            limits,
        })
    }
}

/// Accepts until `stop` changes, then lets connections finish.
pub(crate) async fn serve(listener: TcpListener, door: Arc<Door>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) if connections.len() < door.limits.connections => {
                    connections.spawn(connection(tcp, door.clone(), stop.clone()));
                }
                Ok(_) => tracing::warn!("too many connections; one was closed"),
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

async fn connection(tcp: TcpStream, door: Arc<Door>, stop: watch::Receiver<bool>) {
    let permit = door.handshakes.acquire().await;
    let accepted = door.endpoint.accept_tcp(tcp).await;
    drop(permit);
    match accepted {
        Ok(Accepted::Attested(attested)) => {
            let session = Session::new(door.clone(), attested.facts);
            attested::serve(attested.stream, session, &door.limits, stop).await;
        }
        Ok(Accepted::Plain { stream, .. }) => plain::serve(stream, door, stop).await,
        Err(error) => tracing::debug!(%error, "a connection was refused"),
    }
}
