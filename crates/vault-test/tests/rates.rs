//! How often one tenant may call a running vault, whichever way its calls come, and that nobody else
//! notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "made for other suites too")]
mod operate_wire;
#[allow(dead_code, reason = "made for other suites too")]
mod operating;

use operate_wire::{Refused, Wire, bearer, mac, numbered, public_key};
use operating::{keys, vault};
use vault_client::{Client, KeyName};
use vault_policy::{KeyHandle, KeyType};
use vault_proto::detail_of;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;
use vault_proto::v1::{self, ErrorCode};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

async fn two_tenants() -> Issuer {
    let mut config = IssuerConfig::new(vec![
        issuer::Client::new("owner", "secret", &["vault:owner", "vault:auditor"]),
        issuer::Client::new("hostile", "secret", &["vault:owner", "vault:auditor"]),
    ]);
    config.token_seconds = 3600;
    Issuer::start(config).await.unwrap()
}

/// Forty calls at once, and then twenty a second; so many uses, pages, and so on that they do not
/// matter.
fn slow(text: String) -> String {
    text + "\n[rates]\ncalls = 20\n"
}

fn over_the_rate(refused: &Refused) -> bool {
    refused.code == ErrorCode::ERROR_CODE_RATE_LIMITED && !refused.logged
}

async fn unary(wire: &Wire, token: &str, key: KeyName) -> Result<(), Refused> {
    let crypto = wire.crypto();
    let call = crypto.get_public_key_with_options(public_key(key), bearer(Some(token)));
    call.await.map(|_| ()).map_err(|error| {
        let detail = detail_of(&error).unwrap();
        if detail.code == ErrorCode::ERROR_CODE_RATE_LIMITED {
            assert_eq!(detail.retry_after, 1);
        }
        Refused::of(&error)
    })
}

async fn batch(wire: &Wire, token: &str, calls: Vec<Call>) -> Vec<Outcome> {
    let calls = calls.into_iter().zip(0..);
    let request = v1::BatchRequest {
        calls: calls.map(|(call, id)| numbered(id, call)).collect(),
        ..Default::default()
    };
    let crypto = wire.crypto();
    let sent = crypto.batch_with_options(request, bearer(Some(token)));
    let answer = sent.await.unwrap().into_owned();
    let outcomes = answer.outcomes.into_iter();
    outcomes.map(|outcome| outcome.outcome.unwrap()).collect()
}

fn limited(outcomes: &[Outcome]) -> usize {
    let refused = outcomes.iter().filter(|outcome| match outcome {
        Outcome::Error(error) => over_the_rate(&Refused::of_outcome(error)),
        _ => false,
    });
    refused.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_count_alike_whichever_way_they_come_and_for_their_principal_only() {
    let issuer = two_tenants().await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, slow);
    let key = KeyName::from(KeyHandle([7; 16]));
    let token = issuer.token("hostile").unwrap();
    // Two connections of one principal have one rate.
    let wires = [Wire::connect(&vault).await, Wire::connect(&vault).await];
    let calls = || vec![Call::GetPublicKey(public_key(key).into()); 100];
    let outcomes = batch(&wires[0], &token, calls()).await;
    let refused = limited(&outcomes);
    assert!((20..=60).contains(&refused), "{refused} of 100");
    let mut alone = 0;
    for _ in 0..50 {
        let refused = unary(&wires[1], &token, key).await.unwrap_err();
        alone += usize::from(over_the_rate(&refused));
    }
    assert!(alone > 0, "no call of its own was refused");
    let mut stream = wires[1].open(Some(&token)).await;
    for id in 0..100 {
        stream
            .call(id, Call::GetPublicKey(public_key(key).into()))
            .await;
    }
    let mut streamed = Vec::new();
    for _ in 0..100 {
        streamed.push(stream.next().await.unwrap().unwrap().1);
    }
    assert!(limited(&streamed) > 0, "no call of a stream was refused");
    // What does not even parse is a call.
    let broken = vec![Call::Mac(v1::MacRequest::default().into()); 100];
    assert!(limited(&batch(&wires[0], &token, broken).await) > 0);
    let other = issuer.token("owner").unwrap();
    let refused = unary(&wires[0], &other, key).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::ERROR_CODE_NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_the_rate_is_the_same_for_keys_that_are_and_are_not_and_leaves_no_entry() {
    let issuer = two_tenants().await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text + "\n[rates]\nuses = 1\n");
    let owner = vault.client(&issuer, "owner").await.unwrap();
    let there = keys(&owner, &issuer).await[&KeyType::HmacSha256];
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let missing = KeyName::from(KeyHandle([9; 16]));
    let calls = |key| vec![Call::Mac(mac(key, b"m").into()); 20];
    batch(&wire, &token, calls(there)).await;
    let before = log_size(&owner).await;
    let of = |outcomes: Vec<Outcome>| match outcomes.into_iter().last().unwrap() {
        Outcome::Error(error) => Refused::of_outcome(&error),
        _ => panic!("not refused"),
    };
    let there = of(batch(&wire, &token, calls(there)).await);
    let missing = of(batch(&wire, &token, calls(missing)).await);
    assert!(over_the_rate(&there), "{there:?}");
    assert_eq!(there, missing);
    // At the rate of one a second, a few may have been done meanwhile.
    assert!(log_size(&owner).await - before < 10);
}

async fn log_size(client: &Client) -> u64 {
    client.checkpoint().await.unwrap().size
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_waits_as_long_as_it_is_told_and_a_log_is_read_to_its_end() {
    let issuer = two_tenants().await;
    let dir = tempfile::tempdir().unwrap();
    let vault: VaultProcess = vault(dir.path(), &issuer, |text| {
        text + "\n[rates]\nuses = 10000\npages = 1\n"
    });
    let owner = vault.client(&issuer, "owner").await.unwrap();
    let key = keys(&owner, &issuer).await[&KeyType::HmacSha256];
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    for _ in 0..4 {
        let done = batch(&wire, &token, vec![Call::Mac(mac(key, b"m").into()); 250]).await;
        assert_eq!(limited(&done), 0);
    }
    // Four pages at one a second, two of them at once.
    let log = owner.whole_log().await.unwrap();
    assert!(log.leaves.len() > 1_000, "{}", log.leaves.len());
    let client = vault.client(&issuer, "hostile").await.unwrap();
    for _ in 0..4 {
        client.list_keys(0, "").await.unwrap();
    }
}
