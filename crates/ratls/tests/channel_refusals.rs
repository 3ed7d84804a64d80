//! What a client refuses, through real sockets; beside each what it accepts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use ratls::TrustRoot;
use ratls::preamble::{Evidence, Reason};
use ratls::tls::{EvidenceError, ExpectedVault, PreambleError, is_overdue};
use std::sync::{Arc, Mutex};
use support::double::{Double, blind_relay, crossing_relay, relay_with_key};
use support::{
    Enclave, TRUST_CONFIG, VAULT_BUILD, Vault, World, clock, code, measurement, preamble_error,
    refused, works,
};
use tee_sim::{Revoked, SimBuilder, SimTcb};
use vault_encoding::Hash;
use vault_policy::{PlatformId, TcbStatus, UnixSeconds, VaultId};

#[tokio::test]
async fn a_relay_that_holds_the_leafs_key_and_forwards_the_preamble_is_refused() {
    let world = World::new();
    let mut vault = world.vault().await;
    let client = world.client(&vault);
    let direct = works(vault.address, &client).await;
    vault.outcome().await.facts();
    // Forwarding what it cannot read changes nothing.
    let blind = blind_relay(vault.address).await;
    assert_eq!(works(blind, &client).await.claims, direct.claims);
    vault.outcome().await.facts();
    let relay = relay_with_key(vault.address, &vault.leaf).await;
    assert_eq!(code(relay, &client).await, "binding");
    assert_eq!(vault.outcome().await.code(), "peer_binding");
}

#[tokio::test]
async fn two_crossed_preambles_are_both_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let client = world.client(&vault);
    let (a, b) = tokio::join!(works(vault.address, &client), works(vault.address, &client));
    assert_eq!(a.vault_id, b.vault_id);
    let relay = crossing_relay(vault.address, &vault.leaf).await;
    let codes = tokio::join!(code(relay, &client), code(relay, &client));
    assert_eq!(codes, ("binding", "binding"));
}

#[tokio::test]
async fn a_replayed_evidence_frame_is_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let old: Mutex<Option<Evidence>> = Mutex::default();
    let replay = move |number, frame: &mut Evidence| {
        let mut old = old.lock().unwrap();
        match number {
            0 => *old = Some(frame.clone()),
            _ => *frame = old.clone().unwrap(),
        }
    };
    let mut double = Double::start(vault.enclave.clone(), &vault.leaf, replay).await;
    let client = world.client(&vault);
    works(double.address, &client).await;
    double.answer().await;
    assert_eq!(code(double.address, &client).await, "binding");
    assert_eq!(double.reason().await, Reason::Binding);
}

#[tokio::test]
async fn an_old_quote_under_a_fresh_binding_is_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let old: Mutex<Option<Vec<u8>>> = Mutex::default();
    let replay = move |number, frame: &mut Evidence| {
        let mut old = old.lock().unwrap();
        match number {
            0 => *old = Some(frame.proof.quote.clone()),
            _ => frame.proof.quote = old.clone().unwrap(),
        }
    };
    let mut double = Double::start(vault.enclave.clone(), &vault.leaf, replay).await;
    let client = world.client(&vault);
    works(double.address, &client).await;
    double.answer().await;
    assert_eq!(code(double.address, &client).await, "report_data");
    assert_eq!(double.reason().await, Reason::Evidence);
}

#[tokio::test]
async fn claims_other_than_the_certificates_are_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let other = vault
        .enclave
        .issue(ratls::Role::Vault, Some([1; 32]))
        .claims
        .to_bytes();
    let replace = move |number, frame: &mut Evidence| {
        if number > 0 {
            frame.proof.claims = other.clone();
        }
    };
    let mut double = Double::start(vault.enclave.clone(), &vault.leaf, replace).await;
    let client = world.client(&vault);
    works(double.address, &client).await;
    double.answer().await;
    assert_eq!(code(double.address, &client).await, "other_claims");
    assert_eq!(double.reason().await, Reason::Claims);
}

#[tokio::test]
async fn the_quote_of_another_enclave_than_the_certificates_is_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let client = world.client(&vault);
    works(vault.address, &client).await;
    // It quotes whatever it is asked for, and the certificate is the vault's.
    let other = world.enclave("another build");
    let double = Double::start(other, &vault.leaf, |_, _| ()).await;
    assert_eq!(code(double.address, &client).await, "other_enclave");
}

