//! The accept loop: bounds, TLS with the preamble, then HTTP/2 inside the attested channel. A
//! connection without the preamble gets health and nothing else.

mod attested;
mod crowd;
mod fair;
mod plain;
mod written;

use crate::clock::fill;
use crate::config::LimitsConfig;
use crate::sender::Peer;
use crate::service::{Services, services};
use crate::shared::Shared;
use crate::tenants::Tenants;
use crate::turns::Turns;
use attested::Session;
use crowd::{Crowd, Ticket};
use ratls::tls::{Accepted, ServerEndpoint};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use vault_core::authn::dpop::NonceKey;

/// How long connections may take to finish what is in flight.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the system gives no more sockets.
const NO_SOCKETS: Duration = Duration::from_millis(100);

/// One part in so many of the memory for requests is for strangers.
const STRANGERS: usize = 8;

/// What connections share.
pub(crate) struct Door {
    shared: Arc<Shared>,
    services: Arc<Services>,
    endpoint: ServerEndpoint,
    nonces: NonceKey,
    limits: LimitsConfig,
    connections: usize,
    crowd: Arc<Crowd>,
    /// Memory for requests, in KiB.
    memory: Arc<Semaphore>,
    /// The part of it that requests of nobody in particular may take.
    strangers_memory: Arc<Semaphore>,
    /// And the turns at the processors that their connections share.
    strangers_turns: Turns,
    /// Those who are known, each with a share of the rest.
    tenants: Arc<Tenants>,
}

impl Door {
    pub(crate) fn new(
        shared: Arc<Shared>,
        endpoint: ServerEndpoint,
        limits: LimitsConfig,
    ) -> Arc<Self> {
        let memory = limits.memory_mib as usize * 1024;
        let of_strangers = memory / STRANGERS;
        let mut secret = [0; 32];
        fill(&mut secret);
        let connections = crate::descriptors::connections(limits.connections);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let known = memory - of_strangers;
        let tenants = Tenants::new(known, attested::LEAST_SHARE, processors);
        Arc::new(Self {
            services: Arc::new(services(shared.clone())),
            connections,
            crowd: Crowd::new(connections, limits.handshakes),
            memory: Arc::new(Semaphore::new(known)),
            strangers_turns: tenants.turns(),
            tenants,
            strangers_memory: Arc::new(Semaphore::new(of_strangers)),
            shared,
            endpoint,
            nonces: NonceKey::new(&secret),
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
                Ok((tcp, from)) if connections.len() < door.connections => {
                    match door.crowd.enter(from.ip()) {
                        Some(ticket) => {
                            let served = connection(tcp, ticket, door.clone(), stop.clone());
                            connections.spawn(served);
                        }
                        None => tracing::debug!("too many connections of one address"),
                    }
                }
                Ok(_) => tracing::debug!("too many connections"),
                Err(error) => {
                    tracing::warn!(kind = %error.kind(), "no connection could be accepted");
                    sleep(NO_SOCKETS).await;
                }
            },
        }
    }
    drop(listener);
    door.shared.governor.closed();
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("connections were cut at the end");
    }
}

async fn connection(tcp: TcpStream, ticket: Ticket, door: Arc<Door>, stop: watch::Receiver<bool>) {
    let wait = Duration::from_secs(door.limits.handshake_seconds);
    let Ok(Some(turn)) = timeout(wait, ticket.handshake()).await else {
        tracing::debug!("too many handshakes");
        return;
    };
    let accepted = door.endpoint.accept_tcp(tcp).await;
    drop(turn);
    match accepted {
        Ok(Accepted::Attested(attested)) => {
            if let (Some(evidence), Ok(open)) = (&attested.facts.caller, &door.shared.state) {
                open.observe(evidence);
            }
            let peer = Peer::new(attested.facts, &door.nonces);
            let session = Session::new(door.clone(), peer);
            attested::serve(attested.stream, session, &door.limits, stop).await;
        }
        Ok(Accepted::Plain { stream, .. }) => plain::serve(stream, door, stop).await,
        Err(error) => tracing::debug!(%error, "a connection was refused"),
    }
}
