//! The connecting end. There is one way to a vault, and it returns an attested connection.

use super::batcher::{QuoteRefusal, Quoted, Quoter};
use super::check::{Held, Seen, Trust, check, exporter, fresh_nonce};
use super::client_key::ClientKey;
use super::crypto::{PossessionOnly, provider};
use super::error::{ConnectError, EvidenceError, PreambleError};
use super::facts::{Attested, PeerFacts};
use super::pins::ExpectedVault;
use super::shown::Shown;
use super::wire::{read_frame, refuse, write_frame};
use super::{Clock, PREAMBLE_TIMEOUT};
use crate::preamble::client::AwaitEvidence;
use crate::preamble::{ALPN, Batch, Proof};
use crate::{Leaf, Role, without_padding};
use rustls::client::Resumption;
use rustls::pki_types::{DnsName, ServerName};
use rustls::version::TLS13;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
pub use tokio_rustls::client::TlsStream;

/// What a connection to a vault needs. There is no default of trust and none of pinning.
#[derive(Clone)]
pub struct ClientConfig {
    /// Whose evidence is believed.
    pub trust: Trust,
    /// Which vault must answer.
    pub expected: ExpectedVault,
    /// The calling enclave, if this is one.
    pub caller: Option<Arc<CallerIdentity>>,
    /// The certificate that a client shows which is no enclave; an enclave shows its leaf.
    pub certificate: Option<Arc<ClientKey>>,
    /// Longest TLS handshake.
    pub handshake_timeout: Duration,
    /// Longest preamble.
    pub preamble_timeout: Duration,
    /// What time it is.
    pub now: Clock,
}

impl ClientConfig {
    /// Not an enclave, with the default limits.
    pub fn new(trust: Trust, expected: ExpectedVault, now: Clock) -> Self {
        Self {
            trust,
            expected,
            caller: None,
            certificate: None,
            handshake_timeout: PREAMBLE_TIMEOUT,
            preamble_timeout: PREAMBLE_TIMEOUT,
            now,
        }
    }

    /// Shows this enclave's evidence on every connection.
    pub fn with_caller(mut self, caller: Arc<CallerIdentity>) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Shows this certificate on every connection.
    pub fn with_certificate(mut self, certificate: Arc<ClientKey>) -> Self {
        self.certificate = Some(certificate);
        self
    }
}

/// An enclave that calls: its leaf as client certificate, and its quoting.
pub struct CallerIdentity {
    leaf: Leaf,
    quoter: Arc<dyn Quoter>,
}

impl CallerIdentity {
    /// The leaf's claims must be of the role [`Role::Caller`] for a vault to accept them.
    pub fn new(leaf: Leaf, quoter: Arc<dyn Quoter>) -> Self {
        Self { leaf, quoter }
    }

    /// Evidence for one connection: a batch of one.
    async fn prove(&self, nonce: &[u8; 32], exporter: &[u8; 32]) -> Result<Proof, QuoteRefusal> {
        let shown = Shown::new(&self.leaf);
        let batch = Batch::new(&[shown.binding(nonce, exporter)]);
        let (quoter, report_data) = (self.quoter.clone(), batch.report_data());
        let quoted = tokio::task::spawn_blocking(move || quoter.quote(report_data)).await;
        let evidence = quoted.ok().and_then(Result::ok).map(|mut evidence| {
            evidence.quote = without_padding(evidence.quote);
            Arc::new(evidence)
        });
        evidence
            .zip(batch.place(0))
            .map(|(evidence, place)| shown.proof(Quoted { evidence, place }))
            .ok_or(QuoteRefusal::Unavailable)
    }
}

/// [`connect`] with TCP_NODELAY set, without which each frame waits for a delayed
/// acknowledgement.
pub async fn connect_tcp(
    tcp: TcpStream,
    config: &ClientConfig,
) -> Result<Attested<TlsStream<TcpStream>, PeerFacts>, ConnectError> {
    tcp.set_nodelay(true)
        .map_err(|error| ConnectError::Handshake(error.kind()))?;
    connect(tcp, config).await
}

