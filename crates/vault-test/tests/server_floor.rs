//! The floor of vault time rises with what vendors of platforms have signed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::tls::{CallerIdentity, ClientKey, QuoteUnavailable};
use ratls::{Claims, Evidence, Leaf, LeafKey, Role, Validity};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tee_sim::{SimPlatform, SimRoot, measurement_named};
use vault_client::token::{AccessToken, FixedToken};
use vault_client::{Client, CreateKey, ErrorCode, Input, KeyName};
use vault_encoding::{Json, Limits};
use vault_policy::{KeyPolicy, KeyType, OidcSubject, TemplateArgs, UnixSeconds, template};
use vault_tee::Platform;
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;
use zeroize::Zeroizing;

const HOUR: u64 = 3600;

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs()
}

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
    let validity = Validity::from_now(UnixSeconds(now()));
    let leaf = Leaf::issue(key, claims, validity, &quote).unwrap();
    CallerIdentity::new(leaf, Arc::new(quote))
}

/// Alice's, who shows the enclave's evidence.
async fn of_enclave(vault: &VaultProcess, issuer: &Issuer, caller: &Arc<CallerIdentity>) -> Client {
    let token = AccessToken::new(issuer.token("alice").unwrap(), None);
    let config = vault
        .client_config(vault.ready().unwrap(), "alice")
        .unwrap()
        .tokens(Arc::new(FixedToken(token)))
        .caller(caller.clone());
    Client::connect(config).await.unwrap()
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
        let client = of_enclave(&vault, &issuer, &caller).await;
        assert_eq!(raised(&client, &issuer, name).await, 1, "{name}");
    }
    vault.kill().unwrap();
}

/// A host's certificate of two hours ago and before, and SHA-256 of its authority's key.
fn expired() -> (ClientKey, String) {
    let params = |ends: u64| {
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(ends);
        params
    };
    let mut authority = params(now() + HOUR);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = params(now() - 2 * HOUR);
    leaf.subject_alt_names = vec![SanType::DnsName("web.test".try_into().unwrap())];
    let leaf = leaf.signed_by(&key, &ca).unwrap();
    let shown = |der: &[u8], key: Vec<u8>| ClientKey::new(der.to_vec(), Zeroizing::new(key));
    let spki = shown(ca.der(), Vec::new()).spki_hash().unwrap().to_string();
    let key = shown(leaf.der(), key.serialize_der()).issued_by(vec![ca.der().to_vec()]);
    (key, spki)
}

async fn key_of_host(alice: &Client, issuer: &Issuer, authority: &str) -> KeyName {
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{"owner":{{"issuer":"{}","subject":"alice"}},
          "mtls":[{{"id":"web","ca":{{"san":"dns:web.test","spki":"{authority}"}}}}]}},
        "operations":[{{"name":"use","operations":["sign"],"principals":["owner","web"]}}]}}"#,
        issuer.url()
    );
    let limits = Limits {
        bytes: 1 << 16,
        depth: 16,
        nodes: 1 << 12,
    };
    let json = Json::parse(document.as_bytes(), limits).unwrap();
    let policy = KeyPolicy::from_json(&json).unwrap();
    let key = CreateKey {
        handle: None,
        key_type: KeyType::P256Signing,
        name: "hosted".into(),
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    };
    let key = alice.create_key(key).await.unwrap().value;
    KeyName {
        handle: key.handle,
        lineage: Some(key.lineage),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_turned_back_makes_no_certificate_valid_again() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let program = [env!("CARGO_BIN_EXE_sim-vault")];
    let mut vault = VaultProcess::prepare(&program, dir.path(), &issuer).unwrap();
    vault.start().unwrap();
    let (host, authority) = expired();
    let host = Arc::new(host);
    let alice = vault.client(&issuer, "alice").await.unwrap();
    let key = key_of_host(&alice, &issuer, &authority).await;
    let sign = async |vault: &VaultProcess| {
        let mut config = vault.client_config(vault.ready().unwrap(), "host").unwrap();
        config.certificate = Some(host.clone());
        let client = Client::connect(config).await.unwrap();
        let input = Input::Message(b"message".to_vec());
        let signed = client.sign(key, input, false).await;
        signed.map(|_| ()).map_err(|error| error.code)
    };
    assert_eq!(sign(&vault).await, Err(ErrorCode::NotFound));

    // Nothing has shown this vault the time yet: the host says what it likes.
    let back = now() - 4 * HOUR;
    vault.kill().unwrap();
    vault.stop_clock(Some(back));
    vault.start().unwrap();
    assert_eq!(sign(&vault).await, Ok(()));

    vault.kill().unwrap();
    vault.stop_clock(None);
    vault.start().unwrap();
    let caller = Arc::new(enclave(dir.path()));
    let client = of_enclave(&vault, &issuer, &caller).await;
    assert_eq!(raised(&client, &issuer, "raised").await, 1);
    vault.kill().unwrap();
    vault.stop_clock(Some(back));
    vault.start().unwrap();
    assert_eq!(sign(&vault).await, Err(ErrorCode::NotFound));
}
