//! The one HTTPS request that a token needs: TLS 1.3 to named roots, bounded, no redirects.

use crate::error::{Error, ErrorCode, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const DEADLINE: Duration = Duration::from_secs(15);
const LARGEST_ANSWER: usize = 64 << 10;

/// Which certificate authorities an issuer's certificate may come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrustedRoots {
    /// The bundle that the system keeps (or `SSL_CERT_FILE` names).
    System,
    /// The certificates of one PEM file, and no others.
    File(PathBuf),
}

impl TrustedRoots {
    fn load(&self) -> Result<rustls::RootCertStore> {
        match self {
            Self::File(path) => read_bundle(path),
            Self::System => {
                let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
                let path =
                    named.unwrap_or_else(|| PathBuf::from("/etc/ssl/certs/ca-certificates.crt"));
                read_bundle(&path)
            }
        }
    }
}

fn read_bundle(path: &Path) -> Result<rustls::RootCertStore> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::new(ErrorCode::FileInaccessible).detail(format_args!("{}: {error}", path.display()))
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(unreadable(&"holds no certificate"));
    }
    Ok(roots)
}

/// Sends one request and reads the whole answer.
pub(super) async fn send(
    request: http::Request<Full<Bytes>>,
    roots: &TrustedRoots,
) -> Result<http::Response<Bytes>> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    tokio::time::timeout(DEADLINE, exchange(request, roots))
        .await
        .unwrap_or_else(|_| Err(unreachable(&host, "no answer within 15 seconds")))
}

async fn exchange(
    request: http::Request<Full<Bytes>>,
    roots: &TrustedRoots,
) -> Result<http::Response<Bytes>> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    let port = request.uri().port_u16().unwrap_or(443);
    let failed = |error: &dyn std::fmt::Display| unreachable(&host, error);
    let name = ServerName::try_from(host.clone())
        .map_err(|error| Error::new(ErrorCode::ConfigInvalid).detail(error))?;
    let tcp = TcpStream::connect((host.trim_matches(['[', ']']), port))
        .await
        .map_err(|error| failed(&error))?;
    let tls = connector(roots)?
        .connect(name, tcp)
        .await
        .map_err(|error| failed(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls))
        .await
        .map_err(|e| failed(&e))?;
    let driver = tokio::spawn(connection);
    let answer = sender
        .send_request(request)
        .await
        .map_err(|error| failed(&error))?;
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER)
        .collect()
        .await
        .map_err(|error| failed(&error))?
        .to_bytes();
    driver.abort();
    Ok(http::Response::from_parts(parts, body))
}

pub(crate) fn connector(roots: &TrustedRoots) -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| Error::new(ErrorCode::Internal).detail(error))?
        .with_root_certificates(roots.load()?)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn unreachable(host: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::IssuerUnavailable).detail(format_args!("{host}: {why}"))
}
