//! The caller's role: what reaches a connection's facts, and what the vault refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use ratls::preamble::{ALPN, Evidence, Frame, Hello, Proof, Reason};
use ratls::tls::{ClientConfig, ClientKey};
use ratls::{Leaf, Role};
use std::sync::Arc;
use support::double::prove;
use support::raw::{connect, connect_by, exporter, impostor, receive, send};
use support::{Enclave, Outcome, VAULT_BUILD, Vault, World, code, copy, measurement, works};
use tee_sim::{Quoting, Revoked, SimBuilder, SimTcb, SimTd, TdQuote};
use vault_encoding::sha256;
use vault_policy::TdMeasurement;

fn with_caller(client: &ClientConfig, enclave: &Enclave) -> ClientConfig {
    client.clone().with_caller(enclave.caller())
}

#[tokio::test]
async fn a_callers_evidence_becomes_facts_whatever_its_measurement() {
    let world = World::new();
    let mut vault = world.vault().await;
    let client = world.client(&vault);
    works(vault.address, &client).await;
    let none = vault.outcome().await.facts();
    assert_eq!((none.caller, none.client_certificate), (None, None));
    for build in ["right build", "wrong build"] {
        let enclave = world.enclave(build);
        works(vault.address, &with_caller(&client, &enclave)).await;
        let facts = vault.outcome().await.facts();
        let caller = facts.caller.unwrap();
        let claims = caller.claims();
        assert_eq!(claims.mrenclave(), Some(measurement(build)));
        assert_eq!(claims.platform_id, enclave.platform_id(&world.trust()));
        let oid = ("1.3.6.1.4.1.65230.3.1".to_owned(), b"app".to_vec());
        assert_eq!(claims.oids, [oid]);
        assert_eq!(claims.config_merkle_root, None);
        assert!(claims.simulated);
        assert!(facts.client_certificate.is_some());
    }
}

#[tokio::test]
async fn a_trust_domain_is_a_caller_with_facts_of_its_own_and_never_a_vault() {
    let world = World::new();
    let mut vault = world.vault().await;
    let client = world.client(&vault);
    let td = || SimTd::new([7; 48], [[1; 48], [2; 48], [3; 48], [4; 48]]);
    for form in [TdQuote::V4, TdQuote::V5Td15] {
        let domain = Enclave::new(world.builder("caller").td(td().form(form)));
        works(vault.address, &with_caller(&client, &domain)).await;
        let caller = vault.outcome().await.facts().caller.unwrap();
        let facts = caller.claims().tdx().unwrap();
        assert_eq!(facts.mrtd, TdMeasurement([7; 48]));
        assert_eq!(facts.rtmrs[3], TdMeasurement([4; 48]));
    }
    let debugged = Enclave::new(world.builder("caller").td(td().debug()));
    code(vault.address, &with_caller(&client, &debugged)).await;
    assert_eq!(vault.outcome().await.code(), "td_debug");
    let false_vault = Vault::start(
        Enclave::new(world.builder(VAULT_BUILD).td(td())),
        world.trust(),
    )
    .await;
    assert_eq!(
        code(false_vault.address, &world.client(&false_vault)).await,
        "quote_tdx"
    );
}

#[tokio::test]
async fn a_client_certificate_alone_is_possession_and_no_evidence() {
    let world = World::new();
    let mut vault = world.vault().await;
    let leaf = world.enclave("caller").issue(Role::Caller, None);
    let mut stream = connect(vault.address, &[ALPN], Some(&leaf)).await.unwrap();
    hello(&mut stream, false).await;
    send(&mut stream, &Frame::Confirm).await;
    assert_eq!(receive(&mut stream).await, Some(Frame::Confirm));
    let facts = vault.outcome().await.facts();
    assert_eq!(facts.caller, None);
    let shown = facts.client_certificate.unwrap();
    assert_eq!(shown.hash, sha256(&leaf.cert_der));
    assert_eq!(shown.spki_hash, leaf.claims.spki_hash);
}

/// A self-signed certificate of another kind of key.
fn ed25519() -> ClientKey {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new())
        .unwrap()
        .self_signed(&key)
        .unwrap();
    ClientKey::new(certificate.der().to_vec(), key.serialize_der().into())
}

#[tokio::test]
async fn a_client_that_is_no_enclave_shows_a_plain_certificate() {
    let world = World::new();
    let mut vault = world.vault().await;
    let client = world.client(&vault);
    for key in [ClientKey::generate().unwrap(), ed25519()] {
        let key = Arc::new(key);
        works(vault.address, &client.clone().with_certificate(key.clone())).await;
        let facts = vault.outcome().await.facts();
        assert_eq!(facts.caller, None);
        assert_eq!(facts.client_certificate.unwrap().hash, key.hash());
    }
    let one = ClientKey::generate().unwrap();
    assert_ne!(one.hash(), ClientKey::generate().unwrap().hash());
}

