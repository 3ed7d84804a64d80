//! T-CRASH (c) and T-FSYNC: a real vault process whose n-th system call on its files fails or ends it, for every
//! call and every n until it gets through untouched. Afterwards nothing acknowledged is lost, nothing
//! has an effect without its entry, and the log verifies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use vault_audit::Entry;
use vault_client::{Client, CreateKey, Input, KeyInfo, KeyName};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const SIM_VAULT: &str = env!("CARGO_BIN_EXE_sim-vault");
/// All by which a file can change; the store makes no use of some.
const CALLS: [&str; 7] = [
    "openat",
    "pwrite64",
    "write",
    "fdatasync",
    "fsync",
    "rename",
    "fallocate",
];
/// The names of the log and of the root, and the folder itself.
const LOG: [&str; 6] = [
    "",
    "root.sealed",
    "root.sealed.new",
    "log-00000000.seg",
    "log-00000000.seg.new",
    "log-00000001.seg",
];
const SNAPSHOT: [&str; 3] = [
    "snapshot.sealed",
    "snapshot.sealed.new",
    "snapshot.previous",
];
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a call did not return: its thread was gone. What strace says of the signal may be missing,
/// since strace itself is ended as soon as the process is.
fn killed(trace: &str) -> bool {
    trace.contains("killed by SIGKILL")
        || trace.lines().any(|line| line.trim_end().ends_with("= ?"))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Injected {
    Kill,
    InputOutput,
    NoSpace,
}

impl Injected {
    fn text(self) -> &'static str {
        match self {
            Self::Kill => "signal=KILL",
            Self::InputOutput => "error=EIO",
            Self::NoSpace => "error=ENOSPC",
        }
    }

    /// A sync, a rename and reading know no lack of space.
    fn fits(self, call: &str) -> bool {
        self != Self::NoSpace || ["openat", "pwrite64", "write", "fallocate"].contains(&call)
    }
}

/// What was acknowledged: leaves by index, and keys.
#[derive(Default)]
struct Acknowledged {
    leaves: BTreeMap<u64, Vec<u8>>,
    keys: BTreeSet<String>,
    complete: bool,
}

struct Bench {
    dir: tempfile::TempDir,
    issuer: Issuer,
    files: &'static [&'static str],
    /// Rounds of five calls at once.
    rounds: usize,
    /// The folder that every start begins with.
    aside: PathBuf,
    counted: BTreeMap<String, usize>,
    acknowledged: usize,
    /// Injections after something was acknowledged.
    under_load: usize,
    names: AtomicUsize,
}

