//! T-ENOSPC: a real vault process whose disk takes no more: what would be logged is refused with a typed error and has
//! no effect, reading goes on, and so does everything once there is space again, by itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use vault_client::{Answer, Client, CreateKey, Error, ErrorCode, Input, KeyInfo, KeyName};
use vault_policy::{KeyHandle, KeyType, OidcSubject, SHARE_CLASSES, TemplateArgs, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const SIM_VAULT: &str = env!("CARGO_BIN_EXE_sim-vault");
/// Long enough for a machine with other work; a test ends when its condition holds.
const PATIENCE: Duration = Duration::from_secs(120);

struct Bench {
    dir: tempfile::TempDir,
    issuer: Issuer,
}

impl Bench {
    async fn new() -> Self {
        let roles = ["vault:owner", "vault:auditor"];
        let owner = issuer::Client::new("owner", "secret", &roles);
        let mut config = IssuerConfig::new(vec![owner]);
        config.token_seconds = 24 * 3600;
        Self {
            dir: tempfile::tempdir().unwrap(),
            issuer: Issuer::start(config).await.unwrap(),
        }
    }

    fn vault(&self, program: &[&str]) -> VaultProcess {
        let (dir, sim) = (self.dir.path(), self.dir.path().join("sim"));
        let limits = "\n[limits]\nsegment_mib = 1\n";
        VaultProcess::prepare_with(program, dir, &self.issuer, &sim, limits).unwrap()
    }

    /// A vault that is told so many times that there is no space when it makes the file `name`.
    fn without_space(&self, name: &str, times: usize) -> VaultProcess {
        let path = self.dir.path().join("data").join(name);
        let inject = format!("inject=openat:error=ENOSPC:when=1..{times}");
        self.vault(&[
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=openat",
            "-e",
            &inject,
            "-P",
            path.to_str().unwrap(),
            SIM_VAULT,
        ])
    }

    async fn client(&self, vault: &VaultProcess) -> Client {
        vault.client(&self.issuer, "owner").await.unwrap()
    }

    fn owner(&self) -> OidcSubject {
        OidcSubject {
            issuer: self.issuer.url().to_owned(),
            subject: "owner".into(),
        }
    }

    async fn create(&self, client: &Client, name: &str) -> Result<Answer<KeyInfo>, Error> {
        let args = TemplateArgs::new(self.owner(), KeyType::Ed25519Signing);
        let key = CreateKey {
            handle: None,
            key_type: KeyType::Ed25519Signing,
            name: name.to_owned(),
            policy: template("owner", &args).unwrap().canonical_bytes().to_vec(),
            labels: Vec::new(),
        };
        client.create_key(key).await
    }
}

async fn sign(client: &Client, key: KeyName) -> Result<(u64, Vec<u8>), Error> {
    let input = Input::Message(b"message".to_vec());
    let logged = client
        .sign(key, input, false)
        .await?
        .receipt
        .logged
        .unwrap();
    Ok((logged.index, logged.leaf))
}

fn is_full(error: &Error) -> bool {
    error.code == ErrorCode::Unavailable && error.to_string().contains("full")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_is_logged_reads_on_and_comes_back_by_itself() {
    let bench = Bench::new().await;
    let mut vault = bench.without_space("log-00000001.seg", 12);
    vault.start().unwrap();
    let client = bench.client(&vault).await;
    let key = KeyName::from(bench.create(&client, "first").await.unwrap().value.handle);
    let mut leaves = BTreeMap::new();
    let refused = loop {
        match sign(&client, key).await {
            Ok((index, leaf)) => leaves.insert(index, leaf),
            Err(error) => break error,
        };
    };
    assert!(is_full(&refused), "{refused}");
    let before = leaves.len();
    assert!(before > 100, "{before}");

    let refused = bench.create(&client, "refused").await.unwrap_err();
    assert!(is_full(&refused), "{refused}");
    // What is not logged goes on, also for a client that comes now.
    let other = bench.client(&vault).await;
    for client in [&client, &other] {
        client.get_key(key).await.unwrap();
        let (keys, _) = client.list_keys(10, "").await.unwrap().value;
        assert_eq!(keys.len(), 1, "what was refused has no effect");
        assert!(client.info().await.unwrap().locked.is_none());
    }
    let log = other.whole_log().await.unwrap();
    let (last, leaf) = leaves.last_key_value().unwrap();
    assert_eq!(&log.leaves[usize::try_from(*last).unwrap()], leaf);

    let begun = Instant::now();
    let mut refusals = 0;
    while let Err(error) = sign(&client, key).await {
        assert!(is_full(&error), "{error}");
        assert!(begun.elapsed() < PATIENCE, "it never comes back");
        refusals += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Across the next segment.
    for _ in 0..120 {
        let (index, leaf) = sign(&client, key).await.unwrap();
        leaves.insert(index, leaf);
    }
    vault.kill().unwrap();
    assert!(bench.dir.path().join("data/log-00000001.seg").exists());

    let mut vault = bench.vault(&[SIM_VAULT]);
    vault.start().unwrap();
    let log = bench.client(&vault).await.whole_log().await.unwrap();
    for (index, leaf) in &leaves {
        assert_eq!(&log.leaves[usize::try_from(*index).unwrap()], leaf);
    }
    println!(
        "T-ENOSPC: full after {before} entries, {refusals} refusals until there was space, {} entries, all there",
        leaves.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_full_disk_is_locked_with_the_reason_and_opens_when_there_is_space() {
    let bench = Bench::new().await;
    let mut vault = bench.vault(&[SIM_VAULT]);
    vault.start().unwrap();
    let client = bench.client(&vault).await;
    let key = KeyName::from(bench.create(&client, "first").await.unwrap().value.handle);
    let (index, leaf) = sign(&client, key).await.unwrap();
    drop(client);
    vault.kill().unwrap();

    // Each start that finds no space asks three times.
    let mut vault = bench.without_space("log-00000000.seg.new", 3);
    vault.start().unwrap();
    let client = bench.client(&vault).await;
    let reason = client.info().await.unwrap().locked.expect("locked");
    assert!(reason.contains("disk is full"), "{reason}");
    let refused = sign(&client, key).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Locked, "{refused}");
    let begun = Instant::now();
    loop {
        let client = vault.client(&bench.issuer, "owner").await;
        if let Ok(client) = client
            && sign(&client, key).await.is_ok()
        {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "it never opens");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let log = bench.client(&vault).await.whole_log().await.unwrap();
    assert_eq!(log.leaves[usize::try_from(index).unwrap()], leaf);
}

/// A quarter of a segment: those that come together are one group, for which there is no room behind the first.
async fn keep_share(client: Client, policy: Vec<u8>, number: u8) -> Result<(), Error> {
    let share = zeroize::Zeroizing::new(vec![number | 1; SHARE_CLASSES[5]]);
    let kept = client.create_share(KeyHandle([number; 16]), policy, share);
    kept.await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_need_more_room_than_was_left_wait_for_space_and_end_nothing() {
    const SHARES: u8 = 6;
    let bench = Bench::new().await;
    let mut vault = bench.without_space("log-00000001.seg", 6);
    vault.start().unwrap();
    let config = vault.client_config(vault.ready().unwrap(), "owner");
    let tokens = bench.issuer.token_source("owner").unwrap();
    let client = Client::connect(config.unwrap().tokens(tokens))
        .await
        .unwrap();
    let args = TemplateArgs::new(bench.owner(), KeyType::RawShare);
    let policy = template("owner", &args).unwrap().canonical_bytes().to_vec();

    let mut kept = BTreeSet::new();
    let begun = Instant::now();
    while kept.len() < usize::from(SHARES) {
        assert!(begun.elapsed() < PATIENCE, "{} were kept", kept.len());
        let mut calls = tokio::task::JoinSet::new();
        for number in (1..=SHARES).filter(|number| !kept.contains(number)) {
            let call = keep_share(client.clone(), policy.clone(), number);
            calls.spawn(async move { (number, call.await) });
        }
        while let Some(call) = calls.join_next().await {
            match call.unwrap() {
                (number, Ok(())) => drop(kept.insert(number)),
                (_, Err(error)) => assert!(is_refusal(&error), "{error}"),
            }
        }
    }
    let handles = client.list_keys(100, "").await.unwrap().value.0;
    assert_eq!(handles.len(), usize::from(SHARES));
    vault.kill().unwrap();
    let mut vault = bench.vault(&[SIM_VAULT]);
    vault.start().unwrap();
}

/// By a vault that is there: full, or busy with the other calls.
fn is_refusal(error: &Error) -> bool {
    is_full(error)
        || matches!(
            error.code,
            ErrorCode::RateLimited | ErrorCode::AlreadyExists
        )
}
