//! A vault, clients and doubles of both on loopback sockets, over the software TEE.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod double;
pub(crate) mod raw;

use ratls::report_data::Connection;
use ratls::tls::{
    Accepted, Attested, CallerIdentity, ClientConfig, ClientStream, Clock, ConnectError,
    ConnectionFacts, ExpectedVault, IssueFailed, PeerFacts, PreambleError, QuoteUnavailable,
    Quoter, ServerConfig, ServerEndpoint, Trust, connect_tcp,
};
use ratls::{
    AppraisalPolicy, Claims, Evidence, IssueError, Leaf, LeafKey, Role, TrustRoot, UnappraisedLeaf,
    Validity,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tee_sim::{SimBuilder, SimMachine, SimPlatform, SimRoot, measurement_named};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use vault_encoding::{Hash, sha256};
use vault_policy::{Measurement, PlatformId, UnixSeconds, VaultId};
use vault_tee::Platform;

pub(crate) const VAULT_BUILD: &str = "vault";
pub(crate) const TRUST_CONFIG: Hash = Hash([0x51; 32]);

pub(crate) fn now() -> UnixSeconds {
    UnixSeconds(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
}

pub(crate) fn clock() -> Clock {
    Arc::new(now)
}

pub(crate) fn measurement(name: &str) -> Measurement {
    Measurement(Hash(measurement_named(name)))
}

/// A development root and one machine under it.
pub(crate) struct World {
    pub(crate) root: SimRoot,
    pub(crate) machine: SimMachine,
}

impl World {
    pub(crate) fn new() -> Self {
        let root = SimRoot::ephemeral().unwrap();
        let machine = root.machine("one").unwrap();
        Self { root, machine }
    }

    pub(crate) fn builder(&self, build: &str) -> SimBuilder {
        SimPlatform::builder(&self.machine, measurement_named(build))
    }

    pub(crate) fn enclave(&self, build: &str) -> Enclave {
        Enclave::new(self.builder(build))
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust {
            root: TrustRoot::from_der(self.root.root_der()).unwrap(),
            policy: AppraisalPolicy::strict(),
        }
    }

    /// A vault of the usual build on the usual machine.
    pub(crate) async fn vault(&self) -> Vault {
        Vault::start(self.enclave(VAULT_BUILD), self.trust()).await
    }

    /// A client of that vault that believes this root.
    pub(crate) fn client(&self, vault: &Vault) -> ClientConfig {
        ClientConfig::new(self.trust(), ExpectedVault::vault(vault.id), clock())
    }

    /// A caller enclave of this build.
    pub(crate) fn caller(&self, build: &str) -> Arc<CallerIdentity> {
        self.enclave(build).caller()
    }
}

/// One simulated enclave that counts its quotes.
#[derive(Clone)]
pub(crate) struct Enclave {
    pub(crate) platform: Arc<SimPlatform>,
    pub(crate) quotes: Arc<AtomicU64>,
}

impl Enclave {
    pub(crate) fn new(builder: SimBuilder) -> Self {
        Self {
            platform: Arc::new(builder.build().unwrap()),
            quotes: Arc::default(),
        }
    }

    pub(crate) fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteUnavailable> {
        self.quotes.fetch_add(1, Ordering::Relaxed);
        let vault_tee::Evidence { quote, collateral } = self
            .platform
            .quote(report_data)
            .map_err(|_| QuoteUnavailable)?;
        Ok(Evidence { quote, collateral })
    }

    pub(crate) fn quoter(&self) -> Arc<dyn Quoter> {
        let this = self.clone();
        Arc::new(move |report_data| this.quote(report_data))
    }

    pub(crate) fn issue(&self, role: Role, identity: Option<[u8; 32]>) -> Leaf {
        self.issue_at(role, identity, now()).unwrap()
    }

    fn issue_at(
        &self,
        role: Role,
        identity: Option<[u8; 32]>,
        now: UnixSeconds,
    ) -> Result<Leaf, IssueFailed> {
        let key = LeafKey::generate()?;
        let claims = claims(role, key.spki_hash(), identity);
        Leaf::issue(key, claims, Validity::from_now(now), |data| {
            self.quote(data)
        })
        .map_err(|error| match error {
            IssueError::Leaf(error) => error.into(),
            IssueError::Quote(QuoteUnavailable) => IssueFailed::Quote,
        })
    }

    pub(crate) fn caller(&self) -> Arc<CallerIdentity> {
        Arc::new(CallerIdentity::new(
            self.issue(Role::Caller, None),
            self.quoter(),
        ))
    }

    pub(crate) fn platform_id(&self, trust: &Trust) -> PlatformId {
        let leaf = self.issue(Role::Caller, None);
        let read = UnappraisedLeaf::parse(&leaf.cert_der, now()).unwrap();
        let appraised = read
            .appraise(&leaf.evidence.collateral, &trust.root, &trust.policy, now())
            .unwrap();
        appraised.evidence.claims().platform_id
    }
}

fn claims(role: Role, spki_hash: Hash, identity: Option<[u8; 32]>) -> Claims {
    let is_vault = role == Role::Vault;
    let oids = BTreeMap::from([("1.3.6.1.4.1.65230.3.1".to_owned(), b"app".to_vec())]);
    Claims {
        role,
        spki_hash,
        identity_key: identity
            .map(|key| Claims::identity_spki(&key))
            .unwrap_or_default(),
        trust_root: is_vault.then_some(TRUST_CONFIG),
        operational_root: is_vault.then_some(Hash([0x52; 32])),
        boot_id: [7; 16],
        oids: if is_vault { BTreeMap::new() } else { oids },
    }
}

/// What is public of a leaf, and what an attacker has who holds its key too.
pub(crate) fn copy(leaf: &Leaf) -> Leaf {
    Leaf {
        cert_der: leaf.cert_der.clone(),
        key_pkcs8: leaf.key_pkcs8.clone(),
        claims: leaf.claims.clone(),
        evidence: leaf.evidence.clone(),
        not_after: leaf.not_after,
    }
}

/// What became of one connection at the vault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Attested(Box<ConnectionFacts>),
    Plain(Option<Vec<u8>>),
    Refused(&'static str),
}

impl Outcome {
    pub(crate) fn facts(self) -> ConnectionFacts {
        match self {
            Self::Attested(facts) => *facts,
            other => panic!("not attested: {other:?}"),
        }
    }

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Refused(code) => code,
            other => panic!("not refused: {other:?}"),
        }
    }
}

