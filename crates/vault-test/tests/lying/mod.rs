//! Registries that lie. Each answers every ListVaults with what the test has put on its list, or
//! with what no honest registry says.

use connectrpc::{
    ConnectRpcService, RequestContext, Response as Answer, ServiceRequest, ServiceResult,
};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use vault_policy::VaultId;
use vault_proto::v1::{self, RegistryService, RegistryServiceServer};

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Lie {
    /// These vaults, at these endpoints.
    List(Vec<(VaultId, String)>),
    /// Page after page, each with a token of a next one.
    Endless,
    /// One answer of this many entries.
    Huge(usize),
    /// Bytes that are no HTTP.
    Garbage,
    /// HTTP, and bytes that are no message.
    Nonsense,
    /// Nothing, on a connection that stays open.
    Silence,
}

/// A registry that lies. It ends when it is dropped.
pub(crate) struct Liar {
    url: String,
    lie: Arc<Mutex<Lie>>,
    asked: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

impl Liar {
    pub(crate) async fn start(lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (lie, asked) = (Arc::new(Mutex::new(lie)), Arc::new(AtomicU64::new(0)));
        let service = Service {
            lie: lie.clone(),
            asked: asked.clone(),
        };
        Self {
            url,
            lie,
            asked,
            serving: tokio::spawn(serve(listener, service)),
        }
    }

    /// It lists these vaults.
    pub(crate) async fn listing(vaults: impl IntoIterator<Item = (VaultId, String)>) -> Self {
        Self::start(Lie::List(vaults.into_iter().collect())).await
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on, it says this.
    #[allow(dead_code, reason = "not every suite changes it")]
    pub(crate) fn say(&self, lie: Lie) {
        *self.lie.lock().unwrap() = lie;
    }

    /// How often it was asked.
    #[allow(dead_code, reason = "not every suite counts")]
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone)]
struct Service {
    lie: Arc<Mutex<Lie>>,
    asked: Arc<AtomicU64>,
}

async fn serve(listener: TcpListener, service: Service) {
    let mut silent = Vec::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let lie = service.lie.lock().unwrap().clone();
        match lie {
            Lie::Silence => silent.push(tcp),
            Lie::Garbage => speak(tcp, b"\xff\xfe not HTTP \r\n\r\n"),
            Lie::Nonsense => speak(
                tcp,
                b"HTTP/1.1 200 OK\r\ncontent-type: application/proto\r\n\
                  content-length: 3\r\n\r\n\xff\xff\xff",
            ),
            Lie::List(_) | Lie::Endless | Lie::Huge(_) => {
                let service = service.clone();
                tokio::spawn(connection(tcp, service));
            }
        }
    }
}

fn speak(mut tcp: TcpStream, words: &'static [u8]) {
    tokio::spawn(async move {
        let _ = tcp.write_all(words).await;
        let _ = tcp.shutdown().await;
    });
}

async fn connection(tcp: TcpStream, service: Service) {
    let rpc = ConnectRpcService::new(RegistryServiceServer::new(service));
    let answer = service_fn(move |request| tower::Service::call(&mut rpc.clone(), request));
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(tcp), answer)
        .await;
}

impl Service {
    fn answer(&self, count: u64) -> v1::ListVaultsResponse {
        let numbered = |number: u64| {
            let mut id = [0xee; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            (
                VaultId(vault_encoding::Hash(id)),
                format!("127.0.0.1:{}", 1 + number % 65_535),
            )
        };
        let (vaults, next) = match &*self.lie.lock().unwrap() {
            Lie::List(vaults) => (vaults.clone(), String::new()),
            Lie::Endless => (vec![numbered(count)], "more".to_owned()),
            Lie::Huge(entries) => ((0..*entries as u64).map(numbered).collect(), String::new()),
            Lie::Garbage | Lie::Nonsense | Lie::Silence => (Vec::new(), String::new()),
        };
        v1::ListVaultsResponse {
            vaults: vaults.iter().map(entry).collect(),
            next_page_token: next,
            ..Default::default()
        }
    }
}

/// The measurement and the machine are as good as any: nobody may believe them.
fn entry((vault, endpoint): &(VaultId, String)) -> v1::VaultEntry {
    v1::VaultEntry {
        endpoint: endpoint.clone(),
        vault_id: vault.0.as_bytes().to_vec(),
        measurement: vec![1; 32],
        platform_id: vec![2; 32],
        expires_at: u64::MAX,
        ..Default::default()
    }
}

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl RegistryService for Service {
    async fn register_vault(
        &self,
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::RegisterVaultRequest>,
    ) -> ServiceResult<v1::RegisterVaultResponse> {
        Answer::ok(v1::RegisterVaultResponse {
            ttl: u64::MAX,
            ..Default::default()
        })
    }

    async fn heartbeat(
        &self,
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::HeartbeatRequest>,
    ) -> ServiceResult<v1::HeartbeatResponse> {
        Answer::ok(v1::HeartbeatResponse {
            ttl: u64::MAX,
            ..Default::default()
        })
    }

    async fn list_vaults(
        &self,
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::ListVaultsRequest>,
    ) -> ServiceResult<v1::ListVaultsResponse> {
        let count = self.asked.fetch_add(1, Ordering::SeqCst);
        Answer::ok(self.answer(count))
    }
}