#[tokio::test]
async fn an_enclave_shows_its_leaf_whatever_other_certificate_it_has() {
    let world = World::new();
    let mut vault = world.vault().await;
    let enclave = world.enclave("caller");
    let key = Arc::new(ClientKey::generate().unwrap());
    let client = with_caller(&world.client(&vault), &enclave).with_certificate(key.clone());
    works(vault.address, &client).await;
    let facts = vault.outcome().await.facts();
    assert!(facts.caller.is_some());
    assert_ne!(facts.client_certificate.unwrap().hash, key.hash());
}

#[tokio::test]
async fn the_certificate_of_somebody_else_is_not_shown() {
    let world = World::new();
    let mut vault = world.vault().await;
    let client = world.client(&vault);
    let issue = || world.enclave("caller").issue(Role::Caller, None);
    let (stolen, mine) = (issue(), issue());
    let thief = ClientKey::new(stolen.cert_der.clone(), mine.key_pkcs8.clone());
    let thief = client.clone().with_certificate(Arc::new(thief));
    let refused = support::refused(vault.address, &thief).await;
    assert!(matches!(refused, ratls::tls::ConnectError::Tls(_)));
    assert_eq!(vault.outcome().await.code(), "handshake");
    // A client whose library does not mind is refused by the vault.
    let connector = impostor(&[ALPN], &stolen, &mine);
    let stream = connect_by(&connector, vault.address).await;
    assert_eq!(vault.outcome().await.code(), "handshake");
    drop(stream);
    let connector = impostor(&[ALPN], &stolen, &stolen);
    let mut stream = connect_by(&connector, vault.address).await.unwrap();
    hello(&mut stream, false).await;
    send(&mut stream, &Frame::Confirm).await;
    let facts = vault.outcome().await.facts();
    assert_eq!(
        facts.client_certificate.unwrap().hash,
        sha256(&stolen.cert_der)
    );
}

#[tokio::test]
async fn broken_evidence_of_a_caller_is_refused() {
    let world = World::new();
    let mut vault = world.vault().await;
    let client = world.client(&vault);
    works(
        vault.address,
        &with_caller(&client, &world.enclave("caller")),
    )
    .await;
    assert!(vault.outcome().await.facts().caller.is_some());
    type Knob = fn(SimBuilder) -> SimBuilder;
    let bad: [(Knob, &str); 4] = [
        (|platform| platform.debug(), "enclave_debug"),
        (|platform| platform.revoked(Revoked::Pck), "pck_revoked"),
        (
            |platform| platform.tcb(SimTcb::OutOfDate, &[]),
            "tcb_status",
        ),
        (|platform| platform.tcb(SimTcb::Revoked, &[]), "tcb_revoked"),
    ];
    for (knob, name) in bad {
        let enclave = Enclave::new(knob(world.builder("caller")));
        assert_eq!(
            code(vault.address, &with_caller(&client, &enclave)).await,
            "peer_evidence"
        );
        assert_eq!(vault.outcome().await.code(), name);
    }
    let stranger = World::new().enclave("caller");
    assert_eq!(
        code(vault.address, &with_caller(&client, &stranger)).await,
        "peer_evidence"
    );
    assert_eq!(vault.outcome().await.code(), "quote_embedded_root");
}

#[tokio::test]
async fn a_caller_without_a_quote_says_so() {
    let world = World::new();
    let mut vault = world.vault().await;
    let enclave = world.enclave("caller");
    let client = with_caller(&world.client(&vault), &enclave);
    works(vault.address, &client).await;
    vault.outcome().await.facts();
    enclave.platform.set_quoting(Quoting::Unavailable);
    assert_eq!(code(vault.address, &client).await, "quote_unavailable");
    assert_eq!(vault.outcome().await.code(), "peer_quote_unavailable");
}

type Stream = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

/// Sends a Hello and returns the vault's evidence.
async fn hello(stream: &mut Stream, offers_caller: bool) -> Evidence {
    send(
        stream,
        &Frame::Hello(Hello {
            nonce: [1; 32],
            offers_caller,
        }),
    )
    .await;
    match receive(stream).await {
        Some(Frame::Evidence(evidence)) => evidence,
        other => panic!("no evidence: {other:?}"),
    }
}

/// Answers the vault's evidence with the caller's, which `make` makes from the vault's and from
/// the exporter of the vault's nonce; returns the vault's last frame and what it made of it.
async fn answer(
    vault: &mut Vault,
    leaf: Option<&Leaf>,
    make: impl FnOnce(&Evidence, [u8; 32]) -> Proof,
) -> (Option<Frame>, Outcome) {
    let mut stream = connect(vault.address, &[ALPN], leaf).await.unwrap();
    let evidence = hello(&mut stream, true).await;
    let exporter = exporter(stream.get_ref().1, &evidence.caller_nonce);
    send(
        &mut stream,
        &Frame::CallerEvidence(make(&evidence, exporter)),
    )
    .await;
    (receive(&mut stream).await, vault.outcome().await)
}

