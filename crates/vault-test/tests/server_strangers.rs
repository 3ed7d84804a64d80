//! What strangers can take from a running vault: connections, handshakes and memory, and never
//! so much of them that those who are known get none, or that the vault ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod server_wire;

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use server_wire::{WHO_AM_I, Wire, attested, vault};
use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use vault_client::CreateKey;
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_test::issuer::{Client, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

async fn issuer() -> Issuer {
    let mut config = IssuerConfig::new(vec![Client::new("alice", "s", &["vault:owner"])]);
    config.token_seconds = 3600;
    Issuer::start(config).await.unwrap()
}

fn new_key(issuer: &Issuer, name: String) -> CreateKey {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "alice".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::HmacSha256)).unwrap();
    CreateKey {
        handle: None,
        key_type: KeyType::HmacSha256,
        name,
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_end_leave_the_files_that_the_log_needs() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let few_files = "ulimit -n 96; exec \"$0\" \"$@\"";
    let program = ["sh", "-c", few_files, env!("CARGO_BIN_EXE_sim-vault")];
    let mut vault = VaultProcess::prepare(&program, dir.path(), &issuer).unwrap();
    let file = dir.path().join("vault.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[limits]\nsnapshot_records = 16\n")).unwrap();
    let addr = vault.start().unwrap().addr.clone();
    let client = vault.client(&issuer, "alice").await.unwrap();
    client
        .create_key(new_key(&issuer, "first".into()))
        .await
        .unwrap();
    let mut held = Vec::new();
    for _ in 0..200 {
        held.extend(TcpStream::connect(&addr).await);
    }
    // Each snapshot is a new file.
    for number in 0..60 {
        let created = client.create_key(new_key(&issuer, number.to_string()));
        created.await.unwrap();
    }
    vault.kill().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_of_one_address_leave_room_for_others() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let few = |text| format!("{text}\n[limits]\nconnections = 8\nhandshakes = 4\n");
    let (mut vault, addr) = vault(dir.path(), &issuer, few);
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(TcpStream::connect(&addr).await.unwrap());
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let other = socket.connect(addr.parse().unwrap()).await.unwrap();
    server_wire::attested_over(dir.path(), other).await.unwrap();
    vault.kill().unwrap();
}

/// A body that is empty, or that never ends.
struct Hanging(bool);

impl Body for Hanging {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0 {
            true => Poll::Pending,
            false => Poll::Ready(None),
        }
    }
}

/// A connection with a hundred requests of strangers on it that never end.
async fn hanging(dir: &Path, addr: &str) -> SendRequest<Hanging> {
    let io = TokioIo::new(attested(dir, addr).await);
    let (mut send, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut ask = |endless| {
        let request = Request::post(format!("http://vault{WHO_AM_I}"))
            .header("content-type", "application/proto")
            .body(Hanging(endless))
            .unwrap();
        send.send_request(request)
    };
    for _ in 0..100 {
        tokio::spawn(ask(true));
    }
    // One more is answered, whatever it is told.
    ask(false).await.unwrap();
    send
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_strangers_that_never_end_leave_memory_to_the_known() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let little = |text| format!("{text}\n[limits]\nmemory_mib = 4\nrequest_seconds = 600\n");
    let (mut vault, addr) = vault(dir.path(), &issuer, little);
    let wire = Wire::connect(dir.path(), &addr).await;
    let token = issuer.token("alice").unwrap();
    let known = async {
        let _held = [
            hanging(dir.path(), &addr).await,
            hanging(dir.path(), &addr).await,
        ];
        wire.who(&token).await.unwrap().subject
    };
    let subject = timeout(Duration::from_secs(60), known).await.unwrap();
    assert_eq!(subject, "alice");
    vault.kill().unwrap();
}
