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

fn claims_of(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&vault_encoding::text::unbase64url(part).unwrap()).unwrap()
}

const FORM: &str = "grant_type=client_credentials&client_id=alice&client_secret=s3cret";

#[tokio::test]
async fn a_token_is_bound_to_the_named_certificate_or_vault_and_strange_targets_are_refused() {
    let issuer = Issuer::start(config()).await.unwrap();
    let hash = base64url(&[7; 32]);
    let form = format!("{FORM}&x5t%23S256={hash}");
    let (_, answer) = call(&issuer, "POST", "/token", &form).await;
    let claims = claims_of(answer["access_token"].as_str().unwrap());
    assert_eq!(claims["cnf"], serde_json::json!({ "x5t#S256": hash }));
    assert_eq!(answer["token_type"], "Bearer");
    let vault = "ab".repeat(32);
    let form = format!("{FORM}&resource=https%3A%2F%2F{vault}");
    let (_, answer) = call(&issuer, "POST", "/token", &form).await;
    let claims = claims_of(answer["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], vault);
    for target in ["https://other.test", &vault, "https%3A%2F%2FAB"] {
        let form = format!("{FORM}&resource={target}");
        let (status, answer) = call(&issuer, "POST", "/token", &form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{target}");
        assert_eq!(answer["error"], "invalid_target");
    }
}

#[tokio::test]
async fn the_sdk_gets_tokens_that_are_bound_to_its_key_and_of_each_vault() {
    use vault_client::token::{ClientCredentials, ProofKey, TokenSource, TrustedRoots};
    use vault_policy::VaultId;
    let issuer = Issuer::start(config()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (secret, ca) = (dir.path().join("secret"), dir.path().join("ca.pem"));
    std::fs::write(&secret, "s3cret").unwrap();
    std::fs::write(&ca, issuer.ca_pem()).unwrap();
    let sender = ProofKey::default();
    let source = ClientCredentials {
        endpoint: issuer.token_uri().parse().unwrap(),
        client_id: "alice".into(),
        secret_file: secret,
        scope: None,
        audience: None,
        per_vault: true,
        sender: sender.clone(),
        roots: TrustedRoots::File(ca),
    };
    let vault = VaultId(vault_encoding::Hash([0xab; 32]));
    let of_all = source.token().await.unwrap();
    let of_one = source.token_for(vault).await.unwrap();
    for (token, key, audience) in [
        (of_all, sender.clone(), issuer.audience().to_owned()),
        (of_one, sender.for_vault(vault), vault.to_string()),
    ] {
        assert!(token.is_bound());
        let claims = claims_of(token.danger_text());
        assert_eq!(claims["cnf"]["jkt"], key.thumbprint().unwrap());
        assert_eq!(claims["aud"], audience);
    }
}
