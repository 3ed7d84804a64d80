//! The preamble itself through real sockets: left out, broken, repeated, slow, and its leaf.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use ratls::preamble::{ALPN, Frame, FrameError, HEADER_LENGTH, Hello, Kind, Reason};
use ratls::tls::{Clock, QuoteLimits};
use rustls::{HandshakeKind, NamedGroup, ProtocolVersion};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::raw::{connect, connect_by, connector, receive, send};
use support::{Outcome, VAULT_BUILD, Vault, World, code, dial, now, works};
use tee_sim::Quoting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vault_policy::UnixSeconds;

#[tokio::test]
async fn a_connection_without_the_preamble_carries_no_facts() {
    let world = World::new();
    let mut vault = world.vault().await;
    works(vault.address, &world.client(&vault)).await;
    vault.outcome().await.facts();
    for name in [&b"h2"[..], b"http/1.1"] {
        connect(vault.address, &[name], None).await.unwrap();
        assert_eq!(vault.outcome().await, Outcome::Plain(Some(name.to_vec())));
    }
    connect(vault.address, &[], None).await.unwrap();
    assert_eq!(vault.outcome().await, Outcome::Plain(None));
    // Whoever can speak the preamble must.
    let stream = connect(vault.address, &[b"h2", ALPN], None).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ALPN));
    drop(stream);
    assert_eq!(vault.outcome().await.code(), "closed");
    assert!(
        connect(vault.address, &[b"ev-attest/2"], None)
            .await
            .is_err()
    );
    assert_eq!(vault.outcome().await.code(), "handshake");
}

#[tokio::test]
async fn http2_at_once_instead_of_the_preamble_is_cut() {
    let world = World::new();
    let mut vault = world.vault().await;
    works(vault.address, &world.client(&vault)).await;
    vault.outcome().await.facts();
    let mut stream = connect(vault.address, &[ALPN], None).await.unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(
        receive(&mut stream).await,
        Some(Frame::Refuse(Reason::Malformed))
    );
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0, "and closed");
    assert_eq!(vault.outcome().await.code(), "frame_magic");
}

fn header(version: u8, kind: u8, length: u32) -> Vec<u8> {
    let mut bytes = b"EVAT".to_vec();
    bytes.extend([version, kind]);
    bytes.extend(length.to_be_bytes());
    bytes
}

#[tokio::test]
async fn malformed_oversized_and_unexpected_frames_are_refused_with_their_reason() {
    let world = World::new();
    let mut vault = world.vault().await;
    works(vault.address, &world.client(&vault)).await;
    vault.outcome().await.facts();
    let hello = Frame::Hello(Hello {
        nonce: [1; 32],
        offers_caller: false,
    })
    .encode();
    let flags = [&hello[..HEADER_LENGTH + 32], &[2]].concat();
    let bad = [
        (header(2, 1, 33), "frame_version", Reason::Version),
        (header(1, 9, 33), "frame_kind", Reason::Malformed),
        (header(1, 1, 34), "frame_length", Reason::TooLarge),
        (header(1, 3, 1 << 30), "frame_length", Reason::TooLarge),
        (header(1, 3, u32::MAX), "frame_length", Reason::TooLarge),
        (header(1, 3, 0), "frame_fields", Reason::Malformed),
        (flags, "frame_value", Reason::Malformed),
        (
            Frame::Confirm.encode(),
            "unexpected_frame",
            Reason::Unexpected,
        ),
    ];
    for (bytes, name, reason) in bad {
        let mut stream = connect(vault.address, &[ALPN], None).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(
            receive(&mut stream).await,
            Some(Frame::Refuse(reason)),
            "{name}"
        );
        assert_eq!(vault.outcome().await.code(), name);
    }
    for length in 0..hello.len() {
        let mut stream = connect(vault.address, &[ALPN], None).await.unwrap();
        stream.write_all(&hello[..length]).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(vault.outcome().await.code(), "closed", "cut at {length}");
    }
    works(vault.address, &world.client(&vault)).await;
}

