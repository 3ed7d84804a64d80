//! One attested connection to a vault.

mod dial;
mod transport;

use crate::calls::ServedConfig;
use crate::client::stream::Operating;
use crate::config::ClientConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::{SeenHead, Showing};
use crate::receipt::Notes;
use connectrpc::client::{CallOptions, ClientConfig as RpcConfig};
use connectrpc::{ConnectError, Protocol};
use dial::{dial_config, refusal};
use ratls::Claims;
use ratls::config_tree::{ConfigTree, Part};
use ratls::tls::{self, PeerFacts};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use transport::Transport;
use vault_policy::{UnixSeconds, VaultId, VerifiedEvidence};
use vault_proto::v1;

/// Who is at the other end, as appraised on this connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Follows from the identity key in the claims.
    pub vault_id: VaultId,
    /// What the vault says of itself; its quotes commit to it.
    pub claims: Claims,
    /// What its platform says of it.
    pub evidence: VerifiedEvidence,
}

/// A connection whose preamble has passed, with HTTP/2 on it.
pub(crate) struct Session {
    transport: Transport,
    rpc: RpcConfig,
    peer: Peer,
    notes: Notes,
    established_at: UnixSeconds,
    operating: Mutex<Option<Arc<Operating>>>,
    /// Set when the vault does not serve a stream.
    single: AtomicBool,
    number: u64,
}

/// Sessions of this process, of all clients and to all vaults: a client that is made anew because its vault was
/// away has none that was there before.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

impl Session {
    /// Connects, runs the preamble, appraises, compares with the pins. Never more than once.
    pub(crate) async fn dial(config: &ClientConfig) -> Result<Self> {
        let tcp = TcpStream::connect(&config.endpoint)
            .await
            .map_err(|error| {
                Error::new(ErrorCode::Unavailable)
                    .detail(format_args!("{}: {error}", config.endpoint))
            })?;
        let root = config.trust.fingerprint();
        let floors = config.heads.floors(&root)?;
        let attested = tls::connect_tcp(tcp, &dial_config(config, &floors))
            .await
            .map_err(|error| refusal(&config.endpoint, &error))?;
        config.heads.raise_floors(&root, &attested.facts.floors)?;
        let vault = config.vault.vault_id;
        let tokens = config.tokens.as_ref();
        let key = tokens.and_then(|tokens| tokens.proof_key_for(vault));
        let transport = Transport::begin(attested.stream, key)
            .await
            .map_err(|error| {
                Error::new(ErrorCode::Unavailable)
                    .detail(format_args!("{}: {error}", config.endpoint))
            })?;
        let PeerFacts {
            vault_id,
            claims,
            evidence,
            established_at,
            ..
        } = attested.facts;
        let peer = Peer {
            vault_id,
            claims,
            evidence,
        };
        Ok(Self {
            transport,
            rpc: rpc_config(&vault_id)?,
            notes: Notes::of(&peer)?,
            peer,
            established_at,
            operating: Mutex::new(None),
            single: AtomicBool::new(false),
            number: SESSIONS.fetch_add(1, Ordering::Relaxed),
        })
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport.clone()
    }

    /// No other session of this process has it.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn rpc_config(&self) -> RpcConfig {
        self.rpc.clone()
    }

    /// For calls whose answer is a stream. Over gRPC the library drops the typed detail of an
    /// error that comes before the first message; over Connect it arrives.
    pub(crate) fn stream_config(&self) -> RpcConfig {
        self.rpc.clone().with_protocol(Protocol::Connect)
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Which vault shows the heads of this session, and which start of it.
    pub(crate) fn showing(&self) -> Showing {
        Showing {
            key: self.notes.key(),
            boot_id: self.peer.claims.boot_id,
        }
    }

    /// A head whose note this vault signed, and which says what the note says.
    pub(crate) fn head(&self, head: v1::Head) -> Result<SeenHead> {
        self.notes.head(head)
    }

    /// The stream for calls with the token of `options`, opened where there is none; `None` if the
    /// vault does not serve it.
    pub(crate) async fn operating(
        &self,
        options: &CallOptions,
    ) -> Result<Option<Arc<Operating>>, ConnectError> {
        if self.single.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut held = self.operating.lock().await;
        if let Some(open) = held.as_ref().filter(|open| open.is_for(options)) {
            return Ok(Some(open.clone()));
        }
        // Over gRPC the library drops the typed detail of an error that comes before the first
        // message.
        let client = v1::CryptoServiceClient::new(self.transport(), self.stream_config());
        let open = Arc::new(Operating::open(&client, options).await?);
        *held = Some(open.clone());
        Ok(Some(open))
    }

    /// From now on every call goes by itself.
    pub(crate) fn without_stream(&self) {
        self.single.store(true, Ordering::Relaxed);
    }

    /// Whether a new preamble is due: the stream has ended, or its attestation is too old.
    pub(crate) fn is_over(&self) -> bool {
        let overdue = tls::is_overdue(self.established_at, dial::now(), tls::MAX_CONNECTION_AGE);
        overdue || self.transport.is_closed()
    }
}

fn rpc_config(vault: &VaultId) -> Result<RpcConfig> {
    let base = format!("https://{vault}")
        .parse()
        .map_err(|_| Error::new(ErrorCode::Internal).detail("vault id"))?;
    let limits = vault_proto::response_limits();
    Ok(RpcConfig::new(base)
        .with_protocol(Protocol::Grpc)
        .with_default_max_message_size(limits.max_message_size())
        .with_default_element_memory_limit(vault_proto::ELEMENT_MEMORY * 4))
}

/// Recomputes both roots from the entries and holds them against those of the evidence.
pub(crate) fn check_config(served: &ServedConfig, peer: &Peer) -> Result<()> {
    let parts = [
        (Part::Trust, &served.trust, peer.claims.trust_root),
        (
            Part::Operational,
            &served.operational,
            peer.claims.operational_root,
        ),
    ];
    for (part, entries, root) in parts {
        let parsed = entries
            .iter()
            .map(|(path, value)| Ok((path.clone(), crate::calls::canonical_value(value)?)))
            .collect::<Result<Vec<_>>>()?;
        let tree = ConfigTree::new(part, parsed);
        if tree.ok().map(|tree| tree.root()) != root || root.is_none() {
            return Err(Error::new(ErrorCode::AttestationRefused).detail(
                "the configuration that it serves is not the one that its evidence commits to",
            ));
        }
    }
    Ok(())
}
