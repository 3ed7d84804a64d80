//! T-DOS: the heap of a whole vault under hostile connections, counted by its allocator: beside what its
//! connection takes, a body costs eight times its length at most, and many connections four MiB each at
//! most, on the average: one alone may take more, for a batch. The vault is this very program in a process
//! of its own, so that no client is counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "made for other suites too")]
mod server_wire;

use buffa::Message;
use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use peak_alloc::PeakAlloc;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tee_sim::{SimPlatform, SimRoot, measurement_named};
use tokio::time::timeout;
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_server::ServerConfig;
use vault_test::issuer::{Client, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const MIB: usize = 1 << 20;

/// What an attested connection takes by itself: TLS, the preamble's proofs, windows of HTTP/2.
const CONNECTION: usize = MIB;

/// Keys with long labels that somebody has, so that a page of them is as long as a page may be,
const KEYS: u8 = 120;
/// and pages that are asked for and not read, of one connection.
const PAGES: usize = 60;

/// Hostile connections at once.
const CONNECTIONS: usize = 48;
/// What they may take together, whatever each tries: the memory for requests that is configured, its
/// copies on the way through the RPC library, and what a connection itself needs.
const CONFIGURED: usize = 32 * MIB;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", config, sim, peak] => serve(Path::new(config), Path::new(sim), Path::new(peak)),
        // What a harness of tests is asked: there is one, and it is always run.
        ["--list", ..] => println!("heap: test"),
        _ => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            println!("\nrunning 1 test");
            runtime.block_on(all());
            // As a harness says it, for whoever counts; what fails ends before this.
            println!("test heap ... ok");
            println!(
                "\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"
            );
        }
    }
}

/// Runs a vault until stdin is closed, and then says what its heap was at most.
fn serve(config: &Path, sim: &Path, peak: &Path) {
    let config = ServerConfig::load(config).unwrap();
    let root = SimRoot::open_or_create(sim).unwrap();
    let machine = root.machine("one").unwrap();
    let platform = SimPlatform::builder(&machine, measurement_named("heap"))
        .build()
        .unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let since = told.clone();
    let closed = async move {
        tokio::task::spawn_blocking(move || count_from_each_line(&since))
            .await
            .unwrap();
    };
    let runtime = vault_server::runtime().unwrap();
    runtime
        .block_on(vault_server::run(config, Arc::new(platform), closed))
        .unwrap();
    let more = COUNTED.peak_usage() - told.load(Ordering::SeqCst);
    std::fs::write(peak, more.to_string()).unwrap();
}

/// With every line of stdin the count begins anew, which is said.
fn count_from_each_line(since: &AtomicUsize) {
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).unwrap() > 0 {
        since.store(COUNTED.current_usage(), Ordering::SeqCst);
        COUNTED.reset_peak_usage();
        println!("counting");
    }
}

/// A vault whose heap is counted.
struct Counted {
    child: Child,
    stdout: BufReader<ChildStdout>,
    addr: String,
    dir: PathBuf,
    peak: PathBuf,
}