/// A vault's endpoint on a loopback socket; what passes the preamble is echoed.
pub(crate) struct Vault {
    pub(crate) id: VaultId,
    pub(crate) address: SocketAddr,
    pub(crate) enclave: Enclave,
    pub(crate) endpoint: Arc<ServerEndpoint>,
    /// The leaf in use, with its key.
    pub(crate) leaf: Leaf,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
}

impl Vault {
    pub(crate) async fn start(enclave: Enclave, callers: Trust) -> Self {
        Self::start_with(enclave, callers, |_| ()).await
    }

    pub(crate) async fn start_with(
        enclave: Enclave,
        callers: Trust,
        adjust: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let identity = sha256(&enclave.platform.measurement()).0;
        let leaf = enclave.issue(Role::Vault, Some(identity));
        let (first, issuer) = (copy(&leaf), enclave.clone());
        let first = std::sync::Mutex::new(Some(first));
        let issue = move |now| match first.lock().unwrap().take() {
            Some(first) => Ok(first),
            None => issuer.issue_at(Role::Vault, Some(identity), now),
        };
        let mut config = ServerConfig::new(Arc::new(issue), enclave.quoter(), callers, clock());
        adjust(&mut config);
        let endpoint = Arc::new(ServerEndpoint::new(config).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (report, outcomes) = mpsc::unbounded_channel();
        tokio::spawn(serve(listener, endpoint.clone(), report));
        let id = leaf.claims.vault_id().unwrap();
        Self {
            id,
            address,
            enclave,
            endpoint,
            leaf,
            outcomes,
        }
    }

    /// What became of the connection that ended or was accepted next.
    pub(crate) async fn outcome(&mut self) -> Outcome {
        self.outcomes.recv().await.unwrap()
    }
}

async fn serve(
    listener: TcpListener,
    endpoint: Arc<ServerEndpoint>,
    report: mpsc::UnboundedSender<Outcome>,
) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (endpoint, report) = (endpoint.clone(), report.clone());
        tokio::spawn(async move {
            match endpoint.accept_tcp(tcp).await {
                Ok(Accepted::Attested(Attested { stream, facts })) => {
                    report.send(Outcome::Attested(Box::new(facts))).ok();
                    let (mut from, mut to) = tokio::io::split(stream);
                    tokio::io::copy(&mut from, &mut to).await.ok();
                }
                Ok(Accepted::Plain { alpn, .. }) => {
                    report.send(Outcome::Plain(alpn)).ok();
                }
                Err(error) => {
                    report.send(Outcome::Refused(error.code())).ok();
                }
            }
        });
    }
}

pub(crate) type Session = Attested<ClientStream<TcpStream>, PeerFacts>;

pub(crate) async fn dial(
    address: SocketAddr,
    config: &ClientConfig,
) -> Result<Session, ConnectError> {
    connect_tcp(TcpStream::connect(address).await.unwrap(), config).await
}

/// Connects, and sees that what comes after the preamble goes both ways.
pub(crate) async fn works(address: SocketAddr, config: &ClientConfig) -> PeerFacts {
    let Attested { mut stream, facts } = dial(address, config).await.unwrap();
    stream.write_all(b"behind the preamble").await.unwrap();
    let mut echoed = [0; 19];
    stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"behind the preamble");
    facts
}

/// Connects and is refused, by this end or the other.
pub(crate) async fn refused(address: SocketAddr, config: &ClientConfig) -> ConnectError {
    match dial(address, config).await {
        Ok(session) => panic!("connected: {:?}", session.facts),
        Err(error) => error,
    }
}

/// The code of that refusal.
pub(crate) async fn code(address: SocketAddr, config: &ClientConfig) -> &'static str {
    refused(address, config).await.code()
}

pub(crate) fn preamble_error(error: &ConnectError) -> PreambleError {
    match error {
        ConnectError::Preamble(error) => *error,
        other => panic!("not a preamble error: {other:?}"),
    }
}

pub(crate) fn connection<'a>(
    role: Role,
    nonce: &'a [u8; 32],
    exporter: &'a [u8; 32],
    claims: &'a Claims,
) -> Connection<'a> {
    Connection {
        role,
        nonce,
        exporter,
        spki_hash: &claims.spki_hash,
    }
}
