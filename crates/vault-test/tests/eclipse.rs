//! T-ECLIPSE: whatever a registry says, a client never takes another vault for the one it means.
//! What it gets is the vault, or a refusal that names the vault, the endpoint and the registry.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod lying;

use lying::{Liar, Lie};
use std::time::Duration;
use tokio::net::TcpListener;
use vault_client::constellation::{Constellation, ConstellationConfig};
use vault_client::registry::RegistryClient;
use vault_client::secret::{OwnerKey, Secrets, Share, Wait};
use vault_client::{Error, ErrorCode};
use vault_governance::ManifestChain;
use vault_policy::{KeyType, OidcSubject, TemplateArgs, VaultId, template};
use vault_test::constellation::{TestConstellation, TestGovernance};
use vault_test::process::VaultProcess;

/// A client that believes no registry but these, and knows no endpoint. Its memory is its own.
async fn client_of(
    constellation: &TestConstellation,
    who: &str,
    registries: &[&str],
) -> Constellation {
    Constellation::open(config(constellation, who, registries))
        .await
        .unwrap()
}

fn config(
    constellation: &TestConstellation,
    who: &str,
    registries: &[&str],
) -> ConstellationConfig {
    let mut config = constellation.config(who).unwrap();
    config.endpoints.clear();
    config.registries = registries.iter().map(|&url| url.to_owned()).collect();
    config.timeout = Duration::from_secs(10);
    // Shares are for senders that prove themselves.
    config.tokens = constellation.issuer().token_source(who);
    config
}

/// Where every vault really is.
fn truth(constellation: &TestConstellation) -> Vec<(VaultId, String)> {
    let at = |i| {
        let endpoint = constellation.endpoint(i).unwrap();
        (constellation.vault_id(i).unwrap(), endpoint)
    };
    (0..constellation.len()).map(at).collect()
}

/// The vault that was meant answers.
async fn is_reached(client: &Constellation, vault: &VaultId) {
    let reached = client.client(vault).await.unwrap();
    let peer = reached.peer().await.unwrap();
    assert_eq!(peer.vault_id, *vault);
    reached.whoami().await.unwrap();
}

/// The vault is not reached, and the refusal says which vault was meant, and why.
async fn is_refused(client: &Constellation, vault: &VaultId, code: ErrorCode) -> Error {
    let error = match client.client(vault).await {
        Ok(reached) => panic!("{vault} was reached at {}", reached.endpoint()),
        Err(error) => error,
    };
    assert_eq!(error.code, code, "{error}");
    assert_eq!(error.vault_id, Some(*vault), "{error}");
    error
}