impl Counted {
    fn start(dir: &Path) -> Self {
        let peak = dir.join("peak");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .args([dir.join("vault.toml"), dir.join("sim"), peak.clone()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self {
            child,
            stdout,
            addr: said["addr"].as_str().unwrap().to_owned(),
            dir: dir.to_owned(),
            peak,
        }
    }

    /// What it needs before and for the first call is not counted.
    async fn count(&mut self, token: &str) {
        let wire = server_wire::Wire::connect(&self.dir, &self.addr).await;
        wire.who(token).await.unwrap();
        drop(wire);
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "counting\n");
    }

    /// Ends it: how much more its heap was than when the count began.
    fn stop(mut self) -> usize {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        std::fs::read_to_string(&self.peak)
            .unwrap()
            .parse()
            .unwrap()
    }

    async fn connect(&self) -> SendRequest<Slow> {
        let io = TokioIo::new(server_wire::attested(&self.dir, &self.addr).await);
        let (send, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .unwrap();
        tokio::spawn(connection);
        send
    }
}

/// A body that is sent piece by piece, and may never end.
struct Slow {
    pieces: VecDeque<Bytes>,
    ends: bool,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// What is sent.
struct Attempt {
    path: &'static str,
    content: &'static str,
    body: Vec<Bytes>,
    ends: bool,
}

fn unary(path: &'static str, body: Vec<u8>, ends: bool) -> Attempt {
    Attempt {
        path,
        content: "application/proto",
        body: vec![body.into()],
        ends,
    }
}

const CREATE: &str = "KeyService/CreateKey";

/// A creation under a policy that is no policy.
fn bomb(policy: Vec<u8>) -> Vec<u8> {
    let request = v1::CreateKeyRequest {
        handle: vault_policy::KeyHandle([7; 16]).to_string(),
        r#type: v1::KeyType::KEY_TYPE_HMAC_SHA256.into(),
        policy,
        ..Default::default()
    };
    request.encode_to_vec()
}

/// Everything that somebody known tries: long and deep policies, lists of millions of empty messages, bodies
/// that never end, streams whose answers nobody reads.
fn attempts() -> Vec<Attempt> {
    let deep = "[".repeat(60 << 10).into_bytes();
    let wide = format!("[{}0]", "0,".repeat(30 << 10)).into_bytes();
    let names: String = (0..4_000).map(|name| format!("\"{name:x}\":[],")).collect();
    let object = format!("{{{names}\"end\":0}}").into_bytes();
    // A repeated field of empty messages: two bytes each on the wire.
    let labels = [0x2a, 0].repeat(MIB / 2 - 16);
    let mut envelopes = Vec::new();
    for id in 0..400u64 {
        let mac = v1::MacRequest {
            message: vec![1; 60 << 10],
            ..Default::default()
        };
        let message = v1::OperateRequest {
            id,
            call: Some(Call::Mac(mac.into())),
            ..Default::default()
        }
        .encode_to_vec();
        let mut framed = vec![0];
        framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
        framed.extend_from_slice(&message);
        envelopes.push(framed.into());
    }
    vec![
        unary(CREATE, bomb(deep), true),
        unary(CREATE, bomb(wide), true),
        unary(CREATE, bomb(object), true),
        unary(CREATE, labels, true),
        unary(CREATE, bomb(vec![b'['; MIB - 256]), true),
        unary("CryptoService/Wrap", vec![0x12; MIB - 1], false),
        unary("CryptoService/Batch", vec![0x0a; 4 * MIB - 1], false),
        unary("CryptoService/Batch", [0x0a, 0].repeat(2 * MIB - 8), true),
        Attempt {
            path: "CryptoService/Operate",
            content: "application/connect+proto",
            body: envelopes,
            ends: false,
        },
    ]
}

fn request(attempt: &Attempt, token: Option<&str>) -> Request<Slow> {
    let mut request = Request::post(format!("http://vault/enclavevaults.v1.{}", attempt.path))
        .header("content-type", attempt.content)
        .header("connect-protocol-version", "1");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = Slow {
        pieces: attempt.body.clone().into(),
        ends: attempt.ends,
    };
    request.body(body).unwrap()
}

/// One body after the other on one connection.
async fn one_by_one(dir: &Path, token: &str, attempt: &Attempt) -> usize {
    let mut vault = Counted::start(dir);
    vault.count(token).await;
    let mut connection = vault.connect().await;
    for _ in 0..4 {
        let sent = connection.send_request(request(attempt, Some(token)));
        let _: Result<hyper::Response<Incoming>, _> = sent.await;
    }
    drop(connection);
    vault.stop()
}

/// Keys of the bearer of this token, who is alice.
async fn keys(dir: &Path, addr: &str, issuer: &str, token: &str) {
    let owner = OidcSubject {
        issuer: issuer.to_owned(),
        subject: "alice".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::HmacSha256)).unwrap();
    let wire = server_wire::Wire::connect(dir, addr).await;
    for number in 0..KEYS {
        let label = |label: usize| v1::Label {
            name: format!("{label:0>256}"),
            value: "v".repeat(256),
            ..Default::default()
        };
        let request = v1::CreateKeyRequest {
            handle: vault_policy::KeyHandle([number; 16]).to_string(),
            r#type: v1::KeyType::KEY_TYPE_HMAC_SHA256.into(),
            policy: policy.canonical_bytes().to_vec(),
            labels: (0..16).map(label).collect(),
            ..Default::default()
        };
        let path = format!("/enclavevaults.v1.{CREATE}");
        let bearer = format!("Bearer {token}");
        let made = wire.call(&path, Some(&bearer), request.encode_to_vec());
        made.await.unwrap();
    }
}

/// A small question with the longest answer that there is to one.
fn page() -> Attempt {
    let list = v1::ListKeysRequest {
        page_size: 1_000,
        ..Default::default()
    };
    unary("KeyService/ListKeys", list.encode_to_vec(), true)
}

/// Everything at once on every connection; nobody reads an answer.
async fn flood(dir: &Path, issuer: &str, tokens: &[String]) -> usize {
    let mut vault = Counted::start(dir);
    keys(dir, &vault.addr, issuer, &tokens[0]).await;
    vault.count(&tokens[0]).await;
    let mut connections = Vec::new();
    let mut unread = Vec::new();
    for place in 0..CONNECTIONS {
        let mut connection = vault.connect().await;
        let token = tokens.get(place % (tokens.len() + 1)).map(String::as_str);
        for attempt in attempts().iter().chain(&attempts()) {
            unread.push(connection.send_request(request(attempt, token)));
        }
        for _ in 0..PAGES {
            unread.push(connection.send_request(request(&page(), token)));
        }
        connections.push(connection);
    }
    let mut waiting = tokio::task::JoinSet::new();
    for answer in unread {
        waiting.spawn(async move { timeout(Duration::from_secs(10), answer).await.is_ok() });
    }
    let mut answered = 0;
    while let Some(was) = waiting.join_next().await {
        answered += usize::from(was.unwrap());
    }
    assert!(
        answered > CONNECTIONS,
        "{answered} of the calls were answered"
    );
    // Whoever is honest is served meanwhile.
    let wire = server_wire::Wire::connect(dir, &vault.addr).await;
    timeout(Duration::from_secs(30), wire.who(tokens.last().unwrap()))
        .await
        .expect("an honest call is answered")
        .unwrap();
    drop((connections, wire));
    vault.stop()
}

async fn all() {
    let people = ["alice", "mallory", "honest"];
    let clients = people.map(|name| Client::new(name, "s", &["vault:owner"]));
    let mut config = IssuerConfig::new(clients.into());
    config.token_seconds = 3600;
    let issuer = Issuer::start(config).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    VaultProcess::prepare(&["none"], dir.path(), &issuer).unwrap();
    let file = dir.path().join("vault.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let memory = CONFIGURED / MIB;
    let limits = format!("{text}\n[limits]\nmemory_mib = {memory}\nrequest_seconds = 5\n");
    std::fs::write(&file, limits).unwrap();
    let tokens = people.map(|name| issuer.token(name).unwrap());
    for attempt in attempts().iter().filter(|attempt| attempt.ends) {
        let length: usize = attempt.body.iter().map(Bytes::len).sum();
        let more = one_by_one(dir.path(), &tokens[0], attempt).await;
        let (path, times) = (attempt.path, more as f64 / length as f64);
        println!(
            "heap: {path}, {length} bytes: {} KiB, {times:.1} times",
            more >> 10
        );
        assert!(
            more <= CONNECTION + 8 * length,
            "{path}: {more} bytes for {length}"
        );
    }
    let more = flood(dir.path(), issuer.url(), &tokens[..2]).await;
    let each = more / CONNECTIONS;
    println!(
        "heap: {CONNECTIONS} hostile connections: {} KiB, {} each",
        more >> 10,
        each >> 10
    );
    assert!(each <= 4 * MIB, "{each} bytes for a connection");
}
