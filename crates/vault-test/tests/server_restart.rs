//! What a vault process does when it starts again: with its snapshot, without it, on another
//! machine, under another configuration; and what a connection without the preamble gets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod server_wire;

use buffa::Message;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use server_wire::{WHO_AM_I, Wire, vault};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vault_client::{Client, CreateKey, Input, KeyName};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_proto::v1::{self, ErrorCode};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const GET_INFO: &str = "/enclavevaults.v1.VaultService/GetInfo";

async fn issuer() -> Issuer {
    let client = issuer::Client::new("owner", "secret", &["vault:owner"]);
    Issuer::start(IssuerConfig::new(vec![client]))
        .await
        .unwrap()
}

async fn new_key(client: &Client, issuer: &Issuer) -> KeyName {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::Ed25519Signing)).unwrap();
    let created = client
        .create_key(CreateKey {
            handle: None,
            key_type: KeyType::Ed25519Signing,
            name: "kept".into(),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
        })
        .await
        .unwrap();
    KeyName::from(created.value.handle)
}

async fn sign(client: &Client, key: KeyName) {
    let input = Input::Message(b"again".to_vec());
    client.sign(key, input, false).await.unwrap();
}

async fn info(dir: &Path, addr: &str) -> v1::GetInfoResponse {
    let wire = Wire::connect(dir, addr).await;
    let body = wire.call(GET_INFO, None, Vec::new()).await.unwrap();
    v1::GetInfoResponse::decode_from_slice(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_opens_with_its_snapshot_and_without_it() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let small = |text: String| text + "\n[limits]\nsnapshot_records = 16\n";
    let (mut vault, _) = vault(dir.path(), &issuer, small);
    let client = vault.client(&issuer, "owner").await.unwrap();
    let key = new_key(&client, &issuer).await;
    for _ in 0..80 {
        sign(&client, key).await;
    }
    drop(client);
    vault.kill().unwrap();
    let snapshot = dir.path().join("data/snapshot.sealed");
    let mut bytes = std::fs::read(&snapshot).expect("a snapshot was stored");
    vault.start().unwrap();
    // The client remembers the head of before: a shorter log would be refused.
    sign(&vault.client(&issuer, "owner").await.unwrap(), key).await;
    vault.kill().unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&snapshot, &bytes).unwrap();
    vault.start().unwrap();
    sign(&vault.client(&issuer, "owner").await.unwrap(), key).await;
    vault.kill().unwrap();
    std::fs::remove_file(&snapshot).unwrap();
    vault.start().unwrap();
    sign(&vault.client(&issuer, "owner").await.unwrap(), key).await;
    vault.kill().unwrap();
}

/// Starts, and expects a vault that says why it is locked and answers nothing else.
async fn expect_locked(vault: &mut VaultProcess, issuer: &Issuer, reason: &str) {
    let addr = vault.start().unwrap().addr.clone();
    let told = info(vault.dir(), &addr).await;
    assert!(told.locked);
    assert!(
        told.locked_reason.contains(reason),
        "{}",
        told.locked_reason
    );
    let wire = Wire::connect(vault.dir(), &addr).await;
    let token = format!("Bearer {}", issuer.token("owner").unwrap());
    let refused = wire
        .call(WHO_AM_I, Some(&token), Vec::new())
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::ERROR_CODE_LOCKED);
    let (status, _) = plain(&addr, "GET /healthz").await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    vault.kill().unwrap();
}

async fn expect_open(vault: &mut VaultProcess, key: KeyName, issuer: &Issuer) {
    let addr = vault.start().unwrap().addr.clone();
    assert!(!info(vault.dir(), &addr).await.locked);
    sign(&vault.client(issuer, "owner").await.unwrap(), key).await;
    vault.kill().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_its_own_or_trusts_others_stays_locked_with_the_reason() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let (mut first, _) = vault(dir.path(), &issuer, |text| text);
    let client = first.client(&issuer, "owner").await.unwrap();
    let key = new_key(&client, &issuer).await;
    drop(client);
    first.kill().unwrap();

    let config = dir.path().join("vault.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("time.skew = 31\n{text}")).unwrap();
    expect_locked(&mut first, &issuer, "trust configuration").await;
    std::fs::write(
        &config,
        text.replace("level = \"warn\"", "level = \"error\""),
    )
    .unwrap();
    expect_open(&mut first, key, &issuer).await;

    let root = dir.path().join("data/root.sealed");
    let aside = dir.path().join("aside");
    std::fs::rename(&root, &aside).unwrap();
    expect_locked(&mut first, &issuer, "root.sealed is missing").await;
    std::fs::rename(&aside, &root).unwrap();
    expect_open(&mut first, key, &issuer).await;

    let elsewhere = tempfile::tempdir().unwrap();
    let (mut second, _) = vault(elsewhere.path(), &issuer, |text| text);
    second.kill().unwrap();
    let theirs = elsewhere.path().join("data");
    std::fs::remove_dir_all(&theirs).unwrap();
    std::fs::create_dir(&theirs).unwrap();
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), theirs.join(entry.file_name())).unwrap();
    }
    expect_locked(&mut second, &issuer, "another machine").await;
    expect_open(&mut first, key, &issuer).await;
}

/// Believes any certificate: whoever comes without the preamble learns nothing from it.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// One HTTP/1.1 request without the preamble: status line and body.
async fn plain(addr: &str, request: &str) -> (String, String) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tcp = tokio::net::TcpStream::connect(addr).await.unwrap();
    let name = ServerName::try_from("vault").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut tls = connector.connect(name, tcp).await.unwrap();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: vault\r\ncontent-type: application/proto\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    tls.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer that ends TLS without a farewell has said all the same what it said.
    let _ = tls.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap().to_owned();
    // The object itself, without the lengths of chunks around it.
    let object = body.find('{').zip(body.rfind('}'));
    let object = object.map(|(from, to)| body[from..=to].to_owned());
    (status, object.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_the_preamble_gets_health_and_nothing_else() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let (mut vault, addr) = vault(dir.path(), &issuer, |text| text);
    let (status, body) = plain(&addr, "GET /healthz").await;
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("HTTP/1.1 200 OK", r#"{"status":"serving"}"#)
    );
    for request in [
        format!("POST {GET_INFO}"),
        format!("POST {WHO_AM_I}"),
        "GET /".into(),
    ] {
        let (status, body) = plain(&addr, &request).await;
        assert_eq!(status, "HTTP/1.1 401 Unauthorized", "{request}");
        let error: connectrpc::ConnectError = serde_json::from_str(&body).unwrap();
        let detail = vault_proto::detail_of(&error).unwrap();
        assert_eq!(detail.code, ErrorCode::ERROR_CODE_NOT_ATTESTED, "{request}");
    }
    assert!(
        !info(dir.path(), &addr).await.locked,
        "the same with the preamble"
    );
    vault.kill().unwrap();
}
