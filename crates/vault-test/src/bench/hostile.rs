//! An honest client's fixed work: alone, and beside a tenant that calls as fast as it can over many
//! connections.

use super::calls::{Call, Calls};
use super::load::{self, Load, Shape};
use super::report::Results;
use super::{Plan, wire};
use crate::issuer::Issuer;
use crate::process::VaultProcess;
use anyhow::{Context, Result, anyhow};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Calls in flight of the honest client, on one connection each.
const HONEST: usize = 4;

/// The connections of the other one.
const ATTACK: [(Shape, &str); 3] = [
    (Shape::stream(16, 64), "p256"),
    (Shape::unary(8, 16), "p256"),
    (Shape::batch(4, 64), "hmac"),
];

/// How long the honest client's calls took, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    pub(super) middle: f64,
    pub(super) p99: f64,
}

/// What came of one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    pub(super) quiet: Latency,
    pub(super) hostile: Latency,
    /// Calls of the hostile tenant in a second: answered, and refused for its rate.
    pub(super) answered: f64,
    pub(super) refused: f64,
}

pub(super) async fn measure(
    plan: Plan,
    server: &str,
    dir: PathBuf,
    issuer: &Issuer,
    results: &mut Results,
) -> Result<()> {
    std::fs::create_dir(&dir)?;
    let mut vault = VaultProcess::prepare(&[server], &dir, issuer)?;
    vault.start()?;
    let honest = Calls::prepare(&vault, issuer, "owner").await?;
    let hostile = Calls::prepare(&vault, issuer, "hostile").await?;
    let honest = honest.get("p256")?;
    for _ in 0..plan.rounds {
        work(&vault, honest, HONEST * 4).await?;
        let quiet = work(&vault, honest, plan.operations).await?;
        let attack = Attack::start(wire::Target::of(&vault)?, &hostile)?;
        attack.is_under_way().await?;
        let worked = work(&vault, honest, plan.operations).await;
        let (answered, refused) = attack.stop()?;
        results.beside(&Beside {
            quiet,
            hostile: worked?,
            answered,
            refused,
        });
    }
    Ok(())
}

/// So many calls, four at a time, each answered well.
async fn work(vault: &VaultProcess, call: &Call, calls: usize) -> Result<Latency> {
    let target = wire::Target::of(vault)?;
    let mut workers = Vec::new();
    for _ in 0..HONEST {
        let mut connection = target.connect().await?;
        let call = call.clone();
        workers.push(tokio::spawn(async move {
            let mut took = Vec::new();
            for _ in 0..calls.div_ceil(HONEST) {
                let begun = Instant::now();
                load::single(&mut connection, &call, call.path, call.single.clone()).await?;
                took.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            anyhow::Ok(took)
        }));
    }
    let mut took = Vec::new();
    for worker in workers {
        took.extend(worker.await??);
    }
    took.sort_by(f64::total_cmp);
    let at = |part: usize| took.get(took.len() * part / 100).copied();
    Ok(Latency {
        middle: at(50).context("no calls")?,
        p99: at(99).context("no calls")?,
    })
}

/// The hostile tenant: threads of their own, at the lowest priority, because on a real network its
/// machines would not be this one. The vault itself is not held back by that.
struct Attack {
    load: Arc<Load>,
    begun: Instant,
    running: JoinHandle<Result<()>>,
}

impl Attack {
    fn start(target: wire::Target, calls: &Calls) -> Result<Self> {
        let load = Arc::new(Load::of_a_hostile_tenant());
        let mut shapes = Vec::new();
        for (shape, operation) in ATTACK {
            shapes.push((shape, calls.get(operation)?.clone()));
        }
        let theirs = load.clone();
        let running = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .on_thread_start(yield_to_others)
                .enable_all()
                .build()?;
            runtime.block_on(attack(target, shapes, theirs))
        });
        Ok(Self {
            load,
            begun: Instant::now(),
            running,
        })
    }

    /// Waits until it has had so many answers that every connection is in use.
    async fn is_under_way(&self) -> Result<()> {
        while self.load.answered() + self.load.refused() < 2_000 {
            anyhow::ensure!(!self.running.is_finished(), "the hostile tenant gave up");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    fn stop(self) -> Result<(f64, f64)> {
        self.load.stop();
        let seconds = self.begun.elapsed().as_secs_f64();
        let each = |calls: u64| calls as f64 / seconds;
        let rates = (each(self.load.answered()), each(self.load.refused()));
        let ended = self.running.join();
        ended.map_err(|_| anyhow!("the hostile tenant broke off"))??;
        Ok(rates)
    }
}

async fn attack(target: wire::Target, shapes: Vec<(Shape, Call)>, load: Arc<Load>) -> Result<()> {
    let mut workers = Vec::new();
    for (shape, call) in shapes {
        workers.extend(load::start(&target, shape, &call, &load).await?);
    }
    for worker in workers {
        worker.await??;
    }
    Ok(())
}

/// The priority of a thread, on Linux, is its own.
fn yield_to_others() {
    // Without it the figures are worse, and not wrong.
    let _ = lower_priority();
}

fn lower_priority() -> Option<()> {
    let thread = std::fs::read_link("/proc/thread-self").ok()?;
    let id = thread.file_name()?.to_str()?;
    let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
    // Behind the name, which may hold anything, nice is the 17th field.
    let (_, behind) = stat.rsplit_once(')')?;
    let now: i32 = behind.split_whitespace().nth(16)?.parse().ok()?;
    let lower = (now + 15).min(19).to_string();
    let mut renice = std::process::Command::new("renice");
    let output = renice.args(["-n", &lower, "-p", id]).output().ok()?;
    output.status.success().then_some(())
}
