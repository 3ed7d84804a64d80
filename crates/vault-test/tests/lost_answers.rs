//! Answers that are lost on their way: what the vault has done, it does not do again, and the
//! caller is told that it is done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;
use vault_audit::Entry;
use vault_client::{Client, Constellation, CreateKey, KeyState};
use vault_policy::{KeyHandle, KeyType, OidcSubject, TemplateArgs, template};
use vault_test::constellation::{Options, TestConstellation};
use vault_test::proxy::{Mode, Proxy};

/// Ends a test that would hang.
const LONG: Duration = Duration::from_secs(60);

/// One vault behind a proxy, and an auditor who reads its log past the proxy.
struct Behind {
    constellation: TestConstellation,
    proxy: Proxy,
    auditor: Client,
}

impl Behind {
    async fn start() -> Self {
        let proxy = Proxy::start("127.0.0.1:1", 0).await.unwrap();
        let mut options = Options::new(1);
        options.registries = 0;
        options.endpoints = vec![Some(proxy.endpoint())];
        let constellation = TestConstellation::start_with(options).await.unwrap();
        let direct = constellation
            .vault(0)
            .unwrap()
            .ready()
            .unwrap()
            .addr
            .clone();
        proxy.redirect(&direct);
        let mut config = constellation.config("auditor").unwrap();
        config.endpoints = vec![(constellation.vault_id(0).unwrap(), direct)];
        let auditor = Constellation::open(config).await.unwrap();
        let auditor = auditor.client(&constellation.vault_id(0).unwrap()).await;
        Self {
            auditor: auditor.unwrap(),
            constellation,
            proxy,
        }
    }

    /// How often the log says that this was done.
    async fn times(&self, operation: &str) -> usize {
        let log = self.auditor.whole_log().await.unwrap();
        let entries = log
            .leaves
            .iter()
            .map(|leaf| Entry::from_leaf(leaf).unwrap());
        let done = |entry: &Entry| entry.operation == operation && entry.outcome == "ok";
        entries.filter(done).count()
    }

    /// Makes a call whose first answer does not arrive: it is held back until the log has the
    /// entry, and then its connection is cut.
    async fn lose<T>(&self, operation: &str, call: impl Future<Output = T>) -> T {
        self.proxy.set(Mode::HalfOpen);
        let cut = async {
            let mut pause = tokio::time::interval(Duration::from_millis(20));
            while self.times(operation).await == 0 {
                pause.tick().await;
            }
            self.proxy.set(Mode::Refuse);
            self.proxy.set(Mode::Forward);
        };
        let both = async { tokio::join!(call, cut).0 };
        timeout(LONG, both).await.expect("in time")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_and_a_deletion_are_done_once_and_succeed_when_their_answers_are_lost() {
    let behind = Behind::start().await;
    let client = behind.constellation.client(0, "owner").await.unwrap();
    client.whoami().await.unwrap();
    let owner = OidcSubject {
        issuer: behind.constellation.issuer().url().to_owned(),
        subject: "owner".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::P256Signing)).unwrap();
    let handle = KeyHandle([7; 16]);
    let key = CreateKey {
        handle: Some(handle),
        key_type: KeyType::P256Signing,
        name: "lost".into(),
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    };
    let connections = client.attestations();
    let made = behind.lose("create_key", client.create_key(key)).await;
    let made = made.unwrap();
    assert_eq!(made.value.handle, handle);
    // The repeat is not logged again, and the entry's proof went with the answer that was lost.
    assert_eq!(made.receipt.logged, None);
    assert_eq!(behind.times("create_key").await, 1);
    assert_eq!(client.attestations(), connections + 1);

    let gone = behind
        .lose("delete_key", client.delete_key(handle.into()))
        .await;
    assert_eq!(gone.unwrap().value.state, KeyState::Destroyed);
    assert_eq!(behind.times("delete_key").await, 1);
    assert_eq!(client.attestations(), connections + 2);
}
