//! Clients of a running vault who have a certificate and no token: whom a policy names uses its key, the
//! log says so, and everybody else is nobody, however many certificates they make.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "this file uses a part of it")]
mod server_wire;

use ratls::tls::ClientKey;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use server_wire::{WHO_AM_I, Wire, vault};
use std::collections::BTreeSet;
use std::sync::Arc;
use vault_audit::{Entry, Principal};
use vault_client::{Client, CreateKey, Error, ErrorCode, Input, KeyInfo, KeyName, Receipt};
use vault_encoding::{Hash, Json, Limits};
use vault_policy::{KeyPolicy, KeyType, PolicyVersion};
use vault_proto::v1;
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;
use zeroize::Zeroizing;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Certificates are of 2020 to 2060 unless a test says otherwise.
const YEARS: (i32, i32) = (2020, 2060);
const SAN: &str = "web.test";

fn params(years: (i32, i32)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    params
}

fn authority_params(years: (i32, i32)) -> CertificateParams {
    let mut params = params(years);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn root(years: (i32, i32)) -> Authority {
    let key = KeyPair::generate().unwrap();
    CertifiedIssuer::self_signed(authority_params(years), key).unwrap()
}

/// A leaf of this name below an authority, with everything that is shown above it.
fn issued(above: &Authority, name: &str, years: (i32, i32), shown: &[&Authority]) -> ClientKey {
    let mut params = params(years);
    params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())];
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, above).unwrap();
    let shown = shown.iter().map(|authority| authority.der().to_vec());
    let key = Zeroizing::new(key.serialize_der());
    ClientKey::new(leaf.der().to_vec(), key).issued_by(shown.collect())
}

/// What a policy calls an authority.
fn key_of(authority: &Authority) -> Hash {
    let key = Zeroizing::new(Vec::new());
    let shown = ClientKey::new(authority.der().to_vec(), key);
    shown.spki_hash().unwrap()
}

async fn issuer() -> Issuer {
    let roles = ["vault:owner", "vault:auditor"];
    let clients = ["alice", "bob"].map(|who| issuer::Client::new(who, "secret", &roles));
    let mut config = IssuerConfig::new(clients.into());
    config.token_seconds = 3600;
    Issuer::start(config).await.unwrap()
}

/// Alice's key, which `host` uses by its key, and `web` by its name and authority.
fn policy(issuer: &Issuer, host: &Hash, authority: &Hash) -> KeyPolicy {
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{"owner":{{"issuer":"{}","subject":"alice"}},
          "mtls":[{{"id":"host","spki":"{host}"}},
                  {{"id":"web","ca":{{"san":"dns:{SAN}","spki":"{authority}"}}}}]}},
        "operations":[{{"name":"use","operations":["sign","verify","get_public_key"],
          "principals":["owner","host","web"]}}]}}"#,
        issuer.url()
    );
    let limits = Limits {
        bytes: 1 << 16,
        depth: 16,
        nodes: 1 << 12,
    };
    KeyPolicy::from_json(&Json::parse(document.as_bytes(), limits).unwrap()).unwrap()
}

/// A vault with that key, and who may use it.
struct World {
    _issuer: Issuer,
    dir: tempfile::TempDir,
    vault: VaultProcess,
    addr: String,
    alice: Client,
    host: Arc<ClientKey>,
    ca: Authority,
    policy: KeyPolicy,
    key: KeyInfo,
}

impl World {
    async fn new(change: impl FnOnce(String) -> String) -> Self {
        let issuer = issuer().await;
        let dir = tempfile::tempdir().unwrap();
        let (vault, addr) = vault(dir.path(), &issuer, change);
        let alice = vault.client(&issuer, "alice").await.unwrap();
        let host = Arc::new(ClientKey::generate().unwrap());
        let ca = root(YEARS);
        let policy = policy(&issuer, &host.spki_hash().unwrap(), &key_of(&ca));
        let create = CreateKey {
            handle: None,
            key_type: KeyType::P256Signing,
            name: "release".into(),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
        };
        let key = alice.create_key(create).await.unwrap().value;
        Self {
            _issuer: issuer,
            dir,
            vault,
            addr,
            alice,
            host,
            ca,
            policy,
            key,
        }
    }

    fn name(&self) -> KeyName {
        KeyName {
            handle: self.key.handle,
            lineage: Some(self.key.lineage),
        }
    }

    /// A client that shows this certificate, or none, and has no token.
    async fn client(&self, certificate: Option<Arc<ClientKey>>) -> Client {
        let ready = self.vault.ready().unwrap();
        let mut config = self.vault.client_config(ready, "holder").unwrap();
        config.certificate = certificate;
        Client::connect(config).await.unwrap()
    }

