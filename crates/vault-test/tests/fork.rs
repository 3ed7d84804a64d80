//! T-FORK: two processes on copies of one vault's folder serve different clients. The fork is
//! found at the first exchange of heads by way of another vault, whoever carries them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::Path;
use std::process::Command;
use vault_client::{
    Client, ClientConfig, Constellation, CreateKey, Error, ErrorCode, HeadStore, Result,
};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, VaultId, template};
use vault_test::constellation::{MEASUREMENT, TestConstellation, machine};
use vault_test::process::VaultProcess;

/// The vault that is cloned, and two over which heads are carried.
const CLONED: usize = 0;
const POST: usize = 1;
const OTHER_POST: usize = 2;

/// Who is served by which process.
const FIRST: &str = "owner";
const SECOND: &str = "other-owner";
const THIRD: &str = "auditor";

struct Bench {
    running: TestConstellation,
    clone: VaultProcess,
    vault_id: VaultId,
    /// Each scenario has memories of its own.
    scenario: usize,
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-rT").args([from, to]).status();
    assert!(copied.unwrap().success());
}

impl Bench {
    /// A vault that was used a while, then copied; both copies run.
    async fn new() -> Self {
        let mut running = TestConstellation::start(3).await.unwrap();
        let vault_id = running.vault_id(CLONED).unwrap();
        let before = running.client(CLONED, "stranger").await.unwrap();
        before.whoami().await.unwrap();
        running.kill(CLONED).unwrap();
        let home = running.dir().join("clone");
        std::fs::create_dir(&home).unwrap();
        let program = [env!("CARGO_BIN_EXE_sim-vault")];
        let sim = running.dir().join("sim");
        let sections = running.governance().section();
        let issuer = running.issuer();
        let clone = VaultProcess::prepare_with(&program, &home, issuer, &sim, &sections);
        let mut clone = clone.unwrap();
        clone.enclave(&machine(CLONED), MEASUREMENT);
        let data = running.vault(CLONED).unwrap().dir().join("data");
        copy(&data, &home.join("data"));
        running.start_vault(CLONED).unwrap();
        assert_eq!(clone.start().unwrap().pins.vault_id, vault_id);
        Self {
            running,
            clone,
            vault_id,
            scenario: 0,
        }
    }

    fn memory(&self, who: &str) -> HeadStore {
        let dir = self.running.dir().join("memories");
        HeadStore::new(dir.join(self.scenario.to_string()).join(who))
    }

    /// A new process of this client: the second is served by the clone, the others are not.
    async fn open(&self, who: &str) -> Constellation {
        let mut config = self.running.config(who).unwrap();
        config.registries.clear();
        config.heads = self.memory(who);
        if who == SECOND {
            config
                .endpoints
                .retain(|(vault, _)| *vault != self.vault_id);
            let addr = self.clone.ready().unwrap().addr.clone();
            config.endpoints.push((self.vault_id, addr));
        }
        Constellation::open(config).await.unwrap()
    }

    /// The connection to the vault of which there are two.
    async fn served(&self, who: &str) -> Client {
        let constellation = self.open(who).await;
        constellation.client(&self.vault_id).await.unwrap()
    }

    /// Uses the vault until its log has this many entries.
    async fn grow(&self, who: &str, size: u64) {
        let client = self.served(who).await;
        let owner = OidcSubject {
            issuer: self.running.issuer().url().to_owned(),
            subject: who.to_owned(),
        };
        let policy = template("owner", &TemplateArgs::new(owner, KeyType::Ed25519Signing));
        let key = CreateKey {
            handle: None,
            key_type: KeyType::Ed25519Signing,
            name: String::new(),
            policy: policy.unwrap().canonical_bytes().to_vec(),
            labels: Vec::new(),
        };
        client.checkpoint().await.unwrap();
        while client.seen().await.unwrap().size < size {
            client.create_key(key.clone()).await.unwrap();
        }
        assert_eq!(client.seen().await.unwrap().size, size);
    }

    /// A new process of this client connects to this vault, and does nothing else.
    async fn passes_by(&self, who: &str, post: usize) {
        let vault = self.running.vault_id(post).unwrap();
        self.open(who).await.client(&vault).await.unwrap();
    }

    /// The next call of this client to the vault of which there are two.
    async fn next_call(&self, who: &str) -> Result<()> {
        self.served(who).await.whoami().await.map(drop)
    }

    /// A connection without a token to the process that serves the second client, with its memory.
    async fn without_token(&self) -> Client {
        let at = self.clone.ready().unwrap();
        let (pins, trust) = (at.pins.clone(), self.running.trust().unwrap());
        let config = ClientConfig::new(&at.addr, pins, trust, self.memory(SECOND));
        Client::connect(config).await.unwrap()
    }

    /// It is told of both heads, keeps evidence, and stops.
    async fn expect_found(&self, who: &str) -> Error {
        let error = self.next_call(who).await.expect_err(who);
        self.is_kept(who, &error);
        let again = self.next_call(who).await.unwrap_err();
        assert_eq!(again.heads, error.heads);
        error
    }

