//! `vault-bench [SECONDS]`: P-256 signatures per second of server CPU, as a share of what
//! `openssl speed ecdsap256` makes of one core in the same run.
//!
//! The server is a process of its own on the SIMULATED platform; this process drives it over
//! loopback with many calls in flight, through the SDK, with everything on: attested channel,
//! token, policy, durable log, verified receipts. Only ratios are worth quoting.

use anyhow::{Context, Result};
use serde_json::json;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vault_client::{Client, CreateKey, Input, KeyName};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
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
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(vault.client(&issuer, "owner").await?);
    }
    let process = vault.id().context("the vault does not run")?;
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        eprintln!("round {number} of {ROUNDS}");
        let openssl = yardstick()?;
        let vault = signatures_per_cpu_second(&clients, key, process, span).await?;
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

async fn signatures_per_cpu_second(
    clients: &[Client],
    key: KeyName,
    process: u32,
    span: Duration,
) -> Result<f64> {
    let stop = Arc::new(AtomicBool::new(false));
    let signed = Arc::new(AtomicU64::new(0));
    let mut workers = Vec::new();
    for client in clients.iter().cycle().take(CONNECTIONS * IN_FLIGHT) {
        let (client, stop, signed) = (client.clone(), Arc::clone(&stop), Arc::clone(&signed));
        workers.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                client
                    .sign(key, Input::Message(b"bench".to_vec()), false)
                    .await?;
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