#[tokio::test]
async fn callers_evidence_for_another_nonce_connection_key_or_role_is_refused() {
    let world = World::new();
    let mut vault = world.vault().await;
    let enclave = world.enclave("caller");
    let leaf = enclave.issue(Role::Caller, None);
    let honest = |evidence: &Evidence, exporter: [u8; 32]| {
        prove(
            &enclave,
            &leaf,
            Role::Caller,
            &evidence.caller_nonce,
            &exporter,
        )
    };
    let (last, outcome) = answer(&mut vault, Some(&leaf), honest).await;
    assert_eq!(last, Some(Frame::Confirm));
    assert!(outcome.facts().caller.is_some());
    type Make<'a> = &'a dyn Fn(&Evidence, [u8; 32]) -> Proof;
    let wrong: [Make<'_>; 3] = [
        &|_, exporter| prove(&enclave, &leaf, Role::Caller, &[1; 32], &exporter),
        &|evidence, _| {
            prove(
                &enclave,
                &leaf,
                Role::Caller,
                &evidence.caller_nonce,
                &[5; 32],
            )
        },
        &|evidence, exporter| {
            prove(
                &enclave,
                &leaf,
                Role::Vault,
                &evidence.caller_nonce,
                &exporter,
            )
        },
    ];
    for make in wrong {
        let (last, outcome) = answer(&mut vault, Some(&leaf), make).await;
        assert_eq!(last, Some(Frame::Refuse(Reason::Binding)));
        assert_eq!(outcome.code(), "binding");
    }
    // Evidence for one key on a connection that proved another.
    let other = enclave.issue(Role::Caller, None);
    let (last, outcome) = answer(&mut vault, Some(&other), honest).await;
    assert_eq!(last, Some(Frame::Refuse(Reason::Claims)));
    assert_eq!(outcome.code(), "other_claims");
    // And on one that proved none.
    let (last, outcome) = answer(&mut vault, None, honest).await;
    assert_eq!(last, Some(Frame::Refuse(Reason::Certificate)));
    assert_eq!(outcome.code(), "no_certificate");
}

#[tokio::test]
async fn the_vaults_own_evidence_sent_back_is_refused() {
    let world = World::new();
    let mut vault = world.vault().await;
    let enclave = world.enclave("caller");
    let own = enclave.issue(Role::Caller, None);
    let (last, outcome) = answer(&mut vault, Some(&own), |evidence, exporter| {
        prove(
            &enclave,
            &own,
            Role::Caller,
            &evidence.caller_nonce,
            &exporter,
        )
    })
    .await;
    assert_eq!(last, Some(Frame::Confirm));
    outcome.facts();
    // With the vault's stolen leaf as client certificate, or with one's own.
    let stolen = copy(&vault.leaf);
    let reflect = |evidence: &Evidence, _| evidence.proof.clone();
    let (last, outcome) = answer(&mut vault, Some(&stolen), reflect).await;
    assert_eq!(last, Some(Frame::Refuse(Reason::Claims)));
    assert_eq!(outcome.code(), "role");
    let (last, outcome) = answer(&mut vault, Some(&own), reflect).await;
    assert_eq!(last, Some(Frame::Refuse(Reason::Claims)));
    assert_eq!(outcome.code(), "other_claims");
}

#[tokio::test]
async fn a_caller_proves_itself_to_a_vault_and_not_to_a_double_with_its_key() {
    let world = World::new();
    let mut vault = world.vault().await;
    let enclave = world.enclave("caller");
    let client = with_caller(&world.client(&vault), &enclave);
    works(vault.address, &client).await;
    vault.outcome().await.facts();
    let before = enclave.quotes.load(std::sync::atomic::Ordering::Relaxed);
    let relay = support::double::relay_with_key(vault.address, &vault.leaf).await;
    assert_eq!(code(relay, &client).await, "binding");
    let after = enclave.quotes.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(
        before, after,
        "no evidence for whom was not appraised first"
    );
}

#[tokio::test]
async fn the_trust_in_callers_can_be_replaced_while_the_endpoint_runs() {
    let world = World::new();
    let mut vault = world.vault().await;
    let old = Enclave::new(world.builder("caller").tcb_evaluation_data_number(5));
    let client = with_caller(&world.client(&vault), &old);
    works(vault.address, &client).await;
    vault.outcome().await.facts();
    let newer = Enclave::new(world.builder(VAULT_BUILD).tcb_evaluation_data_number(6));
    let newer = with_caller(&world.client(&vault), &newer);
    works(vault.address, &newer).await;
    let mut raised = world.trust();
    raised.policy.floors = vault.outcome().await.facts().floors.unwrap();
    vault.endpoint.set_callers(raised);
    assert_eq!(code(vault.address, &client).await, "peer_evidence");
    assert_eq!(vault.outcome().await.code(), "floor_tcb");
    works(vault.address, &newer).await;
    vault.outcome().await.facts();
}