#[tokio::test]
async fn another_measurement_is_refused_by_policy_and_by_pin() {
    let world = World::new();
    let vault = world.vault().await;
    let other = Vault::start(world.enclave("another build"), world.trust()).await;
    let mut by_policy = world.client(&vault);
    by_policy.expected = ExpectedVault::platform(vault.enclave.platform_id(&world.trust()));
    by_policy.trust.policy = by_policy
        .trust
        .policy
        .expect_measurement(measurement(VAULT_BUILD));
    let facts = works(vault.address, &by_policy).await;
    assert_eq!(
        facts.evidence.claims().mrenclave(),
        Some(measurement(VAULT_BUILD))
    );
    assert_eq!(code(other.address, &by_policy).await, "measurement");
    let pinned = |vault: &Vault| {
        let mut client = world.client(vault);
        client.expected = client.expected.with_measurement(measurement(VAULT_BUILD));
        client
    };
    works(vault.address, &pinned(&vault)).await;
    assert_eq!(
        code(other.address, &pinned(&other)).await,
        "other_measurement"
    );
}

#[tokio::test]
async fn another_vault_machine_or_trust_configuration_than_the_pinned_one_is_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let mut client = world.client(&vault);
    let machine = vault.enclave.platform_id(&world.trust());
    let exact = ExpectedVault::vault(vault.id)
        .on_platform(machine)
        .with_trust_config(TRUST_CONFIG);
    client.expected = exact.clone();
    let facts = works(vault.address, &client).await;
    assert_eq!(facts.vault_id, vault.id);
    assert_eq!(
        facts.evidence.claims().config_merkle_root,
        Some(TRUST_CONFIG)
    );
    let nowhere = PlatformId(Hash([9; 32]));
    let wrong = [
        (ExpectedVault::vault(VaultId(Hash([9; 32]))), "other_vault"),
        (ExpectedVault::platform(nowhere), "other_platform"),
        (exact.clone().on_platform(nowhere), "other_platform"),
        (exact.with_trust_config(Hash([9; 32])), "other_trust_config"),
    ];
    for (expected, name) in wrong {
        client.expected = expected;
        let error = refused(vault.address, &client).await;
        assert_eq!(error.code(), name);
        assert_eq!(preamble_error(&error).reason(), Some(Reason::NotExpected));
    }
}

#[tokio::test]
async fn platforms_that_are_debug_revoked_or_out_of_date_are_refused() {
    let world = World::new();
    let good = world.vault().await;
    works(good.address, &world.client(&good)).await;
    type Knob = fn(SimBuilder) -> SimBuilder;
    let bad: [(Knob, &str); 6] = [
        (|platform| platform.debug(), "enclave_debug"),
        (|platform| platform.revoked(Revoked::Pck), "pck_revoked"),
        (
            |platform| platform.revoked(Revoked::PlatformCa),
            "pck_ca_revoked",
        ),
        (|platform| platform.tcb(SimTcb::Revoked, &[]), "tcb_revoked"),
        (
            |platform| platform.tcb(SimTcb::OutOfDate, &[]),
            "tcb_status",
        ),
        (
            |platform| platform.tcb(SimTcb::UpToDate, &["INTEL-SA-99999"]),
            "tcb_advisory",
        ),
    ];
    for (knob, name) in bad {
        let enclave = Enclave::new(knob(world.builder(VAULT_BUILD)));
        let mut vault = Vault::start(enclave, world.trust()).await;
        assert_eq!(code(vault.address, &world.client(&vault)).await, name);
        assert_eq!(vault.outcome().await.code(), "peer_evidence");
    }
}

#[tokio::test]
async fn an_out_of_date_platform_passes_where_the_policy_names_its_status() {
    let world = World::new();
    let enclave = Enclave::new(
        world
            .builder(VAULT_BUILD)
            .tcb(SimTcb::OutOfDate, &["INTEL-SA-1"]),
    );
    let vault = Vault::start(enclave, world.trust()).await;
    let mut client = world.client(&vault);
    assert_eq!(code(vault.address, &client).await, "tcb_status");
    client.trust.policy = client
        .trust
        .policy
        .accept_status(TcbStatus::OutOfDate)
        .accept_advisory("INTEL-SA-1");
    let facts = works(vault.address, &client).await;
    assert_eq!(facts.evidence.claims().tcb_status, TcbStatus::OutOfDate);
}

#[tokio::test]
async fn a_platform_that_is_not_listed_is_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let elsewhere = World {
        machine: world.root.machine("two").unwrap(),
        root: world.root.clone(),
    };
    let other = elsewhere.vault().await;
    let listed = |vault: &Vault| {
        let mut client = world.client(vault);
        let machine = world.enclave("any").platform_id(&world.trust());
        client.trust.policy = client.trust.policy.expect_platform(machine);
        client
    };
    works(vault.address, &listed(&vault)).await;
    assert_eq!(
        code(other.address, &listed(&other)).await,
        "platform_not_listed"
    );
    works(other.address, &world.client(&other)).await;
}

