//! What `cargo xtask bench` measures: a vault as a process of its own on the SIMULATED platform,
//! driven over loopback with everything on (attested channel, token, policy, verified signature,
//! durable log, head and proof in every receipt), as a share of a yardstick of the same run.

pub(crate) mod calls;
mod connect;
mod hostile;
pub(crate) mod load;
mod machine;
mod open;
mod reconstruct;
mod report;
pub(crate) mod usage;
pub(crate) mod wire;
mod yardstick;

use crate::issuer::{self, Issuer, IssuerConfig};
use crate::process::VaultProcess;
use anyhow::{Context, Result};
use load::Shape;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Repetitions; a result is their median.
    pub rounds: usize,
    /// Length of one load.
    pub span: Duration,
    /// Connects of one round.
    pub connects: usize,
    /// Calls of the honest client beside a hostile tenant.
    pub operations: usize,
    /// Secrets that are reconstructed in one round.
    pub secrets: usize,
    /// Numbers of keys with which a store is opened: powers of ten from the one to the other.
    pub keys: (usize, usize),
    /// The same of entries of the log.
    pub entries: (usize, usize),
}

impl Plan {
    /// About ten minutes, most of them for the largest stores, and 10 GB of disk.
    pub fn full() -> Self {
        Self {
            rounds: 3,
            span: Duration::from_secs(2),
            connects: 32,
            operations: 20_000,
            secrets: 40,
            keys: (1_000, 1_000_000),
            entries: (10_000, 10_000_000),
        }
    }

    /// Shows that everything runs; its figures say nothing.
    pub fn quick() -> Self {
        Self {
            rounds: 1,
            span: Duration::from_millis(100),
            connects: 2,
            operations: 100,
            secrets: 2,
            keys: (10, 100),
            entries: (100, 1_000),
        }
    }
}

/// Loads of one vault: name, shape, operation.
const LOADS: [(&str, Shape, &str); 10] = [
    ("sign unary 16x16", Shape::unary(16, 16), "p256"),
    ("sign unary 64x1", Shape::unary(64, 1), "p256"),
    ("sign stream 16x16", Shape::stream(16, 16), "p256"),
    ("sign stream 64x1", Shape::stream(64, 1), "p256"),
    ("sign batch 16 16x1", Shape::batch(16, 16), "p256"),
    (
        "sign ed25519 stream 16x16",
        Shape::stream(16, 16),
        "ed25519",
    ),
    ("mac stream 16x16", Shape::stream(16, 16), "hmac"),
    ("wrap 4 KiB stream 16x16", Shape::stream(16, 16), "wrap"),
    ("unwrap 4 KiB stream 16x16", Shape::stream(16, 16), "unwrap"),
    (
        "public key stream 16x16",
        Shape::stream(16, 16),
        "public_key",
    ),
];

/// Measures everything, or only the load of one name; the table is for people, the value for
/// machines.
pub async fn run(
    plan: Plan,
    only: Option<&str>,
    server: &str,
) -> Result<(String, serde_json::Value)> {
    let dir = tempfile::tempdir()?;
    let issuer = issuer().await?;
    let mut results = report::Results::default();
    let place = dir.path().join("loads");
    let hostile = "hostile tenant";
    if only != Some(hostile) {
        loads(plan, only, server, place, &issuer, &mut results).await?;
    }
    if only.is_none_or(|only| only == hostile) {
        let place = dir.path().join("hostile");
        hostile::measure(plan, server, place, &issuer, &mut results).await?;
    }
    if only.is_none() {
        reconstruct::measure(plan, server, &mut results).await?;
        sizes(plan, server, dir.path(), &issuer, &mut results).await?;
    }
    Ok(results.finish(plan))
}

/// Only what depends on the size of a store.
pub async fn growth(plan: Plan, server: &str) -> Result<(String, serde_json::Value)> {
    let dir = tempfile::tempdir()?;
    let issuer = issuer().await?;
    let mut results = report::Results::default();
    sizes(plan, server, dir.path(), &issuer, &mut results).await?;
    Ok(results.finish(plan))
}

async fn sizes(
    plan: Plan,
    server: &str,
    dir: &Path,
    issuer: &Issuer,
    results: &mut report::Results,
) -> Result<()> {
    for growth in [open::Growth::Keys, open::Growth::Entries] {
        let place = dir.join(growth.name());
        open::measure(plan, growth, server, place, issuer, results).await?;
    }
    Ok(())
}

async fn issuer() -> Result<Issuer> {
    let client = |name| issuer::Client::new(name, "secret", &["vault:owner"]);
    let mut config = IssuerConfig::new(vec![client("owner"), client("hostile")]);
    config.token_seconds = 24 * 3600;
    Issuer::start(config).await
}

/// A vault that refuses nobody for being fast: what it can do is measured, not what it allows.
fn unhurried(server: &str, dir: &Path, issuer: &Issuer) -> Result<VaultProcess> {
    let rates: String = ["calls", "uses", "creations", "pages", "policy_bytes"]
        .map(|name| format!("{name} = 1000000000\n"))
        .concat();
    let sections = format!("\n[rates]\n{rates}");
    VaultProcess::prepare_with(&[server], dir, issuer, &dir.join("sim"), &sections)
}

async fn loads(
    plan: Plan,
    only: Option<&str>,
    server: &str,
    dir: PathBuf,
    issuer: &Issuer,
    results: &mut report::Results,
) -> Result<()> {
    std::fs::create_dir(&dir)?;
    let mut vault = unhurried(server, &dir, issuer)?;
    vault.start()?;
    let calls = calls::Calls::prepare(&vault, issuer, "owner").await?;
    let process = vault.id().context("the vault does not run")?;
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let yardsticks = yardstick::Yardsticks::measure(plan)?;
        results.yardsticks(&yardsticks);
        let chosen = |name: &str| only.is_none_or(|only| only == name);
        for (name, shape, operation) in LOADS.into_iter().filter(|load| chosen(load.0)) {
            let call = calls.get(operation)?;
            let measured = load::measure(&vault, process, shape, call, plan.span)
                .await
                .with_context(|| name.to_owned())?;
            results.load(name, shape, &measured, yardsticks.of(operation));
        }
        connect::measure(plan, &vault, process, results).await?;
    }
    Ok(())
}