/// TLS and the preamble with the expected vault, or nothing. Never reconnects: a new connection
/// is a new call.
pub async fn connect<IO>(
    io: IO,
    config: &ClientConfig,
) -> Result<Attested<TlsStream<IO>, PeerFacts>, ConnectError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let connector = TlsConnector::from(Arc::new(tls_config(config)?));
    let mut stream = timeout(
        config.handshake_timeout,
        connector.connect(server_name(), io),
    )
    .await
    .map_err(|_| ConnectError::Handshake(ErrorKind::TimedOut))?
    .map_err(|error| ConnectError::Handshake(error.kind()))?;
    if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err(ConnectError::NotAttested);
    }
    let preamble = timeout(config.preamble_timeout, preamble(&mut stream, config));
    match preamble.await.unwrap_or(Err(PreambleError::TimedOut)) {
        Ok(facts) => Ok(Attested { stream, facts }),
        Err(error) => {
            if let Some(reason) = error.reason() {
                refuse(&mut stream, reason).await;
            }
            Err(error.into())
        }
    }
}

async fn preamble<IO>(
    stream: &mut TlsStream<IO>,
    config: &ClientConfig,
) -> Result<PeerFacts, PreambleError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let nonce = fresh_nonce().ok_or(PreambleError::Exporter)?;
    let (hello, state) = AwaitEvidence::start(nonce, config.caller.is_some());
    write_frame(stream, &hello).await?;
    let (evidence, decide) = state.receive(read_frame(stream).await?)?;
    let facts = appraise_peer(stream, config, nonce, evidence.proof).await?;
    let caller = match &config.caller {
        Some(caller) => Some(prove(stream, caller, &evidence.caller_nonce).await?),
        None => None,
    };
    let (verdict, state) = decide.accept(caller).ok_or(PreambleError::Exporter)?;
    write_frame(stream, &verdict).await?;
    state.receive(read_frame(stream).await?)?;
    Ok(facts)
}

async fn prove<IO>(
    stream: &TlsStream<IO>,
    caller: &CallerIdentity,
    nonce: &[u8; 32],
) -> Result<Proof, PreambleError> {
    let exporter = exporter(stream.get_ref().1, nonce).ok_or(PreambleError::Exporter)?;
    Ok(caller.prove(nonce, &exporter).await?)
}

async fn appraise_peer<IO>(
    stream: &TlsStream<IO>,
    config: &ClientConfig,
    nonce: [u8; 32],
    proof: Proof,
) -> Result<PeerFacts, PreambleError> {
    let connection = stream.get_ref().1;
    let seen = Seen {
        role: Role::Vault,
        nonce,
        exporter: exporter(connection, &nonce).ok_or(PreambleError::Exporter)?,
        certificate: super::peer_certificate(connection),
    };
    let now = (config.now)();
    let Held { claims, appraised } = check(seen, proof, config.trust.clone(), now).await?;
    let vault_id = claims.vault_id().ok_or(EvidenceError::Role)?;
    config
        .expected
        .check(vault_id, &claims, &appraised.evidence)?;
    Ok(PeerFacts {
        vault_id,
        claims,
        evidence: appraised.evidence,
        floors: appraised.floors,
        established_at: now,
    })
}

/// TLS 1.3 only; no tickets, no resumption, no early data; the name of the server is not sent
/// and not looked at, because the preamble says who it is.
fn tls_config(config: &ClientConfig) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = provider();
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(PossessionOnly::new(provider));
    let shown = match (&config.caller, &config.certificate) {
        (Some(caller), _) => Some(super::certified(&caller.leaf)),
        (None, Some(certificate)) => Some(certificate.certified()),
        (None, None) => None,
    };
    let mut tls = match shown {
        Some((certificates, key)) => builder.with_client_auth_cert(certificates, key)?,
        None => builder.with_no_client_auth(),
    };
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    tls.enable_sni = false;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    Ok(tls)
}

fn server_name() -> ServerName<'static> {
    match DnsName::try_from("vault.invalid") {
        Ok(name) => ServerName::DnsName(name),
        Err(_) => ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into()),
    }
}
