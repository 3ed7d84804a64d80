//! What a vault has done and answered is not done again, whatever fails after that: neither there
//! nor on another vault.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod operating;

use operating::{issuer, keys, vault};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use vault_client::constellation::Effect;
use vault_client::token::{AccessToken, TokenFuture, TokenSource};
use vault_client::{BatchCall, Client, Constellation, CreateKey, Error, ErrorCode, Input, KeyName};
use vault_policy::{KeyHandle, KeyType, OidcSubject, TemplateArgs, template};
use vault_test::constellation::TestConstellation;
use vault_test::issuer::Issuer;
use vault_test::process::VaultProcess;

/// One token, of which some deliveries fail.
struct Failing {
    token: String,
    next: Mutex<VecDeque<Option<ErrorCode>>>,
}

impl Failing {
    /// The next token arrives, and the one after it does not: the answer to a call is there by
    /// then, and the proof that belongs to it is not.
    fn once_answered(&self, code: ErrorCode) {
        self.next.lock().unwrap().extend([None, Some(code)]);
    }

    fn all_used(&self) -> bool {
        self.next.lock().unwrap().is_empty()
    }
}

impl TokenSource for Failing {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            let failed = self.next.lock().unwrap().pop_front().flatten();
            match failed {
                Some(code) => Err(Error::new(code)),
                None => Ok(AccessToken::new(self.token.clone(), None)),
            }
        })
    }
}

struct Setting {
    issuer: Issuer,
    vault: VaultProcess,
    client: Client,
    tokens: Arc<Failing>,
    key: KeyName,
    _dir: tempfile::TempDir,
}

impl Setting {
    async fn new() -> Self {
        let issuer = issuer(3600).await;
        let dir = tempfile::tempdir().unwrap();
        let vault = vault(dir.path(), &issuer, |text| text);
        let tokens = Arc::new(Failing {
            token: issuer.token("owner").unwrap(),
            next: Mutex::default(),
        });
        let config = vault.client_config(vault.ready().unwrap(), "failing");
        let client = Client::connect(config.unwrap().tokens(tokens.clone())).await;
        let client = client.unwrap();
        let key = keys(&client, &issuer).await[&KeyType::P256Signing];
        Self {
            issuer,
            vault,
            client,
            tokens,
            key,
            _dir: dir,
        }
    }

    /// The log grows by others' entries, so that the next answer needs a proof of consistency,
    /// and its token does not come.
    async fn arm(&self, code: ErrorCode) {
        let other = self.vault.client(&self.issuer, "owner").await.unwrap();
        for _ in 0..2 {
            let input = Input::Message(b"other".to_vec());
            other.sign(self.key, input, false).await.unwrap();
        }
        self.tokens.once_answered(code);
    }

    /// How often the log says that this was done.
    async fn times(&self, operation: &str) -> usize {
        let auditor = self.vault.client(&self.issuer, "auditor").await.unwrap();
        let log = auditor.whole_log().await.unwrap();
        let done = log.leaves.iter().filter(|leaf| {
            let entry: serde_json::Value = serde_json::from_slice(leaf).unwrap();
            entry["operation"] == operation && entry["outcome"] == "ok"
        });
        done.count()
    }
}

const BETWEEN: [ErrorCode; 4] = [
    ErrorCode::IssuerUnavailable,
    ErrorCode::TokenExpired,
    ErrorCode::RateLimited,
    ErrorCode::FileInaccessible,
];

/// What the caller is told: never a refusal, after which it would try again.
fn told(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::FileInaccessible => code,
        _ => ErrorCode::Unavailable,
    }
}

/// In a stream, and too long for one.
const LENGTHS: [usize; 2] = [1, 100 << 10];

#[tokio::test(flavor = "multi_thread")]
async fn a_use_of_a_key_that_was_answered_is_not_repeated_when_its_proof_cannot_be_had() {
    let setting = Setting::new().await;
    for code in BETWEEN {
        for length in LENGTHS {
            setting.arm(code).await;
            let before = setting.times("sign").await;
            let input = Input::Message(vec![7; length]);
            let signed = setting.client.sign(setting.key, input, false).await;
            let error = signed.unwrap_err();
            assert!(setting.tokens.all_used(), "{code} {length}");
            assert_eq!(setting.times("sign").await, before + 1, "{code} {length}");
            assert_eq!(error.code, told(code), "{error}");
        }
    }
    let input = Input::Message(b"good".to_vec());
    setting
        .client
        .sign(setting.key, input, false)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_answered_is_not_repeated_and_says_which_answers_are_not_accepted() {
    let setting = Setting::new().await;
    for code in BETWEEN {
        setting.arm(code).await;
        let before = setting.times("sign").await;
        let calls = [b"one", b"two"].map(|message| BatchCall::Sign {
            key: setting.key,
            input: Input::Message(message.to_vec()),
            der: false,
        });
        let outcomes = setting.client.batch(calls.to_vec()).await.unwrap();
        assert!(setting.tokens.all_used(), "{code}");
        assert_eq!(setting.times("sign").await, before + 2, "{code}");
        let failed: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        assert!(!failed.is_empty(), "{code}");
        for error in failed {
            assert_eq!(error.code, told(code), "{error}");
        }
    }
}

fn creation(issuer: &Issuer, handle: KeyHandle) -> CreateKey {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::P256Signing)).unwrap();
    CreateKey {
        handle: Some(handle),
        key_type: KeyType::P256Signing,
        name: handle.to_string(),
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_was_answered_is_repeated_by_its_key_and_made_once() {
    let setting = Setting::new().await;
    let codes = [ErrorCode::IssuerUnavailable, ErrorCode::TokenExpired];
    for (number, code) in (1..).zip(codes) {
        setting.arm(code).await;
        let before = setting.times("create_key").await;
        let key = creation(&setting.issuer, KeyHandle([number; 16]));
        setting.client.create_key(key).await.unwrap();
        assert!(setting.tokens.all_used(), "{code}");
        assert_eq!(setting.times("create_key").await, before + 1, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_and_may_be_done_on_one_vault_is_not_begun_on_another() {
    let test = TestConstellation::start(2).await.unwrap();
    let constellation = Constellation::open(test.config("owner").unwrap()).await;
    let constellation = constellation.unwrap();
    let vaults = constellation.vault_ids();
    let asked = AtomicUsize::new(0);
    // It is done; then something else fails, with a code that a refusal has as well.
    for (number, code) in [(1, ErrorCode::NotFound), (2, ErrorCode::FileInaccessible)] {
        asked.store(0, Ordering::SeqCst);
        let done = constellation.first(&vaults, Effect::Once, |client| {
            asked.fetch_add(1, Ordering::SeqCst);
            let key = creation(test.issuer(), KeyHandle([number; 16]));
            async move {
                client.create_key(key).await?;
                Err::<(), _>(Error::new(code))
            }
        });
        assert_eq!(done.await.unwrap_err().code, code);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{code}");
    }
    // It is refused, and the next vault does it.
    asked.store(0, Ordering::SeqCst);
    let done = constellation.first(&vaults, Effect::Once, |client| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        let mut key = creation(test.issuer(), KeyHandle([3; 16]));
        if first {
            key.policy = b"{}".to_vec();
        }
        async move { client.create_key(key).await }
    });
    let done = done.await.unwrap();
    assert_eq!((done.vault_id, done.failed.len()), (vaults[1], 1));
}
