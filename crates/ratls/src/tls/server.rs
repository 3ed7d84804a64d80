//! The accepting end: TLS, the preamble, and the leaf that both show.

use super::batcher::{QuoteBatcher, QuoteLimits, Quoter};
use super::check::{Seen, Trust, check, exporter, fresh_nonce};
use super::client_chain;
use super::crypto::{PossessionOnly, provider};
use super::error::{AcceptError, EndpointError, IssueFailed, PreambleError};
use super::facts::{Attested, ConnectionFacts};
use super::rotation::{LeafIssuer, Rotation};
use super::shown::Shown;
use super::wire::{read_frame, refuse, write_frame};
use super::{Clock, PREAMBLE_TIMEOUT};
use crate::preamble::server::{AwaitHello, AwaitVerdict};
use crate::preamble::{ALPN, Proof};
use crate::{Appraised, Leaf, Role};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
pub use tokio_rustls::server::TlsStream;
use vault_policy::UnixSeconds;

/// Plain HTTP names: such a connection carries no facts and gets health only.
const PLAIN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What an endpoint needs.
pub struct ServerConfig {
    /// Makes a leaf: at start, and whenever one has lived for half of its time.
    pub issuer: Arc<dyn LeafIssuer>,
    /// Quotes the preambles' batches.
    pub quoter: Arc<dyn Quoter>,
    /// Bounds of quoting.
    pub quotes: QuoteLimits,
    /// Whose evidence is believed when callers show theirs.
    pub callers: Trust,
    /// Longest TLS handshake.
    pub handshake_timeout: Duration,
    /// Longest preamble.
    pub preamble_timeout: Duration,
    /// What time it is.
    pub now: Clock,
}

impl ServerConfig {
    /// With the default limits.
    pub fn new(
        issuer: Arc<dyn LeafIssuer>,
        quoter: Arc<dyn Quoter>,
        callers: Trust,
        now: Clock,
    ) -> Self {
        Self {
            issuer,
            quoter,
            quotes: QuoteLimits::default(),
            callers,
            handshake_timeout: PREAMBLE_TIMEOUT,
            preamble_timeout: PREAMBLE_TIMEOUT,
            now,
        }
    }
}

/// A connection that was accepted.
#[expect(clippy::large_enum_variant, reason = "moved once for each connection")]
pub enum Accepted<IO> {
    /// The preamble passed; HTTP/2 comes next.
    Attested(Attested<TlsStream<IO>, ConnectionFacts>),
    /// Plain TLS, without a preamble: health only.
    Plain {
        /// The TLS stream.
        stream: TlsStream<IO>,
        /// `h2` or `http/1.1`, if the client named one.
        alpn: Option<Vec<u8>>,
    },
}

/// Accepts connections under a leaf that it keeps fresh.
pub struct ServerEndpoint {
    rotation: Rotation,
    batcher: QuoteBatcher,
    callers: RwLock<Trust>,
    handshake_timeout: Duration,
    preamble_timeout: Duration,
    now: Clock,
    accepted: AtomicU64,
}

impl ServerEndpoint {
    /// Issues the first leaf (which blocks for a quote) and starts the quoting task: must be
    /// called within a tokio runtime.
    pub fn new(config: ServerConfig) -> Result<Self, EndpointError> {
        let now = (config.now)();
        Ok(Self {
            rotation: Rotation::start(config.issuer, now)?,
            batcher: QuoteBatcher::start(config.quoter, config.quotes),
            callers: RwLock::new(config.callers),
            handshake_timeout: config.handshake_timeout,
            preamble_timeout: config.preamble_timeout,
            now: config.now,
            accepted: AtomicU64::new(0),
        })
    }

    /// Issues a new leaf at once; blocks for a quote. Connections that stand keep the old one.
    pub fn rotate(&self, now: UnixSeconds) -> Result<(), EndpointError> {
        self.rotation.rotate(now)
    }

    /// From now on, callers are appraised by this.
    pub fn set_callers(&self, trust: Trust) {
        *self.callers.write().unwrap_or_else(PoisonError::into_inner) = trust;
    }

    /// [`ServerEndpoint::accept`] with TCP_NODELAY set, without which each frame waits for a
    /// delayed acknowledgement.
    pub async fn accept_tcp(&self, tcp: TcpStream) -> Result<Accepted<TcpStream>, AcceptError> {
        tcp.set_nodelay(true)
            .map_err(|error| AcceptError::Handshake(error.kind()))?;
        self.accept(tcp).await
    }

