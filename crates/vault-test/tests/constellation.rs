//! The constellation of the other tests: what it promises them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;
use vault_client::constellation::Goal;
use vault_client::{Constellation, ErrorCode, HeadStore};
use vault_policy::VaultId;
use vault_test::constellation::TestConstellation;

#[tokio::test(flavor = "multi_thread")]
async fn members_are_attested_found_again_after_a_restart_and_named_when_they_are_away() {
    let mut running = TestConstellation::start(3).await.unwrap();
    running.until_listed().await.unwrap();
    let mut config = running.config("owner").unwrap();
    // Registries alone.
    config.endpoints.clear();
    config.timeout = Duration::from_secs(5);
    let client = Constellation::open(config).await.unwrap();
    let ids = client.vault_ids();
    assert_eq!(ids.len(), 3);
    let all = client
        .each(&ids, |vault| async move { vault.info().await })
        .await;
    assert_eq!(all.goal(3), Goal::Met, "{all:?}");
    for outcome in all {
        let info = outcome.result.unwrap();
        assert_eq!(info.vault_id, outcome.vault_id);
        assert_eq!(info.locked, None);
    }

    running.kill(1).unwrap();
    let two = client
        .each(&ids, |vault| async move { vault.info().await })
        .await;
    assert_eq!(two.goal(2), Goal::Partial);
    let failed: Vec<_> = two.failed().map(|(id, _)| id).collect();
    assert_eq!(failed, [running.vault_id(1).unwrap()]);

    running.start_vault(1).unwrap();
    running.until_listed().await.unwrap();
    // What a registry said is used again for a second: until then the vault is where it was.
    let found = async {
        loop {
            let again = client.each(&ids, |vault| async move { vault.info().await });
            if again.await.goal(3) == Goal::Met {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found)
        .await
        .expect("the vault is found at its new address");

    running.pause(2).unwrap();
    let mut impatient = running.config("owner").unwrap();
    impatient.timeout = Duration::from_secs(1);
    let impatient = Constellation::open(impatient).await.unwrap();
    let silent = impatient.client(&running.vault_id(2).unwrap()).await;
    assert!(
        matches!(
            silent.map(|_| ()).unwrap_err().code,
            ErrorCode::Timeout | ErrorCode::Unavailable
        ),
        "a paused vault is silent"
    );
    running.resume(2).unwrap();
    let client = running.client(2, "owner").await.unwrap();
    assert_eq!(client.whoami().await.unwrap().value.subject, "owner");
}

/// What somebody who has seen nothing yet is told at this vault of the other one.
async fn told(running: &TestConstellation, post: VaultId, other: VaultId) -> usize {
    let memory = tempfile::tempdir().unwrap();
    let mut config = running.config("auditor").unwrap();
    config.heads = HeadStore::new(memory.path());
    let somebody = Constellation::open(config).await.unwrap();
    assert!(somebody.exchange(&post).await.unwrap().is_empty());
    HeadStore::new(memory.path()).told(&other).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_was_started_anew_is_handed_heads_by_whoever_connects_to_it_again() {
    let mut running = TestConstellation::start(2).await.unwrap();
    let (post, other) = (running.vault_id(0).unwrap(), running.vault_id(1).unwrap());
    let client = Constellation::open(running.config("owner").unwrap())
        .await
        .unwrap();
    client
        .client(&other)
        .await
        .unwrap()
        .checkpoint()
        .await
        .unwrap();
    client.client(&post).await.unwrap();
    assert_eq!(told(&running, post, other).await, 1);

    running.kill(0).unwrap();
    running.start_vault(0).unwrap();
    running.until_listed().await.unwrap();
    assert_eq!(
        told(&running, post, other).await,
        0,
        "it has lost what was carried there"
    );
    let found = async {
        while client.client(&post).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), found).await;
    found.expect("the vault is found at its new address");
    assert_eq!(told(&running, post, other).await, 1);
}
