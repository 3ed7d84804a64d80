//! A real vault process, killed again and again under load.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use vault_client::{Client, CreateKey, Input, KeyName};
use vault_encoding::merkle;
use vault_policy::{KeyHandle, KeyType, OidcSubject, TemplateArgs, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

/// Unless `EVAULT_KILLS` says another number, as `cargo xtask crash` does.
const KILLS: usize = 200;
/// A long run tells how far it is.
const SHOWN: usize = 250;
const WORKERS: usize = 8;
/// Vaults at a time: each waits most of its time, for the disk and for its start.
const LANES: usize = 8;
/// How long nothing may be answered.
const LONGEST: Duration = Duration::from_secs(120);

/// What was acknowledged: leaves by index, and keys.
#[derive(Default)]
struct Acknowledged {
    leaves: BTreeMap<u64, Vec<u8>>,
    keys: Vec<KeyHandle>,
}

fn kills() -> usize {
    std::env::var("EVAULT_KILLS").map_or(KILLS, |number| number.parse().unwrap())
}

async fn issuer() -> Issuer {
    let clients = vec![
        issuer::Client::new("owner", "secret", &["vault:owner"]),
        issuer::Client::new("auditor", "secret", &["vault:auditor"]),
    ];
    let mut config = IssuerConfig::new(clients);
    config.token_seconds = 24 * 3600;
    Issuer::start(config).await.unwrap()
}

fn new_key(issuer: &Issuer, name: String) -> CreateKey {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::P256Signing)).unwrap();
    CreateKey {
        handle: None,
        key_type: KeyType::P256Signing,
        name,
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    }
}

/// Signs and, in one round of four, creates, until the vault is gone.
async fn load(
    client: Client,
    issuer: Arc<Issuer>,
    acknowledged: Arc<Mutex<Acknowledged>>,
    key: KeyName,
    worker: String,
    first: usize,
    progress: Arc<Notify>,
) {
    for round in first.. {
        let logged = if round % 4 == 3 {
            let Ok(answer) = client
                .create_key(new_key(&issuer, format!("{worker}-{round}")))
                .await
            else {
                return;
            };
            acknowledged.lock().unwrap().keys.push(answer.value.handle);
            answer.receipt.logged
        } else {
            let message = format!("{worker} {round}").into_bytes();
            let Ok(answer) = client.sign(key, Input::Message(message), false).await else {
                return;
            };
            answer.receipt.logged
        };
        let logged = logged.unwrap();
        acknowledged
            .lock()
            .unwrap()
            .leaves
            .insert(logged.index, logged.leaf);
        progress.notify_one();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_in_kills_under_load() {
    let kills = kills();
    let done = Arc::new(AtomicUsize::new(0));
    let share = |lane| kills / LANES + usize::from(lane < kills % LANES);
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| tokio::spawn(killed(share(lane), kills, Arc::clone(&done))))
        .collect();
    let (mut leaves, mut keys) = (0, 0);
    for lane in lanes {
        let there = lane.await.unwrap();
        leaves += there.leaves.len();
        keys += there.keys.len();
    }
    assert_eq!(done.load(Ordering::Relaxed), kills);
    assert!(leaves >= kills);
    println!(
        "T-CRASH (b): {kills} kills of {LANES} vaults, {leaves} acknowledged entries and {keys} keys, all there"
    );
}

/// One vault, killed so often; what it has acknowledged, all of which is there.
async fn killed(kills: usize, all: usize, done: Arc<AtomicUsize>) -> Acknowledged {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Arc::new(issuer().await);
    let mut vault =
        VaultProcess::prepare(&[env!("CARGO_BIN_EXE_sim-vault")], dir.path(), &issuer).unwrap();
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    vault.start().unwrap();
    let client = vault.client(&issuer, "owner").await.unwrap();
    let first = client
        .create_key(new_key(&issuer, "first".into()))
        .await
        .unwrap()
        .value;
    let key = KeyName::from(first.handle);
    for kill in 0..kills {
        // Every connect compares the log with the head that the last client remembered.
        let client = vault.client(&issuer, "owner").await.unwrap();
        let progress = Arc::new(Notify::new());
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                tokio::spawn(load(
                    client.clone(),
                    Arc::clone(&issuer),
                    Arc::clone(&acknowledged),
                    key,
                    format!("{kill}-{worker}"),
                    worker,
                    Arc::clone(&progress),
                ))
            })
            .collect();
        for _ in 0..=kill % 7 {
            let progressed = tokio::time::timeout(LONGEST, progress.notified()).await;
            progressed.expect("an answer within two minutes");
        }
        tokio::task::block_in_place(|| vault.kill().unwrap());
        for worker in workers {
            worker.await.unwrap();
        }
        tokio::task::block_in_place(|| vault.start().unwrap());
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(SHOWN) {
            println!("T-CRASH (b): {done} of {all} kills");
        }
    }
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    assert_all_there(&vault, &issuer, &acknowledged).await;
    acknowledged
}

