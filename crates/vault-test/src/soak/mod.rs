//! What `cargo xtask soak` does: honest tenants and a hostile one at full rate use one vault, which is
//! killed and started again and again. Whatever was acknowledged must be there afterwards, every
//! answer must be right, and memory and descriptors must not grow but with the log.

mod ledger;
mod watch;
mod work;

use crate::bench::calls::{Calls, policy_of};
use crate::bench::load::{self, Load, Shape};
use crate::bench::wire::Target;
use crate::issuer::{self, Issuer, IssuerConfig};
use crate::process::VaultProcess;
use crate::sim::SimRng;
use anyhow::{Context, Result, anyhow, ensure};
use ledger::Ledger;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use vault_client::Client;
use watch::Sample;
use work::{Worked, Worker};

const TENANTS: [&str; 2] = ["alice", "bob"];
/// Workers of one tenant, all on one client.
const WORKERS: usize = 2;

/// So many uses a second of each tenant: the log of a soak grows slowly, and a flood is refused.
const SETTINGS: &str = "\n[rates]\nuses = 200\ncreations = 20\n[limits]\nsnapshot_records = 2048\n";

/// The connections of the hostile tenant.
const ATTACK: [(Shape, &str); 4] = [
    (Shape::stream(8, 64), "p256"),
    (Shape::stream(4, 64), "public_key"),
    (Shape::unary(4, 16), "hmac"),
    (Shape::batch(2, 64), "wrap"),
];

/// How long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Of the whole.
    pub length: Duration,
    /// Between two starts.
    pub life: Duration,
    /// Of everything that is chosen.
    pub seed: u64,
}

impl Plan {
    /// A plan of that length.
    pub fn of(length: Duration, seed: u64) -> Self {
        let life = (length / 6).clamp(Duration::from_secs(2), Duration::from_secs(15));
        Self { length, life, seed }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Starts of the vault, each ended by `kill -9`.
    pub lives: u64,
    /// Of them, those that were killed while calls were under way.
    pub killed_at_work: u64,
    /// Right answers to honest tenants.
    pub right: u64,
    /// Wrong ones.
    pub wrong: Vec<String>,
    /// Honest calls without an answer: the vault was killed.
    pub unanswered: u64,
    /// Honest calls that were refused for the rate.
    pub limited: u64,
    /// Keys and deletions that were acknowledged, and looked for after each start.
    pub acknowledged: u64,
    /// Those that were gone.
    pub lost: Vec<String>,
    /// Calls of the hostile tenant that were answered, and refused.
    pub hostile: (u64, u64),
    /// At the quiet ends of lives.
    samples: Vec<Sample>,
}

impl Summary {
    /// One line of text for each thing that was looked at.
    pub fn text(&self) -> String {
        let growth = match watch::bytes_per_entry(&self.samples) {
            Some(bytes) => format!("{bytes:.0} bytes of memory for each entry of the log"),
            None => "too few samples for the growth of memory".to_owned(),
        };
        format!(
            "lives {} ({} killed at work)\nhonest: {} right, {} wrong, {} unanswered, {} limited\n\
             acknowledged {}, lost {}\nhostile: {} answered, {} refused\n{growth}\n\
             descriptors left open at the end of a life: {:?}\nentries {}, resident {} KiB\n",
            self.lives,
            self.killed_at_work,
            self.right,
            self.wrong.len(),
            self.unanswered,
            self.limited,
            self.acknowledged,
            self.lost.len(),
            self.hostile.0,
            self.hostile.1,
            self.samples
                .iter()
                .map(|sample| sample.descriptors)
                .collect::<Vec<_>>(),
            self.samples.last().map_or(0, |sample| sample.entries),
            self.samples.last().map_or(0, |sample| sample.resident_kib),
        )
    }

    /// Fails if anything was wrong, lost, or grew.
    pub fn verdict(&self) -> Result<()> {
        ensure!(self.wrong.is_empty(), "wrong answers: {:?}", self.wrong);
        ensure!(self.lost.is_empty(), "lost: {:?}", self.lost);
        ensure!(self.right > 0, "nothing was answered");
        let hostile = self.hostile;
        ensure!(
            hostile.0 > 0 && hostile.1 > 0,
            "no hostile tenant: {hostile:?}"
        );
        watch::verdict(&self.samples)
    }
}

/// Counts of all workers of a life.
#[derive(Default)]
struct Counts {
    right: AtomicU64,
    unanswered: AtomicU64,
    limited: AtomicU64,
}

/// Everything that outlives a life.
struct Soak {
    vault: VaultProcess,
    issuer: Issuer,
    ledgers: Vec<Ledger>,
    hostile: Vec<(Shape, crate::bench::calls::Call)>,
    rng: SimRng,
    summary: Summary,
}

/// Runs the plan in an empty folder. `server` is `sim-vault`.
pub async fn run(plan: Plan, server: &str, dir: &Path) -> Result<Summary> {
    let mut soak = Soak::prepare(plan, server, dir).await?;
    let begun = Instant::now();
    let mut quietly = true;
    while begun.elapsed() < plan.length || soak.summary.lives < 2 {
        soak.life(plan.life, quietly).await?;
        quietly = !quietly;
    }
    soak.vault.start()?;
    soak.check(true).await?;
    soak.vault.kill()?;
    soak.summary.acknowledged = soak.ledgers.iter().map(Ledger::len).sum();
    Ok(soak.summary)
}

impl Soak {
    async fn prepare(plan: Plan, server: &str, dir: &Path) -> Result<Self> {
        let client = |name| issuer::Client::new(name, "secret", &["vault:owner"]);
        let names = TENANTS.into_iter().chain(["hostile"]);
        let mut config = IssuerConfig::new(names.map(client).collect());
        config.token_seconds = 24 * 3600;
        let issuer = Issuer::start(config).await?;
        let sim = dir.join("sim");
        let mut vault = VaultProcess::prepare_with(&[server], dir, &issuer, &sim, SETTINGS)?;
        vault.start()?;
        let calls = Calls::prepare(&vault, &issuer, "hostile").await?;
        let mut hostile = Vec::new();
        for (shape, operation) in ATTACK {
            hostile.push((shape, calls.get(operation)?.clone()));
        }
        vault.kill()?;
        let mut ledgers = Vec::new();
        for who in TENANTS {
            ledgers.push(Ledger::new(&issuer, who)?);
        }
        Ok(Self {
            vault,
            issuer,
            ledgers,
            hostile,
            rng: SimRng::new(plan.seed),
            summary: Summary::default(),
        })
    }

