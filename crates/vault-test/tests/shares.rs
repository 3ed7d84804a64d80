//! Shares in a running vault, through real sockets: a plain bearer token gets nothing of them, a
//! bound one gets back what it gave, also after a crash.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "this file uses a part of it")]
mod server_wire;

use server_wire::vault;
use std::sync::Arc;
use vault_client::token::{AccessToken, FixedToken};
use vault_client::{Client, CreateKey, ErrorCode, KeyName};
use vault_policy::{
    CallerIdentity, KeyHandle, KeyPolicy, KeyType, NamedCaller, OidcSubject, SHARE_CLASSES,
    TemplateArgs, VaultId, template,
};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;
use zeroize::Zeroizing;

async fn issuer() -> Issuer {
    let client = issuer::Client::new("owner", "secret", &["vault:owner"]);
    Issuer::start(IssuerConfig::new(vec![client]))
        .await
        .unwrap()
}

fn policy(issuer: &Issuer, key_type: KeyType) -> KeyPolicy {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    template("owner", &TemplateArgs::new(owner, key_type)).unwrap()
}

/// As long as a policy can be that goes out with a share of the greatest class.
fn long_policy(issuer: &Issuer) -> Vec<u8> {
    let mut fields = policy(issuer, KeyType::RawShare).fields().clone();
    let mut canonical = Vec::new();
    for number in 0.. {
        let subject = OidcSubject {
            issuer: "i".repeat(256),
            subject: "s".repeat(256),
        };
        fields.principals.callers.push(NamedCaller {
            id: format!("nobody {number}"),
            identity: CallerIdentity::Oidc(subject),
        });
        let longer = KeyPolicy::from_fields(fields.clone()).unwrap();
        if longer.canonical_bytes().len() > 63 << 10 {
            break;
        }
        canonical = longer.canonical_bytes().to_vec();
    }
    canonical
}

/// A client whose tokens are bound to its key by DPoP.
async fn bound(vault: &VaultProcess, issuer: &Issuer) -> Client {
    let config = vault
        .client_config(vault.ready().unwrap(), "owner")
        .unwrap();
    let tokens = issuer.token_source("owner").unwrap();
    Client::connect(config.tokens(tokens)).await.unwrap()
}

/// A client whose token is good at one vault only.
async fn addressed(vault: &VaultProcess, issuer: &Issuer, to: VaultId) -> Client {
    let config = vault
        .client_config(vault.ready().unwrap(), "owner")
        .unwrap();
    let token = issuer.token_for_vault("owner", &to).unwrap();
    let tokens = Arc::new(FixedToken(AccessToken::new(token, None)));
    Client::connect(config.tokens(tokens)).await.unwrap()
}

fn share_of(class: usize) -> Zeroizing<Vec<u8>> {
    let bytes = (0..class).map(|index| (index % 251) as u8 | 1);
    Zeroizing::new(bytes.collect())
}

fn handle(class: usize) -> KeyHandle {
    KeyHandle(((class as u128) << 64).to_be_bytes())
}

fn name(class: usize) -> KeyName {
    KeyName::from(handle(class))
}

fn code<T>(outcome: vault_client::Result<T>) -> ErrorCode {
    outcome.map(|_| ()).unwrap_err().code
}

async fn listed(client: &Client) -> usize {
    client.list_keys(0, "").await.unwrap().value.0.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_bearer_token_is_refused_by_every_call_about_a_share_and_a_bound_one_is_not() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let (vault, _) = vault(dir.path(), &issuer, |text| text);
    let plain = vault.client(&issuer, "owner").await.unwrap();
    let bound = bound(&vault, &issuer).await;
    let share_policy = policy(&issuer, KeyType::RawShare)
        .canonical_bytes()
        .to_vec();
    let refused = ErrorCode::SenderConstraintRequired;

    let keep = |client: Client| {
        let (policy, share) = (share_policy.clone(), share_of(320));
        async move { client.create_share(handle(320), policy, share).await }
    };
    assert_eq!(code(keep(plain.clone()).await), refused);
    let kept = keep(bound.clone()).await.unwrap();
    assert!(kept.receipt.logged.is_some());
    assert_eq!(
        (kept.value.key_type, kept.value.exportable),
        (KeyType::RawShare, true)
    );

    let share = name(320);
    assert_eq!(code(plain.get_key(share).await), refused);
    assert_eq!(code(plain.policy(share).await), refused);
    assert_eq!(code(plain.public_key(share, None).await), refused);
    assert_eq!(code(plain.reconstruct(share).await), refused);
    assert_eq!(code(plain.delete_key(share).await), refused);
    assert_eq!((listed(&plain).await, listed(&bound).await), (0, 1));
    // Other keys are as they were.
    let key = CreateKey {
        handle: None,
        key_type: KeyType::HmacSha256,
        name: "tags".into(),
        policy: policy(&issuer, KeyType::HmacSha256)
            .canonical_bytes()
            .to_vec(),
        labels: Vec::new(),
    };
    let key = plain.create_key(key).await.unwrap().value;
    plain
        .mac(KeyName::from(key.handle), b"message".to_vec())
        .await
        .unwrap();

    assert_eq!(
        bound.get_key(share).await.unwrap().value.handle,
        handle(320)
    );
    assert_eq!(bound.policy(share).await.unwrap().value.0, share_policy);
    let fetched = bound.reconstruct(share).await.unwrap();
    assert!(fetched.receipt.logged.is_some());
    assert_eq!(fetched.value, share_of(320));
    bound.delete_key(share).await.unwrap();
    assert_eq!(code(bound.reconstruct(share).await), ErrorCode::NotFound);
    assert_eq!(code(plain.get_key(share).await), refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_this_vault_alone_fetches_a_share_too() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let (vault, _) = vault(dir.path(), &issuer, |text| text);
    let bound = bound(&vault, &issuer).await;
    let policy = policy(&issuer, KeyType::RawShare)
        .canonical_bytes()
        .to_vec();
    bound
        .create_share(handle(320), policy, share_of(320))
        .await
        .unwrap();
    let addressed = addressed(&vault, &issuer, bound.vault_id()).await;
    let fetched = addressed.reconstruct(name(320)).await.unwrap();
    assert_eq!(fetched.value, share_of(320));
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_of_every_class_survive_a_crash_the_greatest_with_a_long_policy() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let small = |text: String| text + "\n[limits]\nsnapshot_records = 16\n";
    let (mut vault, _) = vault(dir.path(), &issuer, small);
    let client = bound(&vault, &issuer).await;
    let short = policy(&issuer, KeyType::RawShare)
        .canonical_bytes()
        .to_vec();
    let long = long_policy(&issuer);
    assert!(long.len() > 62 << 10);
    for class in SHARE_CLASSES {
        for policy in [&short, &long] {
            let number = class + policy.len();
            client
                .create_share(handle(number), policy.clone(), share_of(class))
                .await
                .unwrap();
        }
    }
    // Before a crash, and after one: from a snapshot with shares, and the groups behind it.
    for crashed in [false, true] {
        if crashed {
            vault.kill().unwrap();
            assert!(dir.path().join("data/snapshot.sealed").exists());
            vault.start().unwrap();
        }
        let client = bound(&vault, &issuer).await;
        assert_eq!(listed(&client).await, 2 * SHARE_CLASSES.len());
        for (class, policy) in SHARE_CLASSES
            .into_iter()
            .flat_map(|class| [(class, &short), (class, &long)])
        {
            let fetched = client
                .reconstruct(name(class + policy.len()))
                .await
                .unwrap();
            assert_eq!(fetched.value, share_of(class), "{class}");
        }
    }
}
