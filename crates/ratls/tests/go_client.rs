//! The Go program on the stock library, against a Rust vault: nobody is locked out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratls::tls::{Accepted, ServerConfig, ServerEndpoint};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use support::double::{Double, blind_relay, elsewhere, relay_with_key};
use support::{Enclave, VAULT_BUILD, World, clock, copy, measurement};
use tokio::net::TcpListener;
use tokio::process::Command;
use vault_policy::VaultId;

/// Answers every request with the version of HTTP that it came in.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.version(), Version::HTTP_2);
    let status = if request.uri().path() == "/inside" {
        200
    } else {
        404
    };
    Ok(Response::builder()
        .status(status)
        .body(Full::default())
        .unwrap())
}

/// A vault that serves HTTP/2 behind the preamble.
async fn http_vault(world: &World, enclave: &Enclave) -> (ratls::Leaf, SocketAddr) {
    let leaf = enclave.issue(ratls::Role::Vault, Some([3; 32]));
    let shown = copy(&leaf);
    let issuer = Arc::new(move |_| Ok(copy(&shown)));
    let config = ServerConfig::new(issuer, enclave.quoter(), world.trust(), clock());
    let endpoint = Arc::new(ServerEndpoint::new(config).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let endpoint = endpoint.clone();
            tokio::spawn(async move {
                if let Ok(Accepted::Attested(attested)) = endpoint.accept_tcp(tcp).await {
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(attested.stream), service_fn(answer))
                        .await
                        .ok();
                }
            });
        }
    });
    (leaf, address)
}

async fn build(folder: &Path) -> PathBuf {
    let program = folder.join("preamble-check");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../go");
    let built = Command::new("go")
        .args(["build", "-o"])
        .args([program.as_os_str(), "./cmd/preamble-check".as_ref()])
        .current_dir(module)
        .output()
        .await
        .expect("Go is on the path");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    program
}

async fn run(program: &Path, address: SocketAddr, vault: VaultId) -> Output {
    let (address, vault) = (address.to_string(), vault.to_string());
    Command::new(program)
        .args(["-addr", &address, "-vault-id", &vault, "-path", "/inside"])
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

async fn refusal(program: &Path, address: SocketAddr, vault: VaultId) -> String {
    let output = run(program, address, vault).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let text = String::from_utf8(output.stderr).unwrap();
    text.trim_end()
        .rsplit_once("refused: ")
        .expect("a reason")
        .1
        .to_owned()
}

#[tokio::test]
async fn a_go_program_of_120_lines_attests_a_vault_and_speaks_http2_inside() {
    let source = include_str!("../../../go/cmd/preamble-check/main.go");
    assert!(source.lines().count() <= 120);
    let folder = tempfile::tempdir().unwrap();
    let program = build(folder.path()).await;
    let world = World::new();
    let enclave = world.enclave(VAULT_BUILD);
    let (leaf, address) = http_vault(&world, &enclave).await;
    let vault = leaf.claims.vault_id().unwrap();

    for address in [address, blind_relay(address).await] {
        let output = run(&program, address, vault).await;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["vault_id"], vault.to_string());
        assert_eq!(said["measurement"], measurement(VAULT_BUILD).to_string());
        assert_eq!(said["quote_signatures"], "NOT verified by this program");
        assert_eq!(
            (said["protocol"].as_str(), said["status"].as_u64()),
            (Some("HTTP/2.0"), Some(200))
        );
    }

    let relay = relay_with_key(address, &leaf).await;
    assert_eq!(refusal(&program, relay, vault).await, "binding");
    let other = VaultId(vault_encoding::Hash([1; 32]));
    assert_eq!(refusal(&program, address, other).await, "other_vault");
    let claims = enclave
        .issue(ratls::Role::Vault, Some([3; 32]))
        .claims
        .to_bytes();
    let double = Double::start(enclave.clone(), &leaf, move |number, frame| match number {
        0 => frame.proof.place = elsewhere(&frame.proof.place),
        1 => frame.proof.quote[48 + 320] ^= 1,
        2 => frame.proof.claims = claims.clone(),
        _ => frame.proof.quote.truncate(100),
    })
    .await;
    for code in ["binding", "report_data", "claims", "malformed"] {
        assert_eq!(refusal(&program, double.address, vault).await, code);
    }
}
