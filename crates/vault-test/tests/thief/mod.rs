//! A client that sends whatever headers and bytes it has come by: gRPC over HTTP/2 behind the
//! preamble, with or without a client certificate of its own.
#![allow(dead_code, reason = "not every suite uses all of it")]

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratls::tls::{self, ClientKey, ExpectedVault, Trust};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use vault_client::ClientConfig;
use vault_client::token::{ProofKey, ProofOf};
use vault_policy::{UnixSeconds, VaultId};
use vault_test::issuer::{Client, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

pub(crate) const WHO_AM_I: &str = "/enclavevaults.v1.VaultService/WhoAmI";
pub(crate) const OPERATE: &str = "/enclavevaults.v1.CryptoService/Operate";
/// `UNAUTHENTICATED` of gRPC.
pub(crate) const UNAUTHENTICATED: u32 = 16;

pub(crate) async fn issuer() -> Issuer {
    let client = Client::new("owner", "secret", &["vault:owner"]);
    Issuer::start(IssuerConfig::new(vec![client]))
        .await
        .unwrap()
}

/// A running vault in a folder of its own.
pub(crate) fn vault(dir: &Path, name: &str, issuer: &Issuer) -> VaultProcess {
    let home = dir.join(name);
    std::fs::create_dir(&home).unwrap();
    let program = env!("CARGO_BIN_EXE_sim-vault");
    let mut vault = VaultProcess::prepare(&[program], &home, issuer).unwrap();
    vault.start().unwrap();
    vault
}

pub(crate) fn id(vault: &VaultProcess) -> VaultId {
    vault.ready().unwrap().pins.vault_id
}

/// How the SDK is configured for this vault, but for its tokens.
pub(crate) fn config(vault: &VaultProcess) -> ClientConfig {
    let ready = vault.ready().unwrap();
    vault.client_config(ready, "owner").unwrap()
}

/// What a call came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: u32,
    pub(crate) message: String,
    /// What the header `dpop-nonce` says.
    pub(crate) nonce: Option<String>,
}

impl Outcome {
    pub(crate) fn is_refused(&self) -> bool {
        self.status == UNAUTHENTICATED
    }
}

/// One attested connection.
#[derive(Clone)]
pub(crate) struct Thief {
    send: SendRequest<Full<Bytes>>,
    vault: VaultId,
}

impl Thief {
    /// Connects to the vault of `config`, and shows this certificate.
    pub(crate) async fn connect(config: &ClientConfig, shown: Option<Arc<ClientKey>>) -> Self {
        let trust = Trust {
            root: config.trust.clone(),
            policy: config.appraisal.clone(),
        };
        let now: tls::Clock = Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            UnixSeconds(since.as_secs())
        });
        let vault = config.vault.vault_id;
        let mut dialled = tls::ClientConfig::new(trust, ExpectedVault::vault(vault), now);
        dialled.certificate = shown;
        let tcp = TcpStream::connect(&config.endpoint).await.unwrap();
        let attested = tls::connect_tcp(tcp, &dialled).await.unwrap();
        let io = TokioIo::new(attested.stream);
        let (send, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .unwrap();
        tokio::spawn(connection);
        Self { send, vault }
    }

    /// Sends a gRPC request with these headers beside those that gRPC needs.
    pub(crate) async fn call(&self, path: &str, headers: &HeaderMap, body: Bytes) -> Outcome {
        let mut request = Request::post(format!("https://{}{path}", self.vault))
            .body(Full::new(body))
            .unwrap();
        *request.headers_mut() = headers.clone();
        let content = HeaderValue::from_static("application/grpc+proto");
        request.headers_mut().insert("content-type", content);
        let trailers = HeaderValue::from_static("trailers");
        request.headers_mut().insert("te", trailers);
        let answer = self.send.clone().send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let (parts, body) = answer.into_parts();
        let trailers = body.collect().await.unwrap().trailers().cloned();
        let text = |name: &str| {
            let trailer = trailers.as_ref().and_then(|trailers| trailers.get(name));
            let value = parts.headers.get(name).or(trailer)?;
            Some(value.to_str().unwrap().to_owned())
        };
        Outcome {
            status: text("grpc-status").expect("a status").parse().unwrap(),
            message: text("grpc-message").unwrap_or_default(),
            nonce: text("dpop-nonce"),
        }
    }

    /// Asks who it is taken for, or opens a stream and ends it: both carry nothing.
    pub(crate) async fn ask(&self, path: &str, headers: &[(&'static str, &str)]) -> Outcome {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let body = match path {
            OPERATE => Bytes::new(),
            _ => Bytes::from_static(&[0; 5]),
        };
        self.call(path, &map, body).await
    }

    /// The nonce of this connection.
    pub(crate) async fn nonce(&self) -> String {
        self.ask(WHO_AM_I, &[]).await.nonce.expect("a nonce")
    }

    /// Asks with a token that is bound to `key`, and a proof of all that it must say.
    pub(crate) async fn prove(&self, path: &str, key: &ProofKey, token: &str) -> Outcome {
        let proof = self.proof(path, key, token, Some(&self.nonce().await));
        self.ask_bound(path, token, &proof).await
    }

    pub(crate) async fn ask_bound(&self, path: &str, token: &str, proof: &str) -> Outcome {
        let token = format!("DPoP {token}");
        self.ask(path, &[("authorization", &token), ("dpop", proof)])
            .await
    }

    pub(crate) async fn ask_bearer(&self, path: &str, token: &str) -> Outcome {
        let token = format!("Bearer {token}");
        self.ask(path, &[("authorization", &token)]).await
    }

    pub(crate) fn proof(
        &self,
        path: &str,
        key: &ProofKey,
        token: &str,
        nonce: Option<&str>,
    ) -> String {
        key.prove(&ProofOf {
            uri: &format!("https://{}{path}", self.vault),
            token: Some(token.as_bytes()),
            nonce,
        })
        .unwrap()
    }
}