    async fn sign(&self, client: &Client) -> Result<Receipt, Error> {
        let input = Input::Message(b"release 1".to_vec());
        Ok(client.sign(self.name(), input, false).await?.receipt)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_key_and_a_name_of_the_authority_sign_and_the_log_and_receipts_name_them() {
    let world = World::new(|text| text).await;
    let below = CertifiedIssuer::signed_by(
        authority_params(YEARS),
        KeyPair::generate().unwrap(),
        &world.ca,
    )
    .unwrap();
    let long = issued(&below, SAN, YEARS, &[&below, &world.ca]);
    let short = issued(&world.ca, SAN, YEARS, &[&world.ca]);
    for key in [world.host.clone(), Arc::new(short), Arc::new(long)] {
        let spki = key.spki_hash().unwrap();
        let client = world.client(Some(key)).await;
        // The client has verified the receipt.
        let receipt = world.sign(&client).await.unwrap();
        let index = receipt.logged.unwrap().index;
        let log = world.alice.whole_log().await.unwrap();
        let entry = Entry::from_leaf(&log.leaves[usize::try_from(index).unwrap()]).unwrap();
        assert_eq!(entry.principals, [Principal::Certificate { spki }]);
        assert_eq!((entry.operation.as_str(), entry.allowed), ("sign", true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_tells_its_caller_which_certificate_it_sees() {
    let world = World::new(|text| text).await;
    let named = Arc::new(issued(&world.ca, SAN, YEARS, &[&world.ca]));
    for (key, names) in [
        (world.host.clone(), Vec::new()),
        (named, vec![format!("dns:{SAN}")]),
    ] {
        let me = world.client(Some(key.clone())).await.whoami().await;
        let me = me.unwrap().value;
        assert_eq!(me.certificate_spki, key.spki_hash());
        assert_eq!(me.certificate_names, names);
        assert_eq!((me.subject.as_str(), me.roles.len()), ("", 0));
    }
    let alice = world.alice.whoami().await.unwrap().value;
    assert_eq!(
        (alice.certificate_spki, alice.certificate_names),
        (None, vec![])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn to_every_other_certificate_the_key_is_missing() {
    let world = World::new(|text| text).await;
    let other = root(YEARS);
    let (past, future) = ((2020, 2024), (2050, 2060));
    let aged = |years| {
        // The same authority, whose certificate is of other years.
        let key = KeyPair::from_pkcs8_der_and_sign_algo(
            &world.ca.key().serialize_der().into(),
            &rcgen::PKCS_ECDSA_P256_SHA256,
        );
        CertifiedIssuer::self_signed(authority_params(years), key.unwrap()).unwrap()
    };
    let ca = &world.ca;
    let (expired_ca, coming_ca) = (aged(past), aged(future));
    assert_eq!(key_of(&expired_ca), key_of(ca));
    let cases = [
        ("another key", ClientKey::generate().unwrap()),
        ("another name", issued(ca, "other.test", YEARS, &[ca])),
        ("a name below", issued(ca, "a.web.test", YEARS, &[ca])),
        ("an expired leaf", issued(ca, SAN, past, &[ca])),
        ("a leaf to come", issued(ca, SAN, future, &[ca])),
        (
            "an expired authority",
            issued(ca, SAN, YEARS, &[&expired_ca]),
        ),
        (
            "an authority to come",
            issued(ca, SAN, YEARS, &[&coming_ca]),
        ),
        ("another authority", issued(&other, SAN, YEARS, &[&other])),
        ("one that only shows it", issued(&other, SAN, YEARS, &[ca])),
        ("both shown", issued(&other, SAN, YEARS, &[&other, ca])),
        ("no authority shown", issued(ca, SAN, YEARS, &[])),
    ];
    let before = world.alice.checkpoint().await.unwrap().size;
    for (what, key) in cases {
        let client = world.client(Some(Arc::new(key))).await;
        let refused = world.sign(&client).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::NotFound, "{what}");
    }
    let nobody = world.client(None).await;
    let refused = world.sign(&nobody).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unauthenticated);
    let after = world.alice.checkpoint().await.unwrap().size;
    assert_eq!(before, after, "nobody of them is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_policy_names_owns_lists_creates_and_changes_nothing() {
    let world = World::new(|text| text).await;
    let client = world.client(Some(world.host.clone())).await;
    let name = world.name();
    let policy = world.policy.canonical_bytes().to_vec();
    let create = CreateKey {
        handle: None,
        key_type: KeyType::P256Signing,
        name: "mine".into(),
        policy: policy.clone(),
        labels: Vec::new(),
    };
    let refused = client.create_key(create).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RoleRequired);
    let (listed, _) = client.list_keys(0, "").await.unwrap().value;
    assert!(listed.is_empty());
    let refused = client.whole_log().await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RoleRequired);
    let updated = client.update_policy(name, policy, PolicyVersion(1)).await;
    assert_eq!(updated.unwrap_err().code, ErrorCode::PolicyDenied);
    let deleted = client.schedule_deletion(name, 0).await;
    assert_eq!(deleted.unwrap_err().code, ErrorCode::PolicyDenied);
    // What it may read is what every principal of a key may.
    let seen = client.get_key(name).await.unwrap().value;
    assert_eq!(seen.handle, world.key.handle);
    // A token that is refused is not made up for by the certificate.
    let wire = Wire::holding(world.dir.path(), &world.addr, world.host.clone()).await;
    let refused = wire.call(WHO_AM_I, Some("Bearer x"), Vec::new()).await;
    let code = refused.unwrap_err().code;
    assert_eq!(code, v1::ErrorCode::ERROR_CODE_UNAUTHENTICATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_certificates_is_one_account_and_starves_nobody_with_a_token() {
    let world = World::new(|text| text + "\n[rates]\ncalls = 20\n").await;
    let mut certificates = BTreeSet::new();
    let (mut admitted, mut limited) = (0, 0);
    let begun = std::time::Instant::now();
    for _ in 0..25 {
        let key = ClientKey::generate().unwrap();
        certificates.insert(key.hash());
        let wire = Wire::holding(world.dir.path(), &world.addr, Arc::new(key)).await;
        for _ in 0..8 {
            match wire.call(WHO_AM_I, None, Vec::new()).await {
                Ok(_) => admitted += 1,
                Err(refused) => {
                    assert_eq!(refused.code, v1::ErrorCode::ERROR_CODE_RATE_LIMITED);
                    limited += 1;
                }
            }
        }
    }
    // Forty at once, and twenty in every second that it took.
    let most = 40 + 20 * (begun.elapsed().as_secs() + 1);
    assert_eq!(certificates.len(), 25);
    assert!(admitted <= most && limited > 0, "{admitted} of {most}");
    world.alice.get_key(world.name()).await.unwrap();
}