    fn is_kept(&self, who: &str, error: &Error) {
        let codes = [ErrorCode::ForkDetected, ErrorCode::RollbackDetected];
        assert!(codes.contains(&error.code), "{who}: {error}");
        assert_eq!(error.vault_id, Some(self.vault_id));
        assert!(error.heads.is_some(), "{error}");
        let kept = self.memory(who).evidence(&self.vault_id).unwrap();
        assert!(!kept.is_empty());
        for kept in kept {
            kept.evidence.check().unwrap();
            let heads = [&kept.evidence.seen, &kept.evidence.answered];
            assert!(heads.iter().any(|head| head.carried_by.is_some()));
        }
    }

    /// What was carried before is gone, as after any restart; the memories are new.
    fn next_scenario(&mut self) {
        for post in [POST, OTHER_POST] {
            self.running.kill(post).unwrap();
            self.running.start_vault(post).unwrap();
        }
        self.scenario += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clones_that_serve_different_clients_are_found_whoever_carries_the_heads() {
    let mut bench = Bench::new().await;
    let mut size = bench.served(FIRST).await.checkpoint().await.unwrap().size;
    let mut found = Vec::new();
    for carrier in [FIRST, SECOND, THIRD] {
        for (first, second) in [(3, 5), (5, 3), (5, 5)] {
            bench.next_scenario();
            bench.grow(FIRST, size + first).await;
            bench.grow(SECOND, size + second).await;
            size += 5;
            for who in [FIRST, SECOND] {
                bench
                    .next_call(who)
                    .await
                    .expect("nobody has exchanged anything");
            }
            let error = match carrier {
                FIRST => {
                    bench.passes_by(FIRST, POST).await;
                    bench.passes_by(SECOND, POST).await;
                    bench.expect_found(SECOND).await
                }
                SECOND => {
                    bench.passes_by(SECOND, POST).await;
                    bench.passes_by(FIRST, POST).await;
                    bench.expect_found(FIRST).await
                }
                _ => {
                    // Never at the vault itself: from one post to the other.
                    bench.passes_by(FIRST, POST).await;
                    bench.passes_by(THIRD, POST).await;
                    bench.passes_by(THIRD, OTHER_POST).await;
                    bench.passes_by(SECOND, OTHER_POST).await;
                    bench.expect_found(SECOND).await
                }
            };
            found.push((carrier, first, second, error.code));
            // The other client finds it when it passes by for the next time.
            let (late, post) = match carrier {
                SECOND => (SECOND, POST),
                FIRST => (FIRST, POST),
                _ => (FIRST, OTHER_POST),
            };
            bench.passes_by(late, post).await;
            bench.expect_found(late).await;
        }
    }
    println!("T-FORK: found in {} scenarios: {found:?}", found.len());
    assert_eq!(found.len(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_a_memory_notices_nothing_and_its_memory_says_so() {
    let mut bench = Bench::new().await;
    bench.next_scenario();
    assert_eq!(bench.memory(FIRST).head(&bench.vault_id).unwrap(), None);
    bench.next_call(FIRST).await.unwrap();
    // Without what it has just remembered it is served by the other one as well as by the first.
    let mut forgetful = bench.running.config(FIRST).unwrap();
    forgetful.registries.clear();
    let addr = bench.clone.ready().unwrap().addr.clone();
    forgetful.endpoints = vec![(bench.vault_id, addr)];
    let store = HeadStore::new(bench.running.dir().join("no memory"));
    assert_eq!(store.head(&bench.vault_id).unwrap(), None);
    forgetful.heads = store;
    let forgetful = Constellation::open(forgetful).await.unwrap();
    let client = forgetful.client(&bench.vault_id).await.unwrap();
    client.whoami().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_have_seen_is_held_against_a_clone_also_without_a_token() {
    let mut bench = Bench::new().await;
    let mut size = bench.served(FIRST).await.checkpoint().await.unwrap().size;
    for governs in [true, false] {
        bench.next_scenario();
        bench.grow(FIRST, size + 3).await;
        bench.grow(SECOND, size + 5).await;
        size += 5;
        bench.passes_by(FIRST, POST).await;
        let client = bench.without_token().await;
        client.info().await.expect("nobody has exchanged anything");
        client.begin_reconfigure().await.unwrap();
        bench.passes_by(SECOND, POST).await;
        let client = bench.without_token().await;
        let error = match governs {
            true => client.begin_reconfigure().await.map(drop).unwrap_err(),
            false => client.info().await.map(drop).unwrap_err(),
        };
        bench.is_kept(SECOND, &error);
        // Nothing is signed for it, and it still says of itself what it is.
        client.begin_reconfigure().await.unwrap_err();
        let info = client.info().await.unwrap();
        assert_eq!(info.vault_id, bench.vault_id);
    }
}