    /// Start, look for what was acknowledged, work, `kill -9`: in the middle of it, or when all is
    /// quiet.
    async fn life(&mut self, length: Duration, quietly: bool) -> Result<()> {
        let begun = Instant::now();
        self.vault.start()?;
        self.summary.lives += 1;
        let process = self.vault.id().context("the vault does not run")?;
        self.check(false).await?;
        // Whatever it opens once is open now.
        let base = watch::descriptors_at_rest(process).await?;
        let end = Arc::new(AtomicBool::new(false));
        let counts = Arc::new(Counts::default());
        let workers = self.workers(&end, &counts).await?;
        let (load, attackers) = self.attack().await?;
        let strangers = tokio::spawn(strangers(self.addr()?, end.clone()));
        let left = length.saturating_sub(begun.elapsed());
        tokio::time::sleep(left.max(length / 3)).await;
        if !quietly {
            self.vault.kill()?;
            self.summary.killed_at_work += 1;
        }
        end.store(true, Ordering::SeqCst);
        load.stop();
        self.gather(workers, &counts).await?;
        for attacker in attackers {
            let ended = attacker.await?;
            // A vault that is killed answers nobody.
            ensure!(!quietly || ended.is_ok(), "hostile: {ended:?}");
        }
        strangers.await?;
        let hostile = &mut self.summary.hostile;
        *hostile = (hostile.0 + load.answered(), hostile.1 + load.refused());
        if quietly {
            let sample = watch::sample(process, base, self.entries().await?).await?;
            self.summary.samples.push(sample);
            self.vault.kill()?;
        }
        Ok(())
    }

    fn addr(&self) -> Result<String> {
        let ready = self.vault.ready().context("the vault does not run")?;
        Ok(ready.addr.clone())
    }

    async fn workers(
        &mut self,
        end: &Arc<AtomicBool>,
        counts: &Arc<Counts>,
    ) -> Result<JoinSet<Worked>> {
        let mut workers = JoinSet::new();
        for (who, ledger) in TENANTS.into_iter().zip(&mut self.ledgers) {
            let client = self.vault.client(&self.issuer, who).await?;
            for part in ledger.split(WORKERS) {
                let worker = Worker {
                    client: client.clone(),
                    ledger: part,
                    rng: SimRng::new(self.rng.draw()),
                    end: end.clone(),
                    counts: counts.clone(),
                };
                workers.spawn(worker.work());
            }
        }
        Ok(workers)
    }

    async fn gather(&mut self, mut workers: JoinSet<Worked>, counts: &Counts) -> Result<()> {
        while let Some(worked) = workers.join_next().await {
            let Worked { ledger, wrong } = worked?;
            self.summary.wrong.extend(wrong);
            let mut ledgers = self.ledgers.iter_mut();
            let whole = ledgers.find(|whole| whole.is_of(&ledger));
            whole
                .ok_or_else(|| anyhow!("a ledger of nobody"))?
                .join(ledger);
        }
        self.summary.right += counts.right.load(Ordering::Relaxed);
        self.summary.unanswered += counts.unanswered.load(Ordering::Relaxed);
        self.summary.limited += counts.limited.load(Ordering::Relaxed);
        Ok(())
    }

    async fn attack(&self) -> Result<(Arc<Load>, Vec<JoinHandle<Result<()>>>)> {
        let load = Arc::new(Load::of_a_hostile_tenant());
        let target = Target::of(&self.vault)?;
        let mut workers = Vec::new();
        for (shape, call) in &self.hostile {
            workers.extend(load::start(&target, *shape, call, &load).await?);
        }
        Ok((load, workers))
    }

    /// Looks for everything, or for what is new and some of the rest.
    async fn check(&mut self, everything: bool) -> Result<()> {
        for (who, ledger) in TENANTS.into_iter().zip(&mut self.ledgers) {
            let client = self.vault.client(&self.issuer, who).await?;
            let lost = ledger.check(&client, &mut self.rng, everything).await?;
            self.summary.lost.extend(lost);
        }
        Ok(())
    }

    /// Of the log.
    async fn entries(&self) -> Result<u64> {
        let client: Client = self.vault.client(&self.issuer, "alice").await?;
        Ok(client.checkpoint().await?.size)
    }
}

/// Connections that come to nothing.
async fn strangers(addr: String, end: Arc<AtomicBool>) {
    while !end.load(Ordering::SeqCst) {
        if let Ok(stream) = TcpStream::connect(&addr).await {
            // Whatever becomes of it.
            let _ = stream.try_write(b"GET / HTTP/1.1\r\n\r\n");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The policy that the keys of a soak are under.
fn policy(issuer: &Issuer, who: &str, key_type: vault_policy::KeyType) -> Result<Vec<u8>> {
    policy_of(issuer, who, key_type)
}
