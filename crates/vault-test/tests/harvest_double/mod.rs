//! A malicious vault: genuine in all that its clients check, and it keeps every header and every
//! byte that it is sent.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratls::tls::{Accepted, IssueFailed, QuoteUnavailable, ServerConfig, ServerEndpoint, Trust};
use ratls::{AppraisalPolicy, Claims, Evidence, Leaf, LeafKey, Role, TrustRoot, Validity};
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tee_sim::{SimPlatform, SimRoot, measurement_named};
use tokio::net::{TcpListener, TcpStream};
use vault_client::{ClientConfig, HeadStore, VaultPins};
use vault_encoding::Hash;
use vault_policy::{UnixSeconds, VaultId};
use vault_tee::Platform;

/// One request, as far as it came.
#[derive(Clone, Debug)]
pub(crate) struct Harvested {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Default)]
struct Kept {
    requests: Vec<Harvested>,
    /// What clients are told to put into their proofs.
    nonce: String,
}

/// The double, on a loopback port.
pub(crate) struct Double {
    pub(crate) id: VaultId,
    address: String,
    root: TrustRoot,
    kept: Arc<Mutex<Kept>>,
}

impl Double {
    pub(crate) async fn start() -> Self {
        Self::start_as([0x42; 32]).await
    }

    /// With this identity key, from which its id follows.
    pub(crate) async fn start_as(identity: [u8; 32]) -> Self {
        let root = SimRoot::ephemeral().unwrap();
        let machine = root.machine("malicious").unwrap();
        let platform = SimPlatform::builder(&machine, measurement_named("sim-vault"))
            .build()
            .unwrap();
        let trust_root = TrustRoot::from_der(root.root_der()).unwrap();
        let endpoint = Arc::new(endpoint(identity, Arc::new(platform), trust_root.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let kept = Arc::<Mutex<Kept>>::default();
        tokio::spawn(serve(listener, endpoint, kept.clone()));
        Self {
            id: claims(identity, &LeafKey::generate().unwrap())
                .vault_id()
                .unwrap(),
            address,
            root: trust_root,
            kept,
        }
    }

    /// How the SDK is told of it: as of any other vault.
    pub(crate) fn config(&self, memory: &Path) -> ClientConfig {
        let pins = VaultPins {
            vault_id: self.id,
            platform_id: None,
            measurement: None,
            trust_root: None,
        };
        let heads = HeadStore::new(memory);
        ClientConfig::new(&self.address, pins, self.root.clone(), heads)
    }

    /// Asks clients for this nonce from now on.
    pub(crate) fn ask_for(&self, nonce: String) {
        self.kept.lock().unwrap().nonce = nonce;
    }

    /// Everything that it was sent since the last time.
    pub(crate) fn take(&self) -> Vec<Harvested> {
        std::mem::take(&mut self.kept.lock().unwrap().requests)
    }
}

fn claims(identity: [u8; 32], key: &LeafKey) -> Claims {
    Claims {
        role: Role::Vault,
        spki_hash: key.spki_hash(),
        identity_key: Claims::identity_spki(&identity),
        trust_root: Some(Hash([1; 32])),
        operational_root: Some(Hash([2; 32])),
        boot_id: [3; 16],
        oids: Default::default(),
    }
}

fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixSeconds(since.as_secs())
}

fn endpoint(identity: [u8; 32], platform: Arc<SimPlatform>, root: TrustRoot) -> ServerEndpoint {
    let quote = move |data: [u8; 64]| -> Result<Evidence, QuoteUnavailable> {
        let vault_tee::Evidence { quote, collateral } = platform.quote(data).unwrap();
        Ok(Evidence { quote, collateral })
    };
    let quoting = quote.clone();
    let issue = move |at: UnixSeconds| -> Result<Leaf, IssueFailed> {
        let key = LeafKey::generate()?;
        let claims = claims(identity, &key);
        Ok(Leaf::issue(key, claims, Validity::from_now(at), quoting.clone()).unwrap())
    };
    let callers = Trust {
        root,
        policy: AppraisalPolicy::strict(),
    };
    let config = ServerConfig::new(Arc::new(issue), Arc::new(quote), callers, Arc::new(now));
    ServerEndpoint::new(config).unwrap()
}

async fn serve(listener: TcpListener, endpoint: Arc<ServerEndpoint>, kept: Arc<Mutex<Kept>>) {
    while let Ok((tcp, _)) = listener.accept().await {
        tokio::spawn(connection(tcp, endpoint.clone(), kept.clone()));
    }
}

async fn connection(tcp: TcpStream, endpoint: Arc<ServerEndpoint>, kept: Arc<Mutex<Kept>>) {
    let Ok(Accepted::Attested(attested)) = endpoint.accept_tcp(tcp).await else {
        return;
    };
    let answer = service_fn(move |request| {
        let kept = kept.clone();
        async move { Ok::<_, Infallible>(keep(&kept, request).await) }
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(attested.stream), answer)
        .await;
}

/// Keeps a request and says that there is no such method. Of a stream it waits for the first
/// bytes, which the client sends before it is answered.
async fn keep(kept: &Mutex<Kept>, request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let (parts, mut body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let content = parts.headers["content-type"].clone();
    let body = if path.ends_with("/Operate") {
        let first = body.frame().await;
        first
            .and_then(|frame| frame.ok()?.into_data().ok())
            .unwrap_or_default()
    } else {
        body.collect()
            .await
            .map_or_else(|_| Bytes::new(), |body| body.to_bytes())
    };
    let mut kept = kept.lock().unwrap();
    kept.requests.push(Harvested {
        path,
        headers: parts.headers,
        body,
    });
    let mut answer = Response::new(Empty::new());
    if !content.as_bytes().starts_with(b"application/grpc") {
        *answer.status_mut() = StatusCode::NOT_FOUND;
    }
    let nonce = HeaderValue::from_str(&kept.nonce).unwrap();
    for (name, value) in [
        (
            "content-type",
            HeaderValue::from_static("application/grpc+proto"),
        ),
        ("grpc-status", HeaderValue::from_static("12")),
        ("dpop-nonce", nonce),
    ] {
        answer.headers_mut().insert(name, value);
    }
    answer
}
