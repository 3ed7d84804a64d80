//! `vault-bench [SECONDS]`: P-256 signatures per second of server CPU, as a share of what
//! `openssl speed ecdsap256` makes of one core in the same run.
//!
//! The server is a process of its own on the SIMULATED platform; this process drives it over
//! loopback with many unary calls in flight, with everything on: attested channel, token, policy,
//! verified signature, durable log. Only ratios are worth quoting.

use anyhow::{Context, Result, ensure};
use buffa::Message;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratls::tls::{self, ExpectedVault, Trust};
use ratls::{AppraisalPolicy, TrustRoot};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tee_sim::SimRoot;
use tokio::net::TcpStream;
use vault_client::{Client, CreateKey, KeyName};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, UnixSeconds, template};
use vault_proto::v1;
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const CONNECTIONS: usize = 16;
const IN_FLIGHT: usize = 16;
const ROUNDS: usize = 3;

fn main() -> Result<()> {
    let seconds = match std::env::args().nth(1) {
        None => 4,
        Some(text) => text.parse().context("usage: vault-bench [SECONDS]")?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(bench(Duration::from_secs(seconds)))
}

/// One round: the yardstick, then the vault.
struct Round {
    openssl: f64,
    vault: f64,
}

async fn bench(span: Duration) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut config = IssuerConfig::new(vec![issuer::Client::new(
        "owner",
        "secret",
        &["vault:owner"],
    )]);
    config.token_seconds = 24 * 3600;
    let issuer = Issuer::start(config).await?;
    let server = std::env::current_exe()?.with_file_name("sim-vault");
    let server = server.to_str().context("the path is not UTF-8")?.to_owned();
    let mut vault = VaultProcess::prepare(&[&server], dir.path(), &issuer)?;
    vault.start()?;
    let key = create(&vault.client(&issuer, "owner").await?, &issuer).await?;
    let addr = vault
        .ready()
        .context("the vault does not run")?
        .addr
        .clone();
    let call = Call::sign(key, &issuer.token("owner").context("no owner")?);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(dir.path(), &addr).await?);
    }
    let process = vault.id().context("the vault does not run")?;
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        eprintln!("round {number} of {ROUNDS}");
        let openssl = yardstick()?;
        let vault = signatures_per_cpu_second(&connections, &call, process, span).await?;
        rounds.push(Round { openssl, vault });
    }
    report(&rounds)
}

async fn create(client: &Client, issuer: &Issuer) -> Result<KeyName> {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::P256Signing))?;
    let key = CreateKey {
        handle: None,
        key_type: KeyType::P256Signing,
        name: "bench".into(),
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    };
    Ok(KeyName::from(client.create_key(key).await?.value.handle))
}

/// Signatures per second of one core, by `openssl speed`.
fn yardstick() -> Result<f64> {
    let output = Command::new("openssl")
        .args(["speed", "-seconds", "2", "-mr", "ecdsap256"])
        .output()
        .context("cannot start openssl; apt-get install openssl")?;
    let said = String::from_utf8(output.stdout)?;
    // +F4:…:256:seconds per signature:seconds per verification
    let line = said
        .lines()
        .find(|line| line.starts_with("+F4:"))
        .context("no result of openssl")?;
    let per_signature: f64 = line
        .split(':')
        .nth(3)
        .context("no figure")?
        .trim()
        .parse()?;
    Ok(if per_signature < 1.0 {
        1.0 / per_signature
    } else {
        per_signature
    })
}

/// One request, encoded once.
#[derive(Clone)]
struct Call {
    authorization: String,
    body: Bytes,
}

impl Call {
    fn sign(key: KeyName, token: &str) -> Self {
        let request = v1::SignRequest {
            key: v1::KeyRef {
                handle: key.handle.to_string(),
                ..Default::default()
            }
            .into(),
            input: Some(v1::__buffa::oneof::sign_request::Input::Message(
                b"bench".to_vec(),
            )),
            format: v1::SignatureFormat::SIGNATURE_FORMAT_P1363.into(),
            ..Default::default()
        };
        let body = request.encode_to_vec().into();
        Self {
            authorization: format!("Bearer {token}"),
            body,
        }
    }

