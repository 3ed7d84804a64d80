//! The floor of vault time rises with what vendors of platforms have signed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::tls::{CallerIdentity, QuoteUnavailable};
use ratls::{Claims, Evidence, Leaf, LeafKey, Role, Validity};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tee_sim::{SimPlatform, SimRoot, measurement_named};
use vault_client::token::{AccessToken, FixedToken};
use vault_client::{Client, CreateKey};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, UnixSeconds, template};
use vault_tee::Platform;
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

async fn issuer() -> Issuer {
    let alice = issuer::Client::new("alice", "s", &["vault:owner", "vault:auditor"]);
    Issuer::start(IssuerConfig::new(vec![alice])).await.unwrap()
}

/// An enclave on the simulator's machine `caller`.
fn enclave(dir: &Path) -> CallerIdentity {
    let machine = SimRoot::open_or_create(&dir.join("sim"))
        .unwrap()
        .machine("caller")
        .unwrap();
    let platform = SimPlatform::builder(&machine, measurement_named("caller"))
        .build()
        .unwrap();
    let quote = move |report_data| {
        let evidence = platform.quote(report_data).map_err(|_| QuoteUnavailable)?;
        Ok::<_, QuoteUnavailable>(Evidence {
            quote: evidence.quote,
            collateral: evidence.collateral,
        })
    };
    let key = LeafKey::generate().unwrap();
    let claims = Claims {
        role: Role::Caller,
        spki_hash: key.spki_hash(),
        identity_key: Vec::new(),
        trust_root: None,
        operational_root: None,
        boot_id: [7; 16],
        oids: BTreeMap::new(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let validity = Validity::from_now(UnixSeconds(now.as_secs()));
    let leaf = Leaf::issue(key, claims, validity, &quote).unwrap();
    CallerIdentity::new(leaf, Arc::new(quote))
}

/// Calls once, so that what was queued is durable, and counts the entries that raise the floor.
async fn raised(client: &Client, issuer: &Issuer, name: &str) -> usize {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "alice".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::HmacSha256)).unwrap();
    let key = CreateKey {
        handle: None,
        key_type: KeyType::HmacSha256,
        name: name.into(),
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    };
    client.create_key(key).await.unwrap();
    let log = client.whole_log().await.unwrap();
    let leaves = log.leaves.iter().map(|leaf| String::from_utf8_lossy(leaf));
    leaves
        .filter(|leaf| leaf.contains("raise_time_floor"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_evidence_raises_the_floor_once_and_is_logged() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let program = [env!("CARGO_BIN_EXE_sim-vault")];
    let mut vault = VaultProcess::prepare(&program, dir.path(), &issuer).unwrap();
    vault.start().unwrap();
    let plain = vault.client(&issuer, "alice").await.unwrap();
    assert_eq!(raised(&plain, &issuer, "before").await, 0);
    let caller = Arc::new(enclave(dir.path()));
    for name in ["first", "second"] {
        let token = AccessToken::new(issuer.token("alice").unwrap(), None);
        let config = vault
            .client_config(vault.ready().unwrap(), "alice")
            .unwrap()
            .tokens(Arc::new(FixedToken(token)))
            .caller(caller.clone());
        let client = Client::connect(config).await.unwrap();
        assert_eq!(raised(&client, &issuer, name).await, 1, "{name}");
    }
    vault.kill().unwrap();
}
