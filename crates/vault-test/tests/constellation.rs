//! The constellation of the other tests: what it promises them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;
use vault_client::constellation::Goal;
use vault_client::{Constellation, ErrorCode};
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