    /// TLS, then the preamble if the client asks for it. Whoever fails is told why, and cut.
    pub async fn accept<IO>(&self, io: IO) -> Result<Accepted<IO>, AcceptError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let shown = self.rotation.current((self.now)()).await?;
        let handshake = TlsAcceptor::from(shown.tls.clone()).accept(io);
        let mut stream = timeout(self.handshake_timeout, handshake)
            .await
            .map_err(|_| AcceptError::Handshake(ErrorKind::TimedOut))?
            .map_err(|error| AcceptError::Handshake(error.kind()))?;
        let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        if alpn.as_deref() != Some(ALPN) {
            return Ok(Accepted::Plain { stream, alpn });
        }
        let preamble = self.preamble(&mut stream, &shown.shown);
        match timeout(self.preamble_timeout, preamble)
            .await
            .unwrap_or(Err(PreambleError::TimedOut))
        {
            Ok(caller) => Ok(Accepted::Attested(self.attested(stream, caller))),
            Err(error) => {
                if let Some(reason) = error.reason() {
                    refuse(&mut stream, reason).await;
                }
                Err(error.into())
            }
        }
    }

    async fn preamble<IO>(
        &self,
        stream: &mut TlsStream<IO>,
        shown: &Shown,
    ) -> Result<Option<Appraised>, PreambleError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let (hello, answer) = AwaitHello::default().receive(read_frame(stream).await?)?;
        let exporter = exporter(stream.get_ref().1, &hello.nonce).ok_or(PreambleError::Exporter)?;
        let quoted = self
            .batcher
            .quote(shown.binding(&hello.nonce, &exporter))
            .await?;
        let caller_nonce = fresh_nonce().ok_or(PreambleError::Exporter)?;
        let (frame, verdict) = answer.evidence(caller_nonce, shown.proof(quoted));
        write_frame(stream, &frame).await?;
        self.verdict(stream, verdict, caller_nonce).await
    }

    async fn verdict<IO>(
        &self,
        stream: &mut TlsStream<IO>,
        verdict: AwaitVerdict,
        nonce: [u8; 32],
    ) -> Result<Option<Appraised>, PreambleError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let (proof, finish) = verdict.receive(read_frame(stream).await?)?;
        let caller = match proof {
            Some(proof) => Some(self.check_caller(stream, proof, nonce).await?),
            None => None,
        };
        let (frame, _agreed) = finish.confirm();
        write_frame(stream, &frame).await?;
        Ok(caller)
    }

    async fn check_caller<IO>(
        &self,
        stream: &TlsStream<IO>,
        proof: Proof,
        nonce: [u8; 32],
    ) -> Result<Appraised, PreambleError> {
        let connection = stream.get_ref().1;
        let seen = Seen {
            role: Role::Caller,
            nonce,
            exporter: exporter(connection, &nonce).ok_or(PreambleError::Exporter)?,
            certificate: super::peer_certificate(connection),
        };
        let trust = self
            .callers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let held = check(seen, proof, trust, (self.now)()).await?;
        Ok(held.appraised)
    }

    fn attested<IO>(
        &self,
        stream: TlsStream<IO>,
        caller: Option<Appraised>,
    ) -> Attested<TlsStream<IO>, ConnectionFacts> {
        let presented = stream.get_ref().1.peer_certificates();
        let (caller, floors) = caller.map(|seen| (seen.evidence, seen.floors)).unzip();
        let established_at = (self.now)();
        let facts = ConnectionFacts {
            connection_id: self.accepted.fetch_add(1, Ordering::Relaxed),
            caller,
            floors,
            client_certificate: presented
                .and_then(|chain| client_chain::facts(chain, established_at, &provider())),
            established_at,
        };
        Attested { stream, facts }
    }
}

/// TLS 1.3 only; no tickets, no resumption, no early data; client certificates without a CA.
pub(super) fn tls_config(leaf: &Leaf) -> Result<rustls::ServerConfig, rustls::Error> {
    let provider = provider();
    let (certificates, key) = super::certified(leaf);
    let mut tls = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(PossessionOnly::new(provider))
        .with_single_cert(certificates, key)?;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.max_early_data_size = 0;
    tls.alpn_protocols = std::iter::once(ALPN)
        .chain(PLAIN)
        .map(<[u8]>::to_vec)
        .collect();
    Ok(tls)
}

impl From<IssueFailed> for EndpointError {
    fn from(error: IssueFailed) -> Self {
        Self::Issue(error)
    }
}
