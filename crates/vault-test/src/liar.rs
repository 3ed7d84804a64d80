//! A registry that lies: it lists whatever it was told to list, and dials nothing.

use connectrpc::{
    ConnectRpcService, RequestContext, Response as Answer, ServiceRequest, ServiceResult,
};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use vault_policy::VaultId;
use vault_proto::v1::{self, RegistryService, RegistryServiceServer};

/// Ends when it is dropped.
pub struct Liar {
    url: String,
    serving: JoinHandle<()>,
}

impl Liar {
    /// Lists these vaults at these endpoints, on loopback, as long as it lives.
    pub async fn listing(
        vaults: impl IntoIterator<Item = (VaultId, String)>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let lie = Lie(vaults.into_iter().collect());
        Ok(Self {
            url,
            serving: tokio::spawn(serve(listener, lie)),
        })
    }

    /// `http://host:port`
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone)]
struct Lie(Arc<[(VaultId, String)]>);

async fn serve(listener: TcpListener, lie: Lie) {
    while let Ok((tcp, _)) = listener.accept().await {
        tokio::spawn(connection(tcp, lie.clone()));
    }
}

async fn connection(tcp: TcpStream, lie: Lie) {
    let rpc = ConnectRpcService::new(RegistryServiceServer::new(lie));
    let answer = service_fn(move |request| tower::Service::call(&mut rpc.clone(), request));
    // Whoever asks may hang up at any time.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(tcp), answer)
        .await;
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

#[expect(refining_impl_trait, reason = "answers are plain messages")]
impl RegistryService for Lie {
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
        Answer::ok(v1::ListVaultsResponse {
            vaults: self.0.iter().map(entry).collect(),
            ..Default::default()
        })
    }
}
