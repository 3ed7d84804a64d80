//! The SDK over `Operate`: one stream for all hot calls, re-attested and opened again after a loss.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod operating;

use operating::{issuer, keys, vault};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use vault_client::token::{AccessToken, FixedToken, Kept, TokenFuture, TokenSource};
use vault_client::{BatchAnswer, BatchCall, Client, ErrorCode, Input};
use vault_policy::KeyType;
use vault_test::issuer::Issuer;
use vault_test::process::{Ready, VaultProcess};
use vault_test::proxy::Proxy;

/// A client of a vault, through a proxy that nobody else uses.
async fn behind(vault: &VaultProcess, issuer: &Issuer, proxy: &Proxy) -> Client {
    let at = Ready {
        addr: proxy.endpoint(),
        pins: vault.ready().unwrap().pins.clone(),
    };
    vault.client_of(&at, issuer, "owner").await.unwrap()
}

/// How often the log says that a message was signed.
async fn signatures(vault: &VaultProcess, issuer: &Issuer) -> usize {
    let auditor = vault.client(issuer, "auditor").await.unwrap();
    let log = auditor.whole_log().await.unwrap();
    let signed = log.leaves.iter().filter(|leaf| {
        let entry: serde_json::Value = serde_json::from_slice(leaf).unwrap();
        entry["operation"] == "sign" && entry["outcome"] == "ok"
    });
    signed.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_calls_share_one_connection_and_long_ones_go_beside_the_stream() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let proxy = Proxy::start(vault.ready().unwrap().addr.clone(), 1)
        .await
        .unwrap();
    let client = behind(&vault, &issuer, &proxy).await;
    let keys = keys(&client, &issuer).await;
    let (p256, hmac) = (keys[&KeyType::P256Signing], keys[&KeyType::HmacSha256]);
    let mut calls = JoinSet::new();
    for number in 0..120u32 {
        let client = client.clone();
        calls.spawn(async move {
            let message = number.to_be_bytes().to_vec();
            match number % 3 {
                0 => {
                    let input = Input::Message(message);
                    let signed = client.sign(p256, input.clone(), true).await.unwrap();
                    assert!(signed.receipt.logged.is_some());
                    let signature = signed.value.signature;
                    let valid = client.verify(p256, input, signature, true, None).await;
                    assert!(valid.unwrap().value);
                }
                1 => {
                    let tag = client.mac(hmac, message.clone()).await.unwrap().value.bytes;
                    let valid = client.mac_verify(hmac, message, tag, None).await;
                    assert!(valid.unwrap().value);
                }
                // Longer than what a vault reads of a call in a stream.
                _ => {
                    let tag = client.mac(hmac, vec![1; 100 << 10]).await.unwrap();
                    assert_eq!(tag.value.bytes.len(), 32);
                }
            }
        });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
    assert_eq!(client.attestations(), 1);
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_flight_when_the_connection_was_cut_is_repeated_only_if_it_reads() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let proxy = Proxy::start(vault.ready().unwrap().addr.clone(), 2)
        .await
        .unwrap();
    let client = behind(&vault, &issuer, &proxy).await;
    let keys = keys(&client, &issuer).await;
    let key = keys[&KeyType::P256Signing];
    let (mut made, mut lost) = (0, 0);
    for round in 0..6u32 {
        let before = client.attestations();
        let mut signing = JoinSet::new();
        let mut reading = JoinSet::new();
        for number in 0..24u32 {
            let (signer, reader) = (client.clone(), client.clone());
            let message = [round.to_be_bytes(), number.to_be_bytes()].concat();
            signing.spawn(async move { signer.sign(key, Input::Message(message), false).await });
            reading.spawn(async move { reader.public_key(key, None).await });
        }
        // One answer shows that calls are under way.
        let first = signing.join_next().await.unwrap().unwrap();
        made += usize::from(first.is_ok());
        proxy.cut();
        while let Some(signed) = signing.join_next().await {
            match signed.unwrap() {
                Ok(_) => made += 1,
                Err(error) => {
                    assert_eq!(error.code, ErrorCode::Unavailable, "{error}");
                    lost += 1;
                }
            }
        }
        while let Some(read) = reading.join_next().await {
            read.unwrap().unwrap();
        }
        // Whoever calls next gets a connection that was attested anew.
        client.public_key(key, None).await.unwrap();
        assert!(client.attestations() > before);
    }
    assert_eq!(made + lost, 6 * 24);
    let logged = signatures(&vault, &issuer).await;
    assert!(
        (made..=made + lost).contains(&logged),
        "{made} {lost} {logged}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_vault_behind_the_same_address_is_refused_after_a_cut() {
    let issuer = issuer(3600).await;
    let (dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = vault(dir.path(), &issuer, |text| text);
    let other = vault(other_dir.path(), &issuer, |text| text);
    let proxy = Proxy::start(own.ready().unwrap().addr.clone(), 3)
        .await
        .unwrap();
    let client = behind(&own, &issuer, &proxy).await;
    let key = keys(&client, &issuer).await[&KeyType::P256Signing];
    client.public_key(key, None).await.unwrap();
    let before = client.peer().await.unwrap();
    assert_eq!(client.attestations(), 1);
    proxy.redirect(other.ready().unwrap().addr.clone());
    proxy.cut();
    let refused = client.public_key(key, None).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::AttestationRefused, "{refused}");
    assert_eq!(client.attestations(), 1);
    proxy.redirect(own.ready().unwrap().addr.clone());
    client.public_key(key, None).await.unwrap();
    assert_eq!(client.attestations(), 2);
    assert_eq!(client.peer().await.unwrap().vault_id, before.vault_id);
}

/// Tokens as the issuer makes them, counted.
struct Issued {
    issuer: Arc<Issuer>,
    fetched: Arc<AtomicU64>,
    lifetime: Duration,
}

impl TokenSource for Issued {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            self.fetched.fetch_add(1, Ordering::SeqCst);
            let token = self.issuer.token("owner").unwrap();
            Ok(AccessToken::new(token, Some(self.lifetime)))
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_gets_a_stream_of_its_own_on_the_same_connection() {
    let issuer = Arc::new(issuer(8).await);
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| {
        text.replace("[log]", "[time]\nskew = 1\n\n[log]")
    });
    let fetched = Arc::<AtomicU64>::default();
    let ready = vault.ready().unwrap();
    // The client believes in a longer life than the token has, so that the vault ends streams.
    for lifetime in [Duration::from_secs(5), Duration::from_secs(3600)] {
        let tokens = Kept::new(Issued {
            issuer: issuer.clone(),
            fetched: fetched.clone(),
            lifetime,
        });
        let config = vault.client_config(ready, "owner").unwrap();
        let client = Client::connect(config.tokens(Arc::new(tokens)))
            .await
            .unwrap();
        let named = client.find_key(KeyType::P256Signing.name()).await;
        let key = match named {
            Ok(found) => found.handle.into(),
            Err(_) => keys(&client, &issuer).await[&KeyType::P256Signing],
        };
        let from = fetched.load(Ordering::SeqCst);
        while fetched.load(Ordering::SeqCst) < from + 2 {
            let signed = client.sign(key, Input::Message(b"a".to_vec()), false).await;
            signed.unwrap();
        }
        assert_eq!(client.attestations(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_starts_again_is_attested_again_before_the_stream_is_opened() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let mut vault = vault(dir.path(), &issuer, |text| text);
    let proxy = Proxy::start(vault.ready().unwrap().addr.clone(), 4)
        .await
        .unwrap();
    let client = behind(&vault, &issuer, &proxy).await;
    let key = keys(&client, &issuer).await[&KeyType::P256Signing];
    for starts in 1..4 {
        let signed = client.sign(key, Input::Message(b"a".to_vec()), false).await;
        signed.unwrap();
        assert_eq!(client.attestations(), starts);
        vault.kill().unwrap();
        proxy.redirect(vault.start().unwrap().addr.clone());
        // The loss is noticed by a call that may be repeated.
        client.public_key(key, None).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_is_forgotten_and_the_others_are_answered() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let client = vault.client(&issuer, "owner").await.unwrap();
    let key = keys(&client, &issuer).await[&KeyType::P256Signing];
    for _ in 0..20 {
        let mut calls = JoinSet::new();
        for _ in 0..8 {
            let client = client.clone();
            calls
                .spawn(async move { client.sign(key, Input::Message(b"a".to_vec()), false).await });
        }
        calls.join_next().await.unwrap().unwrap().unwrap();
        // Dropping the rest gives them up wherever they are.
        calls.abort_all();
        while calls.join_next().await.is_some() {}
        let signed = client.sign(key, Input::Message(b"b".to_vec()), false).await;
        signed.unwrap();
    }
    assert_eq!(client.attestations(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_gives_each_call_its_own_outcome_in_order() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let client = vault.client(&issuer, "owner").await.unwrap();
    let keys = keys(&client, &issuer).await;
    let (p256, hmac) = (keys[&KeyType::P256Signing], keys[&KeyType::HmacSha256]);
    let input = || Input::Message(b"a".to_vec());
    let calls = vec![
        BatchCall::Sign {
            key: p256,
            input: input(),
            der: true,
        },
        BatchCall::Sign {
            key: hmac,
            input: input(),
            der: false,
        },
        BatchCall::Mac {
            key: hmac,
            message: b"a".to_vec(),
        },
        BatchCall::PublicKey {
            key: p256,
            version: None,
        },
    ];
    let outcomes = client.batch(calls).await.unwrap();
    let [signed, refused, tag, public] = &outcomes[..] else {
        panic!("{} outcomes", outcomes.len());
    };
    let signed = signed.as_ref().unwrap();
    assert!(signed.receipt.logged.is_some());
    let BatchAnswer::Signed(signed) = &signed.value else {
        panic!("not a signature");
    };
    let valid = client
        .verify(p256, input(), signed.signature.clone(), true, None)
        .await;
    assert!(valid.unwrap().value);
    let Err(refused) = refused else {
        panic!("signed with a key for tags");
    };
    assert_eq!(refused.code, ErrorCode::PolicyDenied);
    assert!(
        matches!(&tag.as_ref().unwrap().value, BatchAnswer::Bytes(tag) if tag.bytes.len() == 32)
    );
    assert!(public.as_ref().unwrap().receipt.logged.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_the_refusal_of_the_opening_as_that_of_the_call() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let key = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let config = vault
        .client_config(vault.ready().unwrap(), "nobody")
        .unwrap();
    let token = FixedToken(AccessToken::new("a.b.c", None));
    let client = Client::connect(config.tokens(Arc::new(token)))
        .await
        .unwrap();
    let refused = client.public_key(key[&KeyType::P256Signing], None).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Unauthenticated);
    assert_eq!(client.attestations(), 1);
}