/// The refusal also names the endpoint and the registry that sent the client there.
fn names(error: &Error, endpoint: &str, registry: &Liar) {
    let message = error.message();
    assert!(message.contains(endpoint), "{message}");
    assert!(message.contains(registry.url()), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_names_another_endpoint_is_found_out_and_named() {
    let constellation = TestConstellation::start(2).await.unwrap();
    let truth = truth(&constellation);
    let [(first, at_first), (second, at_second)] = [truth[0].clone(), truth[1].clone()];

    // Swapped: both are genuine, and neither is the one that is meant.
    let swapped = [(first, at_second.clone()), (second, at_first.clone())];
    let liar = Liar::listing(swapped).await;
    let client = client_of(&constellation, "owner", &[liar.url()]).await;
    for (vault, wrong) in [(first, &at_second), (second, &at_first)] {
        let error = is_refused(&client, &vault, ErrorCode::AttestationRefused).await;
        names(&error, wrong, &liar);
    }
    let refused = client.refused();
    assert_eq!(refused.len(), 2);

    // A genuine vault on a machine under the same root, which is not in the manifest.
    let mut outsider = outsider(&constellation);
    let ready = tokio::task::block_in_place(|| outsider.start()).unwrap();
    let (outside, at_outsider) = (ready.pins.vault_id, ready.addr.clone());
    liar.say(Lie::List(vec![
        (first, at_outsider.clone()),
        (outside, at_outsider.clone()),
        (second, at_second.clone()),
    ]));
    let client = client_of(&constellation, "owner", &[liar.url()]).await;
    let error = is_refused(&client, &first, ErrorCode::AttestationRefused).await;
    names(&error, &at_outsider, &liar);
    is_reached(&client, &second).await;
    let stranger = client.client(&outside).await.err().unwrap();
    assert_eq!(stranger.code, ErrorCode::InvalidArgument);
    let announced = client.announced().await;
    assert!(announced.hints.iter().all(|hint| hint.vault_id != outside));

    // Nobody is there, or somebody who is no vault.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at_silent = silent.local_addr().unwrap().to_string();
    let hangs_up = tokio::spawn(async move {
        while let Ok((tcp, _)) = silent.accept().await {
            drop(tcp);
        }
    });
    liar.say(Lie::List(vec![
        (first, at_silent.clone()),
        (second, "127.0.0.1:1".into()),
    ]));
    let client = client_of(&constellation, "owner", &[liar.url()]).await;
    let error = is_refused(&client, &first, ErrorCode::Unavailable).await;
    names(&error, &at_silent, &liar);
    let error = is_refused(&client, &second, ErrorCode::Unavailable).await;
    names(&error, "127.0.0.1:1", &liar);
    hangs_up.abort();
}

/// A vault under the same issuer and the same simulated vendor, on a machine of its own.
fn outsider(constellation: &TestConstellation) -> VaultProcess {
    let home = constellation.dir().join("outsider");
    std::fs::create_dir(&home).unwrap();
    let sim = constellation.dir().join("sim");
    let program = env!("CARGO_BIN_EXE_sim-vault");
    let issuer = constellation.issuer();
    let mut vault = VaultProcess::prepare_with(&[program], &home, issuer, &sim, "").unwrap();
    vault.enclave("outsider", vault_test::constellation::MEASUREMENT);
    vault
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_honest_registry_suffices_beside_any_number_that_lie() {
    let constellation = TestConstellation::start(2).await.unwrap();
    let truth = truth(&constellation);
    let swapped = [
        (truth[0].0, truth[1].1.clone()),
        (truth[1].0, truth[0].1.clone()),
    ];
    let liars = [
        Liar::listing(swapped).await,
        Liar::listing([]).await,
        Liar::start(Lie::Garbage).await,
        Liar::start(Lie::Nonsense).await,
        Liar::start(Lie::Silence).await,
        Liar::start(Lie::Endless).await,
        Liar::start(Lie::Huge(50_000)).await,
    ];
    let honest = Liar::listing(truth.clone()).await;
    let mut urls: Vec<&str> = liars.iter().map(Liar::url).collect();
    urls.push(honest.url());
    let client = client_of(&constellation, "owner", &urls).await;
    for (vault, _) in &truth {
        is_reached(&client, vault).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_answers_nothing_sensible_is_named_and_costs_a_bounded_effort() {
    let timeout = Duration::from_secs(2);
    for lie in [Lie::Garbage, Lie::Nonsense, Lie::Silence, Lie::Huge(50_000)] {
        let liar = Liar::start(lie.clone()).await;
        let listing = RegistryClient::new([liar.url()], timeout).list().await;
        assert_eq!(listing.entries, [], "{lie:?}");
        assert_eq!(listing.failures.len(), 1, "{lie:?}");
        let (named, error) = &listing.failures[0];
        assert_eq!(named, liar.url());
        let expected = match lie {
            Lie::Silence => ErrorCode::Timeout,
            _ => ErrorCode::Unavailable,
        };
        assert_eq!(error.code, expected, "{lie:?}: {error}");
    }
    // Pages without end: what fits into the bound is taken, and no more is asked.
    let liar = Liar::start(Lie::Endless).await;
    let listing = RegistryClient::new([liar.url()], timeout).list().await;
    assert!(liar.asked() <= 64, "{}", liar.asked());
    assert!(listing.entries.len() <= 64);
    // One vault at many endpoints: the first few are taken.
    let vault = VaultId(vault_encoding::Hash([7; 32]));
    let many = (1..500).map(|port| (vault, format!("127.0.0.1:{port}")));
    let liar = Liar::listing(many).await;
    let listing = RegistryClient::new([liar.url()], timeout).list().await;
    assert_eq!(listing.entries.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_members_are_missed_and_the_threshold_decides() {
    let constellation = TestConstellation::start(4).await.unwrap();
    let truth = truth(&constellation);
    let all: Vec<_> = truth.iter().map(|(vault, _)| *vault).collect();
    let honest = Liar::listing(truth.clone()).await;
    let folder = constellation.dir().join("secrets");
    let key = || OwnerKey::from_bytes(zeroize::Zeroizing::new([7; 32]));
    let secrets = || Secrets::new(&folder, key());
    let client = client_of(&constellation, "owner", &[honest.url()]).await;
    let split = client.secrets(secrets());
    let policy = policy_of(&constellation);
    let secret = b"a secret over four vaults";
    split.split(&all, "s", secret, 2, policy).await.unwrap();

    let liar = Liar::listing([]).await;
    for listed in (0..=4).rev() {
        liar.say(Lie::List(truth[..listed].to_vec()));
        let client = client_of(&constellation, "owner", &[liar.url()]).await;
        let announced = client.announced().await;
        let mut hidden = all[listed..].to_vec();
        hidden.sort();
        assert_eq!(announced.missing, hidden, "{listed} listed");
        let got = client.secrets(secrets()).reconstruct("s", Wait::All).await;
        let collected = match got {
            Ok(found) => {
                assert!(listed >= 2);
                assert_eq!(&found.secret[..], secret);
                found.collected
            }
            Err(failed) => {
                assert!(listed < 2);
                assert_eq!(failed.error.code, ErrorCode::TooFewVaults);
                failed.collected
            }
        };
        let mut missed = collected.missing();
        missed.sort();
        assert_eq!(missed, hidden, "{listed} listed");
        for (vault, share) in &collected.shares {
            if let Share::Missing(error) = share {
                assert_eq!(error.code, ErrorCode::Unavailable, "{vault}: {error}");
            }
        }
    }
}

fn policy_of(constellation: &TestConstellation) -> Vec<u8> {
    let owner = OidcSubject {
        issuer: constellation.issuer().url().to_owned(),
        subject: "owner".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::RawShare)).unwrap();
    policy.canonical_bytes().to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_list_leads_to_nobody_or_to_somebody_else_and_never_to_a_wrong_vault() {
    let mut constellation = TestConstellation::start(2).await.unwrap();
    let old = truth(&constellation);
    let liar = Liar::listing(old.clone()).await;
    let client = client_of(&constellation, "owner", &[liar.url()]).await;
    is_reached(&client, &old[0].0).await;
    constellation.kill(0).unwrap();
    // Where the first vault was, the connections of the second are answered now.
    let address = old[0].1.clone();
    let upstream = old[1].1.clone();
    let listener = TcpListener::bind(&address).await.unwrap();
    let relay = tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                let mut to = tokio::net::TcpStream::connect(upstream).await.unwrap();
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    // One that has no connection to the vault that is gone, and may not have noticed that it is.
    let client = client_of(&constellation, "owner", &[liar.url()]).await;
    let error = is_refused(&client, &old[0].0, ErrorCode::AttestationRefused).await;
    names(&error, &address, &liar);
    tokio::task::block_in_place(|| constellation.start_vault(0)).unwrap();
    liar.say(Lie::List(truth(&constellation)));
    let client = client_of(&constellation, "owner", &[liar.url()]).await;
    is_reached(&client, &old[0].0).await;
    relay.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vaults_that_announce_themselves_are_found_through_the_registry_alone() {
    let constellation = TestConstellation::start(2).await.unwrap();
    constellation.until_listed().await.unwrap();
    let mut config = constellation.config("owner").unwrap();
    assert!(!config.registries.is_empty());
    config.endpoints.clear();
    let client = Constellation::open(config).await.unwrap();
    for i in 0..constellation.len() {
        is_reached(&client, &constellation.vault_id(i).unwrap()).await;
    }
}

/// Writes a history that begins with the vaults numbered in `versions[0]`, one entry a version.
fn write_manifest(constellation: &TestConstellation, versions: &[&[usize]]) {
    let governance = constellation.governance();
    let signed = |version: usize, members: &[usize]| {
        let member = |i: &usize| TestGovernance::member(constellation.fingerprint(*i).unwrap());
        let members = members.iter().map(member).collect();
        governance.sign(version as u64, members).unwrap()
    };
    let mut chain = ManifestChain::first(signed(1, versions[0]));
    for (at, members) in versions.iter().enumerate().skip(1) {
        chain.push(signed(at + 1, members));
    }
    std::fs::write(constellation.manifest(), chain.to_json()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_manifest_is_refused_and_a_vault_that_it_named_is_not_called() {
    let constellation = TestConstellation::start(3).await.unwrap();
    let truth = truth(&constellation);
    let honest = Liar::listing(truth.clone()).await;
    let open = || Constellation::open(config(&constellation, "owner", &[honest.url()]));
    // The third vault was expelled with version 2.
    write_manifest(&constellation, &[&[0, 1, 2], &[0, 1]]);
    let client = open().await.unwrap();
    is_reached(&client, &truth[0].0).await;
    let expelled = client.client(&truth[2].0).await.err().unwrap();
    assert_eq!(expelled.code, ErrorCode::InvalidArgument);
    // Whoever serves the file may show the older one, or another version 2: both are signed.
    for old in [&[&[0, 1, 2][..]][..], &[&[0, 1, 2], &[0, 1, 2]]] {
        write_manifest(&constellation, old);
        let refused = open().await.err().unwrap();
        assert_eq!(refused.code, ErrorCode::ManifestRefused, "{refused}");
    }
    write_manifest(&constellation, &[&[0, 1, 2], &[0, 1], &[1, 2]]);
    let client = open().await.unwrap();
    is_reached(&client, &truth[2].0).await;
}
