//! Ten clients over four vaults while processes are killed and paused, connections cut, slowed
//! and held back, and vaults out of reach. What needs k vaults succeeds exactly when k can be
//! reached; nothing is done twice; a result that is partial says so and names the vaults.
//!
//! `EVAULT_CHAOS_SECONDS` (20) and `EVAULT_CHAOS_SEED` change how long and which schedule.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod ledger;
mod model;
mod nemesis;
mod secrets;
mod worker;

use ledger::{Ledger, check_logs};
use model::Model;
use nemesis::Nemesis;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Barrier, watch};
use vault_audit::Entry;
use vault_client::{Constellation, ConstellationConfig};
use vault_test::constellation::{Options, TestConstellation};
use vault_test::issuer::Client as IssuerClient;
use vault_test::proxy::Proxy;
use worker::Worker;

const VAULTS: usize = 4;
const THRESHOLD: usize = 2;
const CLIENTS: usize = 10;
const SECONDS: u64 = 20;
const SEED: u64 = 20_261_122;

/// Longest time of a call: enough for a vault that answers, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => default,
    }
}

/// Four vaults, each behind a proxy whose address is all that clients know.
async fn start(seed: u64) -> (TestConstellation, Arc<Vec<Proxy>>) {
    let mut proxies = Vec::new();
    for i in 0..VAULTS {
        let proxy = Proxy::start("127.0.0.1:1", seed ^ i as u64).await.unwrap();
        proxies.push(proxy);
    }
    let mut options = Options::new(VAULTS);
    options.registries = 0;
    options.endpoints = proxies.iter().map(|proxy| Some(proxy.endpoint())).collect();
    let owner = |i| IssuerClient::new(&name(i), "secret", &["vault:owner"]);
    options.clients.extend((0..CLIENTS).map(owner));
    let constellation = TestConstellation::start_with(options).await.unwrap();
    for (i, proxy) in proxies.iter().enumerate() {
        proxy.redirect(&constellation.vault(i).unwrap().ready().unwrap().addr);
    }
    (constellation, Arc::new(proxies))
}

fn name(i: usize) -> String {
    format!("client-{i}")
}

fn config(constellation: &TestConstellation, who: &str) -> ConstellationConfig {
    let mut config = constellation.config(who).unwrap();
    config.tokens = constellation.issuer().token_source(who);
    config.timeout(PATIENCE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_chaos_k_vaults_suffice_nothing_is_done_twice_and_partial_results_say_so() {
    let seconds = setting("EVAULT_CHAOS_SECONDS", SECONDS);
    let seed = setting("EVAULT_CHAOS_SEED", SEED);
    println!("chaos: seed {seed}, {seconds} seconds");
    let (constellation, proxies) = start(seed).await;
    let model = Model::new(VAULTS);
    let (stop, stopped) = watch::channel(false);
    let begun = Arc::new(Barrier::new(CLIENTS + 1));
    let mut working = Vec::new();
    for i in 0..CLIENTS {
        let client = Constellation::open(config(&constellation, &name(i))).await;
        let folder = constellation.dir().join("secrets").join(name(i));
        let issuer = constellation.issuer().url().to_owned();
        let vaults = (0..VAULTS).map(|i| constellation.vault_id(i).unwrap());
        let worker = Worker::new(
            i,
            seed,
            client.unwrap(),
            vaults.collect(),
            &folder,
            &issuer,
            model.clone(),
        );
        working.push(tokio::spawn(worker.work(begun.clone(), stopped.clone())));
    }
    // Every client has a secret.
    begun.wait().await;
    let auditor = config(&constellation, "auditor");
    let nemesis = Nemesis::new(constellation, proxies.clone(), model, seed);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (constellation, rounds) = nemesis.rage(until).await;
    stop.send_replace(true);
    let mut ledgers = Vec::new();
    for worker in working {
        ledgers.push(worker.await.expect("a worker that found no violation"));
    }
    let logs = read_logs(&constellation, auditor).await;
    check_logs(&logs, &ledgers);
    report(rounds, &ledgers, &logs);
    drop((constellation, proxies));
}

/// Every entry of every vault's log, proven against its head.
async fn read_logs(
    constellation: &TestConstellation,
    auditor: ConstellationConfig,
) -> Vec<Vec<Entry>> {
    let auditor = Constellation::open(auditor).await.unwrap();
    let mut logs = Vec::new();
    for i in 0..VAULTS {
        let vault = constellation.vault_id(i).unwrap();
        let client = auditor.client(&vault).await.unwrap();
        let log = client.whole_log().await.unwrap();
        let entries = log
            .leaves
            .iter()
            .map(|leaf| Entry::from_leaf(leaf).unwrap());
        logs.push(entries.collect());
    }
    logs
}

fn report(rounds: usize, ledgers: &[Ledger], logs: &[Vec<Entry>]) {
    let mut all = Ledger::default();
    for ledger in ledgers {
        all.add(ledger);
    }
    let entries: usize = logs.iter().map(Vec::len).sum();
    println!("chaos: {rounds} rounds of faults, {entries} log entries on {VAULTS} vaults");
    for (what, count) in &all.counts {
        println!("chaos: {what:<12} {count}");
    }
    // A run in which nothing was decided shows nothing.
    for what in ["reconstruct", "refresh", "sign", "create"] {
        let count = all.counts[what];
        let decided = count.had_to_succeed > 0 && count.had_to_fail > 0;
        assert!(decided, "{what}: {count}; run longer");
    }
}
