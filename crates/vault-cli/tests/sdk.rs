//! The SDK against a running vault, through a proxy that can cut connections.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::Dev;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use vault_client::token::{ClientCredentials, Kept, ProofKey, TokenSource, TrustedRoots};
use vault_client::{Client, ClientConfig, CreateKey, ErrorCode, HeadStore, Input, VaultPins};
use vault_encoding::{Hash, merkle};
use vault_policy::KeyType;

/// Passes connections on, counts them, and cuts those that are open when told.
struct Proxy {
    address: String,
    connections: Arc<AtomicUsize>,
    cut: watch::Sender<usize>,
}

impl Proxy {
    async fn before(endpoint: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let (cut, watching) = watch::channel(0);
        let counter = connections.clone();
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                let mut far = TcpStream::connect(&endpoint).await.unwrap();
                let mut watching = watching.clone();
                watching.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = watching.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            connections,
            cut,
        }
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}

fn read_config(dev: &Dev) -> toml::Table {
    let text = std::fs::read_to_string(dev.home().join("D/config.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

fn text(table: &toml::Value, name: &str) -> String {
    table[name].as_str().unwrap().to_owned()
}

fn tokens(config: &toml::Table, profile: &str) -> Arc<dyn TokenSource> {
    let profile = &config["profiles"][profile];
    Arc::new(Kept::new(ClientCredentials {
        endpoint: text(profile, "token_endpoint").parse().unwrap(),
        client_id: text(profile, "client_id"),
        secret_file: text(profile, "client_secret_file").into(),
        scope: None,
        audience: None,
        per_vault: false,
        sender: ProofKey::default(),
        roots: TrustedRoots::File(text(profile, "issuer_ca").into()),
    }))
}

/// Vault 1 of this `dev` at `endpoint`, with a memory of its own.
fn config(dev: &Dev, endpoint: &str, profile: &str, memory: &str) -> ClientConfig {
    let config = read_config(dev);
    let root = std::fs::read(config["trust"].as_str().unwrap()).unwrap();
    let trust = ratls::TrustRoot::from_der(&root).unwrap();
    let heads = HeadStore::new(dev.home().join(memory));
    ClientConfig::new(endpoint, pins(dev), trust, heads)
        .tokens(tokens(&config, profile))
        .timeout(Duration::from_secs(20))
}

/// What the manifest says of vault 1.
fn pins(dev: &Dev) -> VaultPins {
    let file = std::fs::read(dev.home().join("D/manifest.json")).unwrap();
    let chain = vault_governance::ManifestChain::parse(&file).unwrap();
    let vault_id = dev.vault_id(1).parse().unwrap();
    let member = chain.versions()[0].manifest.member(&vault_id).unwrap();
    VaultPins {
        vault_id,
        platform_id: Some(member.platform_id),
        measurement: Some(member.measurement),
        trust_root: Some(member.trust_root),
    }
}

fn endpoint(dev: &Dev) -> String {
    let vault = dev.child("vault 1");
    vault["endpoint"].as_str().unwrap().to_owned()
}

async fn create(client: &Client) -> vault_client::KeyInfo {
    let me = client.whoami().await.unwrap().value;
    let owner = vault_policy::OidcSubject {
        issuer: me.issuer,
        subject: me.subject,
    };
    let args = vault_policy::TemplateArgs::new(owner, KeyType::Ed25519Signing);
    let policy = vault_policy::template("owner", &args).unwrap();
    let request = CreateKey {
        handle: None,
        key_type: KeyType::Ed25519Signing,
        name: "n".to_owned(),
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    };
    client.create_key(request).await.unwrap().value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced_with_a_new_preamble_and_nothing_is_forgotten() {
    let dev = Dev::start();
    let proxy = Proxy::before(endpoint(&dev)).await;
    let client = Client::connect(config(&dev, &proxy.address, "owner", "memory"))
        .await
        .unwrap();
    let key = create(&client).await;
    let first = client.peer().await.unwrap();
    assert_eq!(proxy.count(), 1);
    for round in 2..5 {
        proxy.cut();
        let info = client.get_key(key.handle.into()).await.unwrap();
        assert_eq!(info.value.lineage, key.lineage);
        assert_eq!(proxy.count(), round);
    }
    let last = client.peer().await.unwrap();
    assert_eq!(
        (first.vault_id, first.claims.boot_id),
        (last.vault_id, last.claims.boot_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_proven_in_order_whoever_moves_the_log() {
    let dev = Dev::start();
    let endpoint = endpoint(&dev);
    let one = Client::connect(config(&dev, &endpoint, "owner", "one"))
        .await
        .unwrap();
    let two = Client::connect(config(&dev, &endpoint, "owner", "two"))
        .await
        .unwrap();
    let key = create(&one).await;
    let before = one.checkpoint().await.unwrap();
    let message = || Input::Message(b"m".to_vec());
    for _ in 0..3 {
        two.sign(key.handle.into(), message(), false).await.unwrap();
        one.sign(key.handle.into(), message(), false).await.unwrap();
    }
    let signs = (0..16).map(|_| {
        let one = one.clone();
        tokio::spawn(async move {
            one.sign(key.handle.into(), Input::Message(b"m".to_vec()), false)
                .await
                .unwrap()
        })
    });
    for sign in signs.collect::<Vec<_>>() {
        sign.await.unwrap();
    }
    let after = one.checkpoint().await.unwrap();
    assert!(after.size >= before.size + 22);
    assert_eq!(one.seen().await, Some(after.clone()));

    let proof = one
        .prove_consistency(before.size, after.size)
        .await
        .unwrap();
    let (old, new) = (&before, &after);
    assert!(merkle::verify_consistency(
        old.size, new.size, &proof, &old.root, &new.root
    ));
    let signed = two.sign(key.handle.into(), message(), false).await.unwrap();
    let logged = signed.receipt.logged.unwrap();
    let size = signed.receipt.head.size;
    let auditor = Client::connect(config(&dev, &endpoint, "auditor", "three"))
        .await
        .unwrap();
    let (leaf_hash, proof) = auditor.prove_inclusion(logged.index, size).await.unwrap();
    assert_eq!(leaf_hash, merkle::leaf_hash(&logged.leaf));
    let root = &signed.receipt.head.root;
    assert!(merkle::verify_inclusion(
        &leaf_hash,
        logged.index,
        size,
        &proof,
        root
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_vault_another_root_and_another_key_are_refused() {
    let dev = Dev::start();
    let endpoint = endpoint(&dev);
    let good = || config(&dev, &endpoint, "owner", "memory");
    Client::connect(good()).await.unwrap();
    let zero = Hash([0; 32]);
    let mut refused = Vec::new();
    for change in 0..5 {
        let mut wanted = good();
        match change {
            0 => wanted.vault.vault_id = vault_policy::VaultId(zero),
            1 => wanted.vault.platform_id = Some(vault_policy::PlatformId(zero)),
            2 => wanted.vault.measurement = Some(vault_policy::Measurement(zero)),
            3 => wanted.vault.trust_root = Some(zero),
            _ => wanted.trust = ratls::TrustRoot::intel(),
        }
        refused.push(Client::connect(wanted).await.err().map(|error| error.code));
    }
    assert_eq!(refused, [Some(ErrorCode::AttestationRefused); 5]);
    let config = good().vault;
    let client = Client::connect(good()).await.unwrap();
    assert_eq!(client.info().await.unwrap().vault_id, config.vault_id);
    let served = client.config().await.unwrap();
    assert!(
        served
            .trust
            .iter()
            .any(|(path, _)| path.starts_with("issuers[0]"))
    );
}
