//! One document over TLS that ends in this process: no redirects, no proxies, no cookies.

use crate::config::{TrustedIssuer, authority};
use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use vault_core::authn::jwks::{JwksError, KeySet, LONGEST};

/// Longest time from the name to the last byte.
const DEADLINE: Duration = Duration::from_secs(10);
/// Longest header of an answer.
const HEADER: usize = 16 << 10;

/// Why there are no keys. Names no addresses: the configuration has them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no connection: {0}")]
    Connect(std::io::ErrorKind),
    #[error("the connection or its TLS failed: {0}")]
    Tls(std::io::ErrorKind),
    #[error("the issuer's answer is not HTTP")]
    Http,
    #[error("the issuer answered {0}")]
    Status(StatusCode),
    #[error("the document is too long or broke off")]
    Body,
    #[error("the issuer took too long")]
    Timeout,
    #[error(transparent)]
    Jwks(#[from] JwksError),
}

/// Where the keys of one issuer are.
pub(super) struct Source {
    host: String,
    port: u16,
    target: String,
    name: ServerName<'static>,
    tls: TlsConnector,
}

impl Source {
    pub(super) fn new(issuer: &TrustedIssuer) -> anyhow::Result<Self> {
        let uri = &issuer.config.jwks_uri;
        let (host, port) =
            authority(uri).ok_or_else(|| anyhow::anyhow!("jwks_uri is not an https address"))?;
        let parsed: http::Uri = uri.parse()?;
        let target = parsed.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            name: ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?,
            target: target.to_owned(),
            tls: TlsConnector::from(Arc::new(tls(issuer)?)),
            host,
            port,
        })
    }

    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let document = timeout(DEADLINE, self.document())
            .await
            .map_err(|_| FetchError::Timeout)??;
        Ok(KeySet::parse(&document)?)
    }

    async fn document(&self) -> Result<Bytes, FetchError> {
        let address = (self.host.trim_matches(['[', ']']), self.port);
        let tcp = TcpStream::connect(address)
            .await
            .map_err(|error| FetchError::Connect(error.kind()))?;
        let tls = self
            .tls
            .connect(self.name.clone(), tcp)
            .await
            .map_err(|error| FetchError::Tls(error.kind()))?;
        let (mut send, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(HEADER)
            .handshake::<_, Empty<Bytes>>(TokioIo::new(tls))
            .await
            .map_err(|_| FetchError::Http)?;
        let answer = async {
            let response = send
                .send_request(self.request()?)
                .await
                .map_err(|_| FetchError::Http)?;
            if response.status() != StatusCode::OK {
                return Err(FetchError::Status(response.status()));
            }
            let body = Limited::new(response.into_body(), LONGEST).collect().await;
            Ok(body.map_err(|_| FetchError::Body)?.to_bytes())
        };
        tokio::pin!(answer, connection);
        tokio::select! {
            answer = &mut answer => answer,
            // The connection may end with the last byte; what it brought is still to be read.
            _ = &mut connection => answer.await,
        }
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, FetchError> {
        Request::get(&self.target)
            .header(HOST, format!("{}:{}", self.host, self.port))
            .header(ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|_| FetchError::Http)
    }
}

/// TLS 1.3 that leads to the configured certificates and to no others.
fn tls(issuer: &TrustedIssuer) -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = RootCertStore::empty();
    for root in &issuer.roots {
        roots.add(root.clone())?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