#[tokio::test]
async fn frames_out_of_turn_after_the_evidence_are_refused() {
    let world = World::new();
    let mut vault = world.vault().await;
    let hello = Frame::Hello(Hello {
        nonce: [1; 32],
        offers_caller: false,
    });
    let offering = Frame::Hello(Hello {
        nonce: [1; 32],
        offers_caller: true,
    });
    let runs = [
        (&hello, Frame::Confirm, Frame::Confirm),
        (&hello, hello.clone(), Frame::Refuse(Reason::Unexpected)),
        (&offering, Frame::Confirm, Frame::Refuse(Reason::Unexpected)),
    ];
    for (first, second, last) in runs {
        let mut stream = connect(vault.address, &[ALPN], None).await.unwrap();
        send(&mut stream, first).await;
        assert_eq!(receive(&mut stream).await.unwrap().kind(), Kind::Evidence);
        send(&mut stream, &second).await;
        assert_eq!(receive(&mut stream).await, Some(last.clone()));
        match vault.outcome().await {
            Outcome::Attested(_) => assert_eq!(last, Frame::Confirm),
            other => assert_eq!(other.code(), "unexpected_frame"),
        }
    }
    assert_eq!(Frame::decode(&[]), Err(FrameError::Fields));
}

#[tokio::test]
async fn every_reconnect_is_a_full_handshake_with_a_preamble_of_its_own() {
    let world = World::new();
    let mut vault = world.vault().await;
    let client = world.client(&vault);
    let before = vault.enclave.quotes.load(Ordering::Relaxed);
    for number in 0..4 {
        let session = dial(vault.address, &client).await.unwrap();
        let tls = session.stream.get_ref().1;
        assert_eq!(tls.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(tls.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        let group = tls.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768);
        assert_eq!(vault.outcome().await.facts().connection_id, number);
        assert_eq!(
            vault.enclave.quotes.load(Ordering::Relaxed) - before,
            number + 1
        );
    }
}

#[tokio::test]
async fn whoever_would_resume_gets_a_full_handshake_and_a_new_preamble() {
    let world = World::new();
    let mut vault = world.vault().await;
    let connector = connector(&[ALPN], None);
    let mut nonces = Vec::new();
    for _ in 0..3 {
        let mut stream = connect_by(&connector, vault.address).await.unwrap();
        let tls = stream.get_ref().1;
        assert_eq!(tls.handshake_kind(), Some(HandshakeKind::Full));
        assert!(!tls.is_early_data_accepted());
        let hello = Hello {
            nonce: [1; 32],
            offers_caller: false,
        };
        send(&mut stream, &Frame::Hello(hello)).await;
        let Some(Frame::Evidence(evidence)) = receive(&mut stream).await else {
            panic!("no evidence");
        };
        nonces.push((evidence.caller_nonce, evidence.proof.place.root));
        send(&mut stream, &Frame::Confirm).await;
        assert_eq!(receive(&mut stream).await, Some(Frame::Confirm));
        vault.outcome().await.facts();
        // Whatever the server would send after the handshake has been read by now.
        stream.write_all(b"x").await.unwrap();
        stream.read_exact(&mut [0; 1]).await.unwrap();
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
}

#[tokio::test]
async fn whoever_says_nothing_is_cut_after_the_timeout() {
    let world = World::new();
    let short = Duration::from_millis(50);
    let mut vault = Vault::start_with(world.enclave(VAULT_BUILD), world.trust(), |config| {
        config.preamble_timeout = short;
    })
    .await;
    let mut stream = connect(vault.address, &[ALPN], None).await.unwrap();
    assert_eq!(
        receive(&mut stream).await,
        Some(Frame::Refuse(Reason::TimedOut))
    );
    assert_eq!(vault.outcome().await.code(), "timed_out");
    // The other way round: a server that says nothing.
    let patient = world.vault().await;
    let mut client = world.client(&patient);
    works(patient.address, &client).await;
    client.preamble_timeout = short;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = support::raw::acceptor(&patient.leaf, &[ALPN]);
    let silent = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(tcp).await.unwrap();
        receive(&mut stream).await;
        receive(&mut stream).await
    });
    assert_eq!(code(address, &client).await, "timed_out");
    assert_eq!(silent.await.unwrap(), Some(Frame::Refuse(Reason::TimedOut)));
}