#[tokio::test]
async fn evidence_under_another_root_is_refused() {
    let (world, stranger) = (World::new(), World::new());
    let vault = world.vault().await;
    let mut client = world.client(&vault);
    works(vault.address, &client).await;
    client.trust = stranger.trust();
    assert_eq!(code(vault.address, &client).await, "quote_embedded_root");
    client.trust.root = TrustRoot::intel();
    assert_eq!(code(vault.address, &client).await, "quote_embedded_root");
}

#[tokio::test]
async fn bytes_behind_the_quote_and_a_cut_quote_are_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let alter = |number, frame: &mut Evidence| match number {
        0 => (),
        1 => frame.proof.quote.push(0),
        _ => drop(frame.proof.quote.pop()),
    };
    let mut double = Double::start(vault.enclave.clone(), &vault.leaf, alter).await;
    let client = world.client(&vault);
    works(double.address, &client).await;
    double.answer().await;
    for name in ["quote_trailing_bytes", "quote_truncated"] {
        assert_eq!(code(double.address, &client).await, name);
        assert_eq!(double.reason().await, Reason::Evidence);
    }
}

#[tokio::test]
async fn any_flipped_bit_of_the_quote_is_refused() {
    const FLIPS: usize = 1000;
    let world = World::new();
    let vault = world.vault().await;
    let flipped = Arc::new(Mutex::new(0));
    let seen = flipped.clone();
    let flip = move |number: usize, frame: &mut Evidence| {
        if number > 0 {
            // Spread over the whole quote, at another bit of the byte each time.
            let at = (number - 1) * frame.proof.quote.len() / FLIPS;
            frame.proof.quote[at] ^= 1 << (number % 8);
            *seen.lock().unwrap() = at;
        }
    };
    let mut double = Double::start(vault.enclave.clone(), &vault.leaf, flip).await;
    let client = world.client(&vault);
    works(double.address, &client).await;
    double.answer().await;
    for _ in 0..FLIPS {
        let error = preamble_error(&refused(double.address, &client).await);
        let at = *flipped.lock().unwrap();
        assert!(
            matches!(error, PreambleError::Evidence(EvidenceError::Appraisal(_))),
            "{error:?} for byte {at}"
        );
        assert_eq!(double.reason().await, Reason::Evidence, "for byte {at}");
    }
}

#[tokio::test]
async fn a_binding_that_is_not_in_the_batch_is_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let alter = |number, frame: &mut Evidence| match number {
        0 => (),
        1 => frame.proof.place = support::double::elsewhere(&frame.proof.place),
        2 => frame.proof.place.size = 2,
        _ => frame.proof.place.path.push(Hash([0; 32])),
    };
    let double = Double::start(vault.enclave.clone(), &vault.leaf, alter).await;
    let client = world.client(&vault);
    works(double.address, &client).await;
    for _ in 0..3 {
        assert_eq!(code(double.address, &client).await, "binding");
    }
}

#[tokio::test]
async fn a_leaf_is_refused_after_its_day_and_before_it() {
    let world = World::new();
    let vault = world.vault().await;
    let mut client = world.client(&vault);
    let established = works(vault.address, &client).await.established_at;
    let real = clock();
    assert!(!is_overdue(established, real(), 3600));
    for shift in [25 * 3600, -3600] {
        let real = real.clone();
        client.now = Arc::new(move || UnixSeconds(real().0.saturating_add_signed(shift)));
        assert_eq!(code(vault.address, &client).await, "leaf_not_valid_now");
    }
}

#[tokio::test]
async fn a_server_in_another_role_than_a_vaults_is_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let client = world.client(&vault);
    works(vault.address, &client).await;
    let caller = vault.enclave.issue(ratls::Role::Caller, None);
    let double = Double::start(vault.enclave.clone(), &caller, |_, _| ()).await;
    assert_eq!(code(double.address, &client).await, "role");
}

#[tokio::test]
async fn a_server_that_does_not_speak_the_preamble_is_refused() {
    let world = World::new();
    let vault = world.vault().await;
    let client = world.client(&vault);
    works(vault.address, &client).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = support::raw::acceptor(&vault.leaf, &[]);
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        acceptor.accept(tcp).await.ok();
    });
    assert_eq!(code(address, &client).await, "not_attested");
}