    async fn send(self, connection: &mut Connection) -> Result<()> {
        let request = Request::post("http://vault/enclavevaults.v1.CryptoService/Sign")
            .header("content-type", "application/proto")
            .header("connect-protocol-version", "1")
            .header("authorization", self.authorization)
            .body(Full::new(self.body))?;
        let response = connection.send_request(request).await?;
        ensure!(
            response.status() == StatusCode::OK,
            "the vault answered {}",
            response.status()
        );
        response.into_body().collect().await?;
        Ok(())
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// HTTP/2 behind the preamble.
async fn connect(dir: &Path, addr: &str) -> Result<Connection> {
    let root = SimRoot::open_or_create(&dir.join("sim"))?;
    let trust = Trust {
        root: TrustRoot::from_der(root.root_der())?,
        policy: AppraisalPolicy::strict(),
    };
    let machine = root.machine("one")?.platform_instance_id();
    let platform = ratls::platform_id(&machine).context("no platform id")?;
    let clock: tls::Clock = Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        UnixSeconds(since.map_or(0, |since| since.as_secs()))
    });
    let config = tls::ClientConfig::new(trust, ExpectedVault::platform(platform), clock);
    let stream = tls::connect_tcp(TcpStream::connect(addr).await?, &config)
        .await?
        .stream;
    let executor = TokioExecutor::new();
    let (send, connection) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(send)
}

async fn signatures_per_cpu_second(
    connections: &[Connection],
    call: &Call,
    process: u32,
    span: Duration,
) -> Result<f64> {
    let stop = Arc::new(AtomicBool::new(false));
    let signed = Arc::new(AtomicU64::new(0));
    let mut workers = Vec::new();
    for connection in connections.iter().cycle().take(CONNECTIONS * IN_FLIGHT) {
        let (mut connection, call) = (connection.clone(), call.clone());
        let (stop, signed) = (Arc::clone(&stop), Arc::clone(&signed));
        workers.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                call.clone().send(&mut connection).await?;
                signed.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        }));
    }
    let (cpu, count, begun) = (
        cpu_seconds(process)?,
        signed.load(Ordering::Relaxed),
        Instant::now(),
    );
    tokio::time::sleep(span).await;
    let cpu = cpu_seconds(process)? - cpu;
    let count = signed.load(Ordering::Relaxed) - count;
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await??;
    }
    eprintln!(
        "{count} signatures in {:.1} s, {cpu:.2} s of server CPU",
        begun.elapsed().as_secs_f64()
    );
    Ok(count as f64 / cpu)
}

/// User and system time of a process: fields 14 and 15 of /proc/PID/stat, in ticks of 1/100 s.
fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("malformed stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("malformed stat")?;
    Ok((user + system) / 100.0)
}

fn report(rounds: &[Round]) -> Result<()> {
    let mut shares: Vec<f64> = rounds
        .iter()
        .map(|round| round.vault / round.openssl)
        .collect();
    shares.sort_by(f64::total_cmp);
    let median = shares.get(shares.len() / 2).copied().context("no round")?;
    let spread = shares
        .last()
        .zip(shares.first())
        .map_or(0.0, |(high, low)| (high - low) / median);
    let shape = format!("{CONNECTIONS} connections, {IN_FLIGHT} in flight each");
    println!(
        "P-256 sign per server core, {shape}: {:.0} % of `openssl speed ecdsap256`",
        median * 100.0
    );
    println!(
        "spread over {ROUNDS} rounds: {:.0} %{}",
        spread * 100.0,
        if spread > 0.05 { " (NOISY)" } else { "" }
    );
    let line = json!({
        "scenario": "sign unary",
        "connections": CONNECTIONS,
        "in_flight": IN_FLIGHT,
        "share_of_openssl": median,
        "rounds": rounds.iter().map(|round| json!({
            "openssl_per_core": round.openssl, "vault_per_server_core": round.vault,
        })).collect::<Vec<_>>(),
        "spread": spread,
    });
    println!("{line}");
    Ok(())
}