#[tokio::test]
async fn a_vault_without_quotes_says_so_and_recovers() {
    let world = World::new();
    let mut vault = world.vault().await;
    let client = world.client(&vault);
    works(vault.address, &client).await;
    vault.outcome().await.facts();
    vault.enclave.platform.set_quoting(Quoting::Unavailable);
    assert_eq!(code(vault.address, &client).await, "peer_quote_unavailable");
    assert_eq!(vault.outcome().await.code(), "quote_unavailable");
    vault.enclave.platform.set_quoting(Quoting::Works);
    works(vault.address, &client).await;
}

#[tokio::test]
async fn many_connections_at_once_all_pass_with_fewer_quotes_than_connections() {
    const CLIENTS: usize = 24;
    let world = World::new();
    // A second quote comes a second after the first: whoever waits by then shares it.
    let vault = Vault::start_with(world.enclave(VAULT_BUILD), world.trust(), |config| {
        config.quotes = QuoteLimits {
            burst: 1,
            period: Duration::from_secs(1),
            ..QuoteLimits::default()
        };
    })
    .await;
    let client = world.client(&vault);
    let before = vault.enclave.quotes.load(Ordering::Relaxed);
    let mut sessions = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (address, client) = (vault.address, client.clone());
        sessions.spawn(async move { works(address, &client).await.vault_id });
    }
    let ids = sessions.join_all().await;
    assert_eq!(ids, vec![vault.id; CLIENTS]);
    let quotes = vault.enclave.quotes.load(Ordering::Relaxed) - before;
    assert!((1..CLIENTS as u64).contains(&quotes), "{quotes} quotes");
}

#[tokio::test]
async fn a_rotated_leaf_is_shown_to_new_connections_and_old_ones_live_on() {
    let world = World::new();
    let vault = world.vault().await;
    let client = world.client(&vault);
    let mut old = dial(vault.address, &client).await.unwrap();
    assert_eq!(old.facts.claims.spki_hash, vault.leaf.claims.spki_hash);
    let (endpoint, at) = (vault.endpoint.clone(), now());
    tokio::task::spawn_blocking(move || endpoint.rotate(at))
        .await
        .unwrap()
        .unwrap();
    let new = works(vault.address, &client).await;
    assert_ne!(new.claims.spki_hash, old.facts.claims.spki_hash);
    assert_eq!(new.vault_id, old.facts.vault_id);
    old.stream.write_all(b"still here").await.unwrap();
    let mut echoed = [0; 10];
    old.stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"still here");
}

#[tokio::test]
async fn a_leaf_is_replaced_when_half_of_its_time_is_over() {
    let world = World::new();
    let passed = Arc::new(AtomicU64::new(0));
    let shift = passed.clone();
    let clock: Clock = Arc::new(move || UnixSeconds(now().0 + shift.load(Ordering::Relaxed)));
    let mut vault = Vault::start_with(world.enclave(VAULT_BUILD), world.trust(), |config| {
        config.now = clock.clone();
    })
    .await;
    let mut client = world.client(&vault);
    client.now = clock;
    let first = works(vault.address, &client).await.claims.spki_hash;
    for (hours, same) in [(11, true), (12, false)] {
        passed.store(hours * 3600, Ordering::Relaxed);
        let shown = works(vault.address, &client).await.claims.spki_hash;
        assert_eq!(shown == first, same, "after {hours} hours");
    }
    // A platform that no longer quotes leaves the leaf that it has, until that expires.
    for _ in 0..3 {
        vault.outcome().await.facts();
    }
    vault.enclave.platform.set_quoting(Quoting::Unavailable);
    passed.store(30 * 3600, Ordering::Relaxed);
    assert_eq!(code(vault.address, &client).await, "peer_quote_unavailable");
    assert_eq!(vault.outcome().await.code(), "quote_unavailable");
    passed.store(40 * 3600, Ordering::Relaxed);
    assert_eq!(code(vault.address, &client).await, "handshake");
    assert_eq!(vault.outcome().await.code(), "no_leaf");
}
