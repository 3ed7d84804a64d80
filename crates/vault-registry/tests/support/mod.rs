//! Genuine vault endpoints over the software TEE, a registry whose clock the test moves, and
//! callers from chosen addresses.
#![allow(dead_code, reason = "each test file uses a part of it")]

use connectrpc::ConnectError;
use connectrpc::client::{BoxFuture, ClientBody, ClientConfig, ClientTransport};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratls::tls::{
    Accepted, Clock, IssueFailed, QuoteUnavailable, ServerConfig, ServerEndpoint, Trust,
};
use ratls::{
    AppraisalPolicy, Claims, Evidence, IssueError, Leaf, LeafKey, Role, TrustRoot, Validity,
};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tee_sim::{SimMachine, SimPlatform, SimRoot, measurement_named};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vault_encoding::Hash;
use vault_policy::{UnixSeconds, VaultId};
use vault_proto::v1::{self, RegistryServiceClient};
use vault_proto::{code_name, detail_of};
use vault_registry::{Registry, RegistryConfig};
use vault_tee::Platform;

pub(crate) const BUILD: &str = "vault";

/// Time, as the test says.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self(Arc::new(AtomicU64::new(since.as_secs())))
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn clock(&self) -> Clock {
        let this = self.clone();
        Arc::new(move || UnixSeconds(this.now()))
    }
}

/// A development root, and a registry that believes it.
pub(crate) struct World {
    pub(crate) root: SimRoot,
    pub(crate) clock: TestClock,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    _dir: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("limits.dial_seconds = 1").await
    }

    /// With these lines of configuration.
    pub(crate) async fn with(lines: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = SimRoot::ephemeral().unwrap();
        let file = dir.path().join("root.der");
        std::fs::write(&file, root.root_der()).unwrap();
        let text = format!(
            "listen = \"127.0.0.1:0\"\nttl_seconds = 60\nappraisal_seconds = 600\n\
             attestation.root = {file:?}\n{lines}\n"
        );
        let config = RegistryConfig::from_toml(&text).unwrap();
        let clock = TestClock::new();
        let registry = Registry::bind_at(&config, clock.clock()).await.unwrap();
        let address = registry.addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(registry.serve(async {
            let _ = stopped.await;
        }));
        Self {
            root,
            clock,
            address,
            stop: Some(stop),
            serving,
            _dir: dir,
        }
    }

    /// Tells the registry to end, and waits until it has.
    pub(crate) async fn end(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.serving.await.unwrap();
    }

    /// The vault with this number, on a machine of its own.
    pub(crate) async fn vault(&self, number: u8) -> Vault {
        let machine = self.root.machine(&format!("machine-{number}")).unwrap();
        Vault::start(&machine, number).await
    }

    /// Whoever calls from 127.0.0.1.
    pub(crate) fn caller(&self) -> Caller {
        self.caller_from("127.0.0.1")
    }

    pub(crate) fn caller_from(&self, from: &str) -> Caller {
        Caller::new(self.address, from, false)
    }

    pub(crate) fn caller_over_http2(&self) -> Caller {
        Caller::new(self.address, "127.0.0.1", true)
    }
}

