//! What a stranger cannot do: take a vault's place, scan ports, fill the list, or keep others
//! from it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::time::Duration;
use support::{Refused, Vault, World};
use tee_sim::SimRoot;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

/// An endpoint for each way in which a dial can fail.
async fn no_vaults() -> (
    Vec<(&'static str, String)>,
    Vec<tokio::task::JoinHandle<()>>,
) {
    let bound = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    let mut endpoints = Vec::new();
    let mut tasks = Vec::new();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    endpoints.push(("closed", bound(&closed)));
    drop(closed);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    endpoints.push(("silent", bound(&silent)));
    tasks.push(tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((tcp, _)) = silent.accept().await {
            held.push(tcp);
        }
    }));
    for (name, words) in [
        ("hangs up", &b""[..]),
        ("speaks HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("speaks SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("speaks garbage", &[0xff; 4096]),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        endpoints.push((name, bound(&listener)));
        tasks.push(tokio::spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                let _ = tcp.write_all(words).await;
            }
        }));
    }
    endpoints.push(("has no address", "no-such-host.invalid:1".into()));
    (endpoints, tasks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dial_that_fails_is_answered_alike_and_as_late() {
    let world = World::new().await;
    let (mut endpoints, _serving) = no_vaults().await;
    let elsewhere = SimRoot::ephemeral().unwrap();
    let foreign = Vault::start(&elsewhere.machine("one").unwrap(), 1).await;
    endpoints.push(("of another root", foreign.endpoint()));
    endpoints.push(("the registry itself", world.address.to_string()));
    let caller = world.caller();
    let asked = endpoints.iter().map(async |(name, endpoint)| {
        let begun = Instant::now();
        let refused = caller.register(endpoint).await.unwrap_err();
        (*name, refused, begun.elapsed())
    });
    let answers = futures_util::future::join_all(asked).await;
    let expected: &Refused = &answers[0].1;
    assert_eq!(expected.code, "unavailable");
    assert_eq!(expected.message, "no vault was found at the endpoint");
    for (name, refused, took) in &answers {
        assert_eq!(refused, expected, "{name}");
        assert!(*took >= Duration::from_secs(1), "{name}: {took:?}");
    }
    assert_eq!(caller.listed().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dialled_hears_no_byte_that_a_stranger_chose() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("localhost:{}", listener.local_addr().unwrap().port());
    let heard = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        let _ = tcp.read_to_end(&mut heard).await;
        heard
    });
    world.caller().register(&endpoint).await.unwrap_err();
    let heard = heard.await.unwrap();
    // A TLS handshake record, and no name in it.
    assert_eq!(heard[..2], [0x16, 0x03]);
    let named = heard.windows(9).any(|window| window == b"localhost");
    assert!(!named);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_the_place_of_a_vault_with_an_endpoint_that_is_not_its_own() {
    let world = World::new().await;
    let (vault, other) = (world.vault(1).await, world.vault(2).await);
    let (caller, stranger) = (world.caller(), world.caller_from("127.0.0.2"));
    caller.register(&vault.endpoint()).await.unwrap();
    let id = vault.id.0.as_bytes();
    let (no_vaults, _serving) = no_vaults().await;
    let wrong = [other.endpoint(), no_vaults[0].1.clone()];
    for endpoint in &wrong {
        let refused = stranger.beat(id, endpoint).await.unwrap_err();
        assert_eq!(refused.message, "no vault was found at the endpoint");
    }
    assert_eq!(caller.listed().await, [(id.to_vec(), vault.endpoint())]);
    // Announced, the other vault is listed as itself.
    stranger.register(&other.endpoint()).await.unwrap();
    let listed = caller.listed().await;
    assert!(listed.contains(&(id.to_vec(), vault.endpoint())));
    assert!(listed.contains(&(other.id.0.as_bytes().to_vec(), other.endpoint())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_fills_its_own_share_and_no_other() {
    let world = World::with("limits.entries = 4\nlimits.entries_per_source = 2").await;
    let (greedy, other) = (world.caller(), world.caller_from("127.0.0.2"));
    let mut vaults = Vec::new();
    for number in 1..=3 {
        vaults.push(world.vault(number).await);
    }
    for vault in &vaults[..2] {
        greedy.register(&vault.endpoint()).await.unwrap();
    }
    let refused = greedy.register(&vaults[2].endpoint()).await.unwrap_err();
    assert_eq!(refused.code, "quota_exceeded");
    other.register(&vaults[2].endpoint()).await.unwrap();
    assert_eq!(other.listed().await.len(), 3);
    // What it has, it keeps.
    greedy.register(&vaults[0].endpoint()).await.unwrap();
    let id = vaults[1].id.0.as_bytes();
    assert_eq!(greedy.beat(id, &vaults[1].endpoint()).await, Ok(60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_machine_cannot_fill_the_list_from_many_addresses() {
    let world = World::with("limits.entries_per_platform = 1").await;
    let machine = world.root.machine("one").unwrap();
    let first = Vault::start(&machine, 1).await;
    let second = Vault::start(&machine, 2).await;
    world.caller().register(&first.endpoint()).await.unwrap();
    let stranger = world.caller_from("127.0.0.2");
    let refused = stranger.register(&second.endpoint()).await.unwrap_err();
    assert_eq!(refused.code, "quota_exceeded");
    assert_eq!(world.caller().listed().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_has_its_requests_of_a_second_and_others_have_theirs() {
    let world = World::with("limits.requests_per_second = 3").await;
    let (greedy, other) = (world.caller(), world.caller_from("127.0.0.2"));
    for _ in 0..3 {
        greedy.page(0, "").await.unwrap();
    }
    let refused = greedy.page(0, "").await.unwrap_err();
    assert_eq!(refused.code, "rate_limited");
    assert_eq!(refused.detail.retry_after, 1);
    other.page(0, "").await.unwrap();
    world.clock.pass(1);
    greedy.page(0, "").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_has_half_of_the_dials_and_others_have_the_rest() {
    let world = World::with("limits.dials = 3\nlimits.dial_seconds = 30").await;
    let vault = world.vault(1).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = silent.local_addr().unwrap().to_string();
    let slow = world.caller();
    let dialling = tokio::spawn(async move { slow.register(&endpoint).await });
    let held = silent.accept().await.unwrap();
    let refused = world.caller().register(&vault.endpoint()).await;
    assert_eq!(refused.unwrap_err().code, "rate_limited");
    let other = world.caller_from("127.0.0.2");
    other.register(&vault.endpoint()).await.unwrap();
    dialling.abort();
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_failed_early_takes_its_turn_as_long_as_one_that_did_not() {
    let lines = "limits.dials = 1\nlimits.dial_seconds = 1\nlimits.requests_per_second = 1000000";
    let world = World::with(lines).await;
    let vault = world.vault(1).await;
    for hangs_up in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let begun = Instant::now();
        let probe = world.caller();
        let probing = tokio::spawn(async move { probe.register(&endpoint).await });
        let (tcp, _) = listener.accept().await.unwrap();
        let held = (!hangs_up).then_some(tcp);
        let other = world.caller_from("127.0.0.2");
        loop {
            let asked = other.register(&vault.endpoint()).await;
            if begun.elapsed() >= Duration::from_secs(1) {
                break;
            }
            assert_eq!(asked.unwrap_err().code, "rate_limited");
        }
        assert_eq!(probing.await.unwrap().unwrap_err().code, "unavailable");
        drop(held);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_to_a_vault_is_listed_beside_it_and_not_in_its_place() {
    let world = World::new().await;
    let vault = world.vault(1).await;
    let (own, stranger) = (world.caller(), world.caller_from("127.0.0.2"));
    own.register(&vault.endpoint()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = listener.local_addr().unwrap().to_string();
    let address = vault.address;
    let relaying = tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut to = tokio::net::TcpStream::connect(address).await.unwrap();
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    let id = vault.id.0.as_bytes();
    for _ in 0..3 {
        stranger.register(&relay).await.unwrap();
        stranger.beat(id, &relay).await.unwrap();
        let listed = own.listed().await;
        assert_eq!(listed.len(), 2);
        assert!(listed.contains(&(id.to_vec(), vault.endpoint())));
    }
    relaying.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_that_take_all_dials_keep_no_vault_from_the_list() {
    let world = World::with("limits.dials = 2\nlimits.dial_seconds = 30").await;
    let (vault, caller) = (world.vault(1).await, world.caller());
    caller.register(&vault.endpoint()).await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = silent.local_addr().unwrap().to_string();
    let greedy = world.caller_from("127.0.0.2");
    let dialling = tokio::spawn(async move { greedy.register(&endpoint).await });
    let held = silent.accept().await.unwrap();
    let refused = caller.register(&vault.endpoint()).await;
    assert_eq!(refused.unwrap_err().code, "rate_limited");
    // Its appraisal is old, and there is a dial for it.
    let id = vault.id.0.as_bytes();
    for _ in 0..22 {
        world.clock.pass(59);
        assert_eq!(caller.beat(id, &vault.endpoint()).await, Ok(60));
    }
    assert_eq!(caller.listed().await.len(), 1);
    dialling.abort();
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_parse_is_refused_with_a_code() {
    let world = World::new().await;
    let caller = world.caller();
    for endpoint in ["", "nowhere", "a:0", "http://a:1", &"a".repeat(300)] {
        let refused = caller.register(endpoint).await.unwrap_err();
        assert_eq!(refused.code, "invalid_argument", "{endpoint}");
    }
    let refused = caller.beat(&[1; 31], "a:1").await.unwrap_err();
    assert_eq!(refused.code, "invalid_argument");
    let refused = caller.register(&"a".repeat(5000)).await.unwrap_err();
    assert_eq!(refused.code, "too_large");
}
