//! What gets on the list, how long it stays, and how it is read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use support::{BUILD, World};
use tee_sim::measurement_named;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_is_listed_with_what_its_evidence_says() {
    let world = World::new().await;
    let vault = world.vault(1).await;
    let answer = world.caller().register(&vault.endpoint()).await.unwrap();
    assert_eq!(answer.ttl, 60);
    let page = world.caller().page(0, "").await.unwrap();
    assert_eq!(page.next_page_token, "");
    let [entry] = &page.vaults[..] else {
        panic!("{page:?}");
    };
    assert_eq!(answer.entry.as_option(), Some(entry));
    assert_eq!(entry.endpoint, vault.endpoint());
    assert_eq!(entry.vault_id, vault.id.0.as_bytes());
    assert_eq!(entry.measurement, measurement_named(BUILD));
    assert_eq!(entry.platform_id, vault.platform_id.as_bytes());
    assert_eq!(entry.expires_at, world.clock.now() + 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_keep_a_vault_listed_and_without_them_it_must_register_anew() {
    let world = World::new().await;
    let (vault, caller) = (world.vault(1).await, world.caller());
    let id = vault.id.0.as_bytes();
    let unknown = caller.beat(id, &vault.endpoint()).await.unwrap_err();
    assert_eq!(unknown.code, "not_found");
    caller.register(&vault.endpoint()).await.unwrap();
    for _ in 0..5 {
        world.clock.pass(59);
        assert_eq!(caller.beat(id, &vault.endpoint()).await, Ok(60));
    }
    assert_eq!(caller.listed().await.len(), 1);
    world.clock.pass(60);
    assert_eq!(caller.listed().await, []);
    let expired = caller.beat(id, &vault.endpoint()).await.unwrap_err();
    assert_eq!(expired, unknown);
    caller.register(&vault.endpoint()).await.unwrap();
    assert_eq!(caller.listed().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_does_not_keep_a_vault_that_is_gone_beyond_its_appraisal() {
    let world = World::new().await;
    let (vault, caller) = (world.vault(1).await, world.caller());
    caller.register(&vault.endpoint()).await.unwrap();
    let (id, endpoint) = (vault.id.0.as_bytes().to_vec(), vault.endpoint());
    drop(vault);
    for _ in 0..10 {
        world.clock.pass(59);
        assert_eq!(caller.beat(&id, &endpoint).await, Ok(60));
    }
    world.clock.pass(59);
    let refused = caller.beat(&id, &endpoint).await.unwrap_err();
    assert_eq!(refused.code, "unavailable");
    world.clock.pass(1);
    assert_eq!(caller.listed().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_moved_is_dialled_where_it_says_and_listed_there() {
    let world = World::new().await;
    let (old, caller) = (world.vault(1).await, world.caller());
    caller.register(&old.endpoint()).await.unwrap();
    let new = world.vault(1).await;
    assert_eq!(new.id, old.id);
    let id = new.id.0.as_bytes();
    assert_eq!(caller.beat(id, &new.endpoint()).await, Ok(60));
    let listed = caller.listed().await;
    assert_eq!(listed, [(id.to_vec(), new.endpoint())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_of_http_are_answered() {
    let world = World::new().await;
    let vault = world.vault(1).await;
    let caller = world.caller_over_http2();
    caller.register(&vault.endpoint()).await.unwrap();
    assert_eq!(caller.listed().await, world.caller().listed().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_go_through_the_list_and_wrong_ones_are_refused() {
    let world = World::new().await;
    let caller = world.caller();
    let mut expected = Vec::new();
    for number in 1..=5 {
        let vault = world.vault(number).await;
        caller.register(&vault.endpoint()).await.unwrap();
        expected.push(vault.id.0.as_bytes().to_vec());
    }
    expected.sort();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = caller.page(2, &token).await.unwrap();
        seen.extend(page.vaults.into_iter().map(|entry| entry.vault_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, expected);
    for (size, token) in [
        (1001, ""),
        (1, "no token"),
        (1, &format!("{}/a", "0".repeat(64))),
    ] {
        let refused = caller.page(size, token).await.unwrap_err();
        assert_eq!(refused.code, "invalid_argument");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_does_not_keep_the_registry_from_ending() {
    let world = World::new().await;
    let idle = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let address = world.address;
    world.caller().listed().await;
    world.end().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    drop(idle);
}