/// The endpoint of a vault that answers the preamble and no more.
pub(crate) struct Vault {
    pub(crate) id: VaultId,
    pub(crate) platform_id: Hash,
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Vault {
    pub(crate) async fn start(machine: &SimMachine, number: u8) -> Self {
        let instance = machine.platform_instance_id();
        let platform = SimPlatform::builder(machine, measurement_named(BUILD));
        let platform = Arc::new(platform.build().unwrap());
        let identity = Claims::identity_spki(&[number; 32]);
        let id = claims(&LeafKey::generate().unwrap(), &identity)
            .vault_id()
            .unwrap();
        let issuing = platform.clone();
        let issue = move |now| issue(&issuing, &identity, now);
        let quoter = move |data| quote(&platform, data);
        let trust = Trust {
            root: TrustRoot::from_der(machine.root().root_der()).unwrap(),
            policy: AppraisalPolicy::strict(),
        };
        let now = TestClock::new().clock();
        let config = ServerConfig::new(Arc::new(issue), Arc::new(quoter), trust, now);
        let endpoint = Arc::new(ServerEndpoint::new(config).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            id,
            platform_id: ratls::platform_id(&instance).unwrap().0,
            address: listener.local_addr().unwrap(),
            accepting: tokio::spawn(accept(listener, endpoint)),
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, endpoint: Arc<ServerEndpoint>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let endpoint = endpoint.clone();
        tokio::spawn(async move {
            if let Ok(Accepted::Attested(mut attested)) = endpoint.accept_tcp(tcp).await {
                let mut end = Vec::new();
                let _ = attested.stream.read_to_end(&mut end).await;
            }
        });
    }
}

fn claims(key: &LeafKey, identity: &[u8]) -> Claims {
    Claims {
        role: Role::Vault,
        spki_hash: key.spki_hash(),
        identity_key: identity.to_vec(),
        trust_root: Some(Hash([1; 32])),
        operational_root: Some(Hash([2; 32])),
        boot_id: [3; 16],
        oids: Default::default(),
    }
}

fn issue(platform: &SimPlatform, identity: &[u8], now: UnixSeconds) -> Result<Leaf, IssueFailed> {
    let key = LeafKey::generate()?;
    let claims = claims(&key, identity);
    Leaf::issue(key, claims, Validity::from_now(now), |data| {
        quote(platform, data)
    })
    .map_err(|error| match error {
        IssueError::Leaf(error) => error.into(),
        IssueError::Quote(_) => IssueFailed::Quote,
    })
}

fn quote(platform: &SimPlatform, data: [u8; 64]) -> Result<Evidence, QuoteUnavailable> {
    let made = platform.quote(data).map_err(|_| QuoteUnavailable)?;
    Ok(Evidence {
        quote: made.quote,
        collateral: made.collateral,
    })
}

/// What a refused call says.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: v1::ErrorDetail,
}

/// Calls the registry from one address, on a new connection each time.
pub(crate) struct Caller(RegistryServiceClient<FromAddress>);

impl Caller {
    fn new(registry: SocketAddr, from: &str, http2: bool) -> Self {
        let transport = FromAddress {
            registry,
            from: from.parse().unwrap(),
            http2,
        };
        let base = format!("http://{registry}").parse().unwrap();
        Self(RegistryServiceClient::new(
            transport,
            ClientConfig::new(base),
        ))
    }

    pub(crate) async fn register(
        &self,
        endpoint: &str,
    ) -> Result<v1::RegisterVaultResponse, Refused> {
        let request = v1::RegisterVaultRequest {
            endpoint: endpoint.into(),
            ..Default::default()
        };
        let answer = self.0.register_vault(request).await.map_err(refused)?;
        Ok(answer.into_owned())
    }

    pub(crate) async fn beat(&self, vault: &[u8], endpoint: &str) -> Result<u64, Refused> {
        let request = v1::HeartbeatRequest {
            vault_id: vault.to_vec(),
            endpoint: endpoint.into(),
            ..Default::default()
        };
        let answer = self.0.heartbeat(request).await.map_err(refused)?;
        Ok(answer.into_owned().ttl)
    }

    pub(crate) async fn page(
        &self,
        size: u32,
        token: &str,
    ) -> Result<v1::ListVaultsResponse, Refused> {
        let request = v1::ListVaultsRequest {
            page_size: size,
            page_token: token.into(),
            ..Default::default()
        };
        let answer = self.0.list_vaults(request).await.map_err(refused)?;
        Ok(answer.into_owned())
    }

    /// Everything on the first page: vault ids and endpoints.
    pub(crate) async fn listed(&self) -> Vec<(Vec<u8>, String)> {
        let page = self.page(0, "").await.unwrap();
        let vaults = page.vaults.into_iter();
        vaults
            .map(|entry| (entry.vault_id, entry.endpoint))
            .collect()
    }
}

fn refused(error: ConnectError) -> Refused {
    let detail = detail_of(&error).unwrap_or_else(|| panic!("no detail: {error:?}"));
    Refused {
        code: code_name(detail.code.as_known().unwrap()),
        message: error.message.unwrap_or_default(),
        detail,
    }
}

#[derive(Clone)]
struct FromAddress {
    registry: SocketAddr,
    from: IpAddr,
    http2: bool,
}

impl ClientTransport for FromAddress {
    type ResponseBody = Incoming;
    type Error = ConnectError;

    fn send(
        &self,
        request: Request<ClientBody>,
    ) -> BoxFuture<'static, Result<Response<Incoming>, ConnectError>> {
        let this = self.clone();
        Box::pin(async move {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::new(this.from, 0)).unwrap();
            let io = TokioIo::new(socket.connect(this.registry).await.unwrap());
            let answer = if this.http2 {
                let (mut send, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                        .await
                        .unwrap();
                tokio::spawn(connection);
                send.send_request(request).await
            } else {
                let (mut send, connection) =
                    hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                send.send_request(request).await
            };
            answer.map_err(|error| ConnectError::unavailable(error.to_string()))
        })
    }
}
