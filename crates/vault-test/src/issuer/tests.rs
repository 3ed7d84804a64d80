//! The issuer over its own sockets.

use super::*;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;

async fn call(issuer: &Issuer, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(issuer.ca_pem().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let port: u16 = issuer.url().rsplit(':').next().unwrap().parse().unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .unwrap();
    let (mut send, connection) =
        hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(tls))
            .await
            .unwrap();
    let running = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap();
    let response = send.send_request(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    running.abort();
    (status, serde_json::from_slice(&bytes).unwrap())
}

fn config() -> IssuerConfig {
    IssuerConfig::new(vec![Client::new("alice", "s3cret", &["vault:owner"])])
}

#[tokio::test]
async fn a_known_client_gets_a_token_and_others_do_not() {
    let issuer = Issuer::start(config()).await.unwrap();
    let good = "grant_type=client_credentials&client_id=alice&client_secret=s3cret";
    let (status, answer) = call(&issuer, "POST", "/token", good).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["access_token"].as_str().unwrap().split('.').count(),
        3
    );
    for bad in [
        good.replace("s3cret", "guess"),
        good.replace("alice", "bob"),
        good.replace("client_credentials", "password"),
        String::new(),
    ] {
        let (status, answer) = call(&issuer, "POST", "/token", &bad).await;
        assert!(status.is_client_error(), "{bad}");
        assert!(answer.get("access_token").is_none(), "{bad}");
    }
}

#[tokio::test]
async fn discovery_names_the_keys_and_the_test_ends_are_off_unless_asked_for() {
    let issuer = Issuer::start(config()).await.unwrap();
    let (_, discovery) = call(&issuer, "GET", "/.well-known/openid-configuration", "").await;
    assert_eq!(discovery["issuer"], issuer.url());
    assert_eq!(discovery["jwks_uri"], issuer.jwks_uri());
    let (status, _) = call(&issuer, "POST", "/test/rotate?alg=EdDSA", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn keys_are_rotated_and_dropped_on_demand() {
    let mut config = config();
    config.test_ends = true;
    let issuer = Issuer::start(config).await.unwrap();
    let first = issuer.current_key().kid().to_owned();
    let (_, rotated) = call(&issuer, "POST", "/test/rotate?alg=RS256", "").await;
    assert_eq!(rotated["kid"], issuer.current_key().kid());
    assert_eq!(issuer.current_key().algorithm(), Algorithm::Rs256);
    let (_, jwks) = call(&issuer, "GET", "/jwks", "").await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    let (_, dropped) = call(&issuer, "POST", &format!("/test/drop?kid={first}"), "").await;
    assert_eq!(dropped["dropped"], true);
    let (_, jwks) = call(&issuer, "GET", "/jwks", "").await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_restart_in_the_same_folder_is_the_same_issuer() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config();
    config.dir = Some(dir.path().to_owned());
    let before = Issuer::start(config.clone()).await.unwrap();
    before.rotate(Algorithm::EdDsa).unwrap();
    let kept = (
        before.url().to_owned(),
        before.ca_pem().to_owned(),
        before.current_key().kid().to_owned(),
    );
    drop(before);
    // The port is free once the task of the first issuer has been dropped.
    tokio::task::yield_now().await;
    let after = Issuer::start(config).await.unwrap();
    assert_eq!(after.ca_pem(), kept.1);
    assert_eq!(after.current_key().kid(), kept.2);
    assert_eq!(after.url(), kept.0);
    let (status, _) = call(&after, "GET", "/jwks", "").await;
    assert_eq!(status, StatusCode::OK);
}
