//! A vault process, and a client that says exactly what it is told to: HTTP/2 behind the preamble,
//! any header, any bytes.

use buffa::Message;
use bytes::Bytes;
use connectrpc::ConnectError;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratls::tls::{self, ClientKey, ClientStream, ExpectedVault, Trust};
use ratls::{AppraisalPolicy, TrustRoot};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tee_sim::SimRoot;
use tokio::net::TcpStream;
use vault_policy::UnixSeconds;
use vault_proto::{detail_of, v1};
use vault_test::issuer::Issuer;
use vault_test::process::VaultProcess;

pub(crate) const WHO_AM_I: &str = "/enclavevaults.v1.VaultService/WhoAmI";

/// A vault with this issuer, whose configuration is changed before it starts, and its address.
pub(crate) fn vault(
    dir: &Path,
    issuer: &Issuer,
    change: impl FnOnce(String) -> String,
) -> (VaultProcess, String) {
    let program = env!("CARGO_BIN_EXE_sim-vault");
    let mut vault = VaultProcess::prepare(&[program], dir, issuer).unwrap();
    let file = dir.join("vault.toml");
    let text = change(std::fs::read_to_string(&file).unwrap());
    std::fs::write(&file, text).unwrap();
    let addr = vault.start().unwrap().addr.clone();
    (vault, addr)
}

/// What a refused call says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: v1::ErrorCode,
    pub(crate) message: String,
}

/// One attested connection.
pub(crate) struct Wire {
    send: SendRequest<Full<Bytes>>,
}

/// TLS and the preamble, and nothing behind it yet.
pub(crate) async fn attested(dir: &Path, addr: &str) -> ClientStream<TcpStream> {
    let tcp = TcpStream::connect(addr).await.unwrap();
    attested_over(dir, tcp).await.unwrap()
}

/// The same over a connection that stands.
pub(crate) async fn attested_over(
    dir: &Path,
    tcp: TcpStream,
) -> Result<ClientStream<TcpStream>, tls::ConnectError> {
    Ok(tls::connect_tcp(tcp, &config(dir)).await?.stream)
}

fn config(dir: &Path) -> tls::ClientConfig {
    let root = SimRoot::open_or_create(&dir.join("sim")).unwrap();
    let trust = Trust {
        root: TrustRoot::from_der(root.root_der()).unwrap(),
        policy: AppraisalPolicy::strict(),
    };
    let platform = root.machine("one").unwrap().platform_instance_id();
    let expected = ExpectedVault::platform(ratls::platform_id(&platform).unwrap());
    let now: tls::Clock = Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        UnixSeconds(since.as_secs())
    });
    tls::ClientConfig::new(trust, expected, now)
}

impl Wire {
    pub(crate) async fn connect(dir: &Path, addr: &str) -> Self {
        Self::over(attested(dir, addr).await).await
    }

    /// Of a client that shows a certificate.
    #[allow(dead_code, reason = "not every suite has certificates")]
    pub(crate) async fn holding(dir: &Path, addr: &str, certificate: Arc<ClientKey>) -> Self {
        let tcp = TcpStream::connect(addr).await.unwrap();
        let config = config(dir).with_certificate(certificate);
        Self::over(tls::connect_tcp(tcp, &config).await.unwrap().stream).await
    }

    async fn over(stream: ClientStream<TcpStream>) -> Self {
        let io = TokioIo::new(stream);
        let (send, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .unwrap();
        tokio::spawn(connection);
        Self { send }
    }

    /// The bytes of an answer, or the refusal with its typed detail.
    pub(crate) async fn call(
        &self,
        path: &str,
        authorization: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Bytes, Refused> {
        let mut request = Request::post(format!("http://vault{path}"))
            .header("content-type", "application/proto")
            .header("connect-protocol-version", "1");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = self.send.clone().send_request(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        if status == StatusCode::OK {
            return Ok(bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        let error: ConnectError =
            connect_error(&bytes).unwrap_or_else(|| panic!("{status} without an error: {text}"));
        let detail = detail_of(&error).unwrap_or_else(|| panic!("no detail: {text}"));
        Err(Refused {
            code: detail.code.as_known().unwrap(),
            message: error.message.unwrap_or_default(),
        })
    }

    /// Everything that an answer shows: its status, its headers but for the time, and its bytes. Without a
    /// token where there is none.
    #[allow(dead_code, reason = "not every suite looks at all of it")]
    pub(crate) async fn raw(
        &self,
        path: &str,
        authorization: &str,
        body: Vec<u8>,
    ) -> (StatusCode, Vec<(String, String)>, Bytes) {
        let request = Request::post(format!("http://vault{path}"))
            .header("content-type", "application/proto")
            .header("connect-protocol-version", "1");
        let request = match authorization {
            "" => request,
            authorization => request.header("authorization", authorization),
        };
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = self.send.clone().send_request(request).await.unwrap();
        let headers = response
            .headers()
            .iter()
            .filter(|(name, _)| *name != "date");
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), value.into_owned())
        });
        let (status, headers) = (response.status(), headers.collect());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, headers, bytes)
    }

    /// Who the vault takes the bearer of this token for.
    #[allow(dead_code, reason = "not every suite sends tokens")]
    pub(crate) async fn who(&self, token: &str) -> Result<v1::WhoAmIResponse, Refused> {
        let authorization = format!("Bearer {token}");
        let body = self
            .call(WHO_AM_I, Some(&authorization), Vec::new())
            .await?;
        Ok(v1::WhoAmIResponse::decode_from_slice(&body).unwrap())
    }

    /// The refusal of a token: code, and the reason behind "token refused: ".
    #[allow(dead_code, reason = "not every suite sends tokens")]
    pub(crate) async fn reason(&self, token: &str) -> (v1::ErrorCode, String) {
        let refused = self.who(token).await.unwrap_err();
        let reason = refused.message.strip_prefix("token refused: ");
        (refused.code, reason.unwrap_or(&refused.message).to_owned())
    }
}

fn connect_error(bytes: &[u8]) -> Option<ConnectError> {
    serde_json::from_slice(bytes).ok()
}