async fn assert_all_there(vault: &VaultProcess, issuer: &Issuer, acknowledged: &Acknowledged) {
    let auditor = vault.client(issuer, "auditor").await.unwrap();
    let log = auditor.whole_log().await.unwrap();
    for (index, leaf) in &acknowledged.leaves {
        assert_eq!(
            &log.leaves[usize::try_from(*index).unwrap()],
            leaf,
            "leaf {index}"
        );
    }
    let tree = merkle::Tree::from_leaves(log.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)));
    assert_eq!(tree.root(), log.head.root);
    let client = vault.client(issuer, "owner").await.unwrap();
    for handle in &acknowledged.keys {
        assert_eq!(
            client
                .get_key(KeyName::from(*handle))
                .await
                .unwrap()
                .value
                .handle,
            *handle
        );
    }
}

/// `strace` sees, for one request at a time: the record written, the sync, and only then the
/// answer written to the socket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sync_comes_before_the_write_of_the_reply() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let trace = dir.path().join("trace");
    let trace_text = trace.to_str().unwrap().to_owned();
    let calls = "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg";
    let program = [
        "strace",
        "-f",
        "-y",
        "-s",
        "0",
        "-e",
        calls,
        "-o",
        &trace_text,
        env!("CARGO_BIN_EXE_sim-vault"),
    ];
    let mut vault = VaultProcess::prepare(&program, dir.path(), &issuer).unwrap();
    vault.start().unwrap();
    let client = vault.client(&issuer, "owner").await.unwrap();
    let key = client
        .create_key(new_key(&issuer, "traced".into()))
        .await
        .unwrap()
        .value;
    let before = std::fs::read_to_string(&trace).unwrap().lines().count();
    client
        .sign(
            KeyName::from(key.handle),
            Input::Message(b"once".to_vec()),
            false,
        )
        .await
        .unwrap();
    let text = std::fs::read_to_string(&trace).unwrap();
    let lines: Vec<&str> = text.lines().skip(before).collect();
    let is_socket = |line: &str| line.contains("<TCP:") || line.contains("<socket:");
    let synced = lines
        .iter()
        .position(|line| line.contains("fdatasync(") || line.contains("fsync("));
    let synced = synced.unwrap_or_else(|| panic!("no sync: {lines:#?}"));
    let written = lines.iter().position(|line| line.contains("pwrite64("));
    assert!(
        written.is_some_and(|written| written < synced),
        "{lines:#?}"
    );
    // The answer is the last write to the socket; the ones before are HTTP/2 housekeeping.
    let answered = lines.iter().rposition(|line| is_socket(line));
    assert!(
        answered.is_some_and(|answered| synced < answered),
        "{lines:#?}"
    );
    // Nothing of the answer's size leaves before the sync has returned.
    for line in lines.iter().take(synced).filter(|line| is_socket(line)) {
        let bytes: u64 = line
            .rsplit("= ")
            .next()
            .unwrap()
            .trim()
            .parse()
            .unwrap_or(0);
        assert!(bytes < 100, "{line}");
    }
}