impl Bench {
    /// With a vault that has run before, or with an empty folder.
    async fn new(files: &'static [&'static str], rounds: usize, used: bool) -> Self {
        let strace = std::process::Command::new("strace").arg("-V").output();
        assert!(strace.is_ok(), "this needs strace: apt-get install strace");
        let dir = tempfile::tempdir().unwrap();
        let roles = ["vault:owner", "vault:auditor"];
        let mut config = IssuerConfig::new(vec![issuer::Client::new("owner", "secret", &roles)]);
        config.token_seconds = 24 * 3600;
        let bench = Self {
            aside: dir.path().join("aside"),
            dir,
            issuer: Issuer::start(config).await.unwrap(),
            files,
            rounds,
            counted: BTreeMap::new(),
            acknowledged: 0,
            under_load: 0,
            names: AtomicUsize::new(0),
        };
        std::fs::create_dir(&bench.aside).unwrap();
        if used {
            bench.restore();
            let mut vault = bench.vault(&[SIM_VAULT]);
            vault.start().unwrap();
            assert!(bench.load(&vault, 1).await.complete);
            vault.kill().unwrap();
            copy(&bench.data(), &bench.aside);
        }
        bench
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// An older folder than clients have seen, so they forget.
    fn restore(&self) {
        copy(&self.aside, &self.data());
        let _ = std::fs::remove_dir_all(self.dir.path().join("memory"));
    }

    fn vault(&self, program: &[&str]) -> VaultProcess {
        let (dir, sim) = (self.dir.path(), self.dir.path().join("sim"));
        let limits = "\n[limits]\nsnapshot_records = 16\nsegment_mib = 1\n";
        VaultProcess::prepare_with(program, dir, &self.issuer, &sim, limits).unwrap()
    }

    fn trace(&self) -> PathBuf {
        self.dir.path().join("trace")
    }

    fn traced(&self, call: &str, injected: Injected, n: usize) -> VaultProcess {
        let inject = format!("inject={call}:{}:when={n}", injected.text());
        let (trace, calls) = (self.trace(), format!("trace={call}"));
        let mut program = ["strace", "-f", "-q", "-e", &calls, "-e", &inject, "-o"].to_vec();
        program.push(trace.to_str().unwrap());
        let paths: Vec<String> = self
            .files
            .iter()
            .map(|name| {
                self.data()
                    .join(name)
                    .to_str()
                    .unwrap()
                    .trim_end_matches('/')
                    .to_owned()
            })
            .collect();
        paths.iter().for_each(|path| program.extend(["-P", path]));
        program.push(SIM_VAULT);
        self.vault(&program)
    }

    /// Creates and signs, until it is done or the vault fails.
    async fn load(&self, vault: &VaultProcess, rounds: usize) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        let Ok(client) = vault.client(&self.issuer, "owner").await else {
            return acknowledged;
        };
        let mut key = None;
        for round in 0..rounds {
            let calls = (0..5).map(|call| self.one(&client, key, format!("{round}-{call}")));
            for done in futures(calls).await {
                let Some((index, leaf, created)) = done else {
                    return acknowledged;
                };
                acknowledged.leaves.insert(index, leaf);
                if let Some(info) = created {
                    acknowledged.keys.insert(info.handle.to_string());
                    key = Some(KeyName::from(info.handle));
                }
            }
        }
        acknowledged.complete = true;
        acknowledged
    }

    async fn one(
        &self,
        client: &Client,
        key: Option<KeyName>,
        name: String,
    ) -> Option<(u64, Vec<u8>, Option<KeyInfo>)> {
        let (logged, info) = match key {
            Some(key) if !name.ends_with('0') => {
                let input = Input::Message(name.into_bytes());
                let answer = client.sign(key, input, false).await.ok()?;
                (answer.receipt.logged, None)
            }
            _ => {
                let answer = client.create_key(self.new_key(name)).await.ok()?;
                (answer.receipt.logged, Some(answer.value))
            }
        };
        let logged = logged.unwrap();
        Some((logged.index, logged.leaf, info))
    }

    fn new_key(&self, name: String) -> CreateKey {
        let owner = OidcSubject {
            issuer: self.issuer.url().to_owned(),
            subject: "owner".into(),
        };
        let args = TemplateArgs::new(owner, KeyType::Ed25519Signing);
        CreateKey {
            handle: None,
            key_type: KeyType::Ed25519Signing,
            // A name is taken once, and the folder has seen some.
            name: format!("{name}-{}", self.names.fetch_add(1, Ordering::Relaxed)),
            policy: template("owner", &args).unwrap().canonical_bytes().to_vec(),
            labels: Vec::new(),
        }
    }

    /// Every n of every call.
    async fn all(&mut self, what: &str) {
        for call in CALLS {
            for injected in [Injected::Kill, Injected::InputOutput, Injected::NoSpace] {
                for n in (1..).take_while(|_| injected.fits(call)) {
                    if !self.inject(call, injected, n).await {
                        break;
                    }
                    *self
                        .counted
                        .entry(format!("{call} {}", injected.text()))
                        .or_default() += 1;
                }
            }
        }
        let Self {
            counted,
            acknowledged,
            under_load,
            ..
        } = self;
        let points: usize = counted.values().sum();
        println!(
            "{what}: {points} injections, {under_load} of them under load, {acknowledged} acknowledged calls, all there: {counted:?}"
        );
    }

    /// Whether the vault made so many of these calls.
    async fn inject(&mut self, call: &str, injected: Injected, n: usize) -> bool {
        self.restore();
        let mut vault = self.traced(call, injected, n);
        let started = vault.start().is_ok();
        // A start goes on without a snapshot that cannot be read.
        let unread = self.files == SNAPSHOT && call == "openat" && started && self.has_failed();
        let acknowledged = match started {
            true => self.load(&vault, self.rounds).await,
            false => Acknowledged::default(),
        };
        let what = format!("{call} {} {n}", injected.text());
        let ended = match injected {
            Injected::NoSpace => None,
            // What cannot be known to be durable ends the process.
            _ if !acknowledged.complete => {
                let ended = vault.ended(PATIENCE).unwrap();
                Some(ended.unwrap_or_else(|| panic!("{what}: the process goes on")))
            }
            // A snapshot is written beside the calls, which may all be answered before it fails.
            Injected::InputOutput if !unread && self.has_failed() => {
                let ended = vault.ended(PATIENCE).unwrap();
                Some(ended.unwrap_or_else(|| panic!("{what}: the process goes on")))
            }
            _ => None,
        };
        vault.kill().unwrap();
        let trace = std::fs::read_to_string(self.trace()).unwrap();
        let gone = injected == Injected::Kill && !acknowledged.complete;
        let hit = trace.contains("(INJECTED)") || gone && killed(&trace);
        assert!(
            hit || acknowledged.complete,
            "{what}: {ended:?} without an injection: {trace}"
        );
        self.acknowledged += acknowledged.leaves.len();
        self.under_load += usize::from(hit && !acknowledged.leaves.is_empty());
        self.verify(&what, &acknowledged).await;
        hit
    }

    /// Whether a call has failed by now.
    fn has_failed(&self) -> bool {
        std::fs::read_to_string(self.trace()).is_ok_and(|trace| trace.contains("(INJECTED)"))
    }

    /// A start without strace: all that was acknowledged is there, and nothing that the log does not say.
    async fn verify(&self, what: &str, acknowledged: &Acknowledged) {
        let mut vault = self.vault(&[SIM_VAULT]);
        vault
            .start()
            .unwrap_or_else(|error| panic!("{what}: {error:#}"));
        let client = vault.client(&self.issuer, "owner").await;
        let client = client.unwrap_or_else(|error| panic!("{what}: {error:#}"));
        // Held to its head, leaf by leaf.
        let log = client.whole_log().await.unwrap();
        for (index, leaf) in &acknowledged.leaves {
            let there = log.leaves.get(usize::try_from(*index).unwrap());
            assert_eq!(there, Some(leaf), "{what}: entry {index}");
        }
        let entries = log
            .leaves
            .iter()
            .map(|leaf| Entry::from_leaf(leaf).unwrap());
        let said: BTreeSet<String> = entries
            .filter(|entry| entry.operation == "create_key" && entry.allowed)
            .map(|entry| entry.handle)
            .collect();
        let held = handles(&client).await;
        assert_eq!(held, said, "{what}: keys and entries");
        assert!(held.is_superset(&acknowledged.keys), "{what}: keys");
        let more = self.load(&vault, 1).await;
        assert!(more.complete, "{what}: goes on");
        vault.kill().unwrap();
    }
}

async fn handles(client: &Client) -> BTreeSet<String> {
    let (mut handles, mut token) = (BTreeSet::new(), String::new());
    loop {
        let (page, next) = client.list_keys(100, &token).await.unwrap().value;
        handles.extend(page.iter().map(|info| info.handle.to_string()));
        if next.is_empty() {
            return handles;
        }
        token = next;
    }
}

async fn futures<T>(calls: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = calls.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (call, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = call.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_a_first_start_may_fail_or_be_the_last() {
    let mut bench = Bench::new(&LOG, 1, false).await;
    bench.all("first start").await;
    assert!(bench.counted.values().sum::<usize>() > 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_a_later_start_under_load_may_fail_or_be_the_last() {
    // More commits than a start makes calls, since each thread counts its own.
    let mut bench = Bench::new(&LOG, 4, true).await;
    bench.all("log").await;
    assert!(bench.counted.values().sum::<usize>() > 30);
    assert!(bench.under_load > 4, "{}", bench.under_load);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_stores_a_snapshot_may_fail_or_be_the_last() {
    let mut bench = Bench::new(&SNAPSHOT, 6, true).await;
    bench.all("snapshot").await;
    assert!(bench.counted.values().sum::<usize>() > 8);
}
