//! Trust domains that call a vault over real sockets: the one that a policy names is let in, and nothing like it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::tls::{CallerIdentity, QuoteUnavailable};
use ratls::{Claims, Evidence, Leaf, LeafKey, Role, Validity};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tee_sim::{SimBuilder, SimMachine, SimPlatform, SimRoot, SimTd, TdQuote};
use vault_client::token::{AccessToken, FixedToken};
use vault_client::{Client, CreateKey, ErrorCode, KeyName, Result};
use vault_encoding::{Json, Limits, text};
use vault_policy::{AttestationProfile, KeyPolicy, KeyType, PolicyVersion, UnixSeconds};
use vault_tee::Platform;
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const MRTD: [u8; 48] = [0x44; 48];
const RTMRS: [[u8; 48]; 4] = [[1; 48], [2; 48], [3; 48], [4; 48]];

const LIMITS: Limits = Limits {
    bytes: 1 << 16,
    depth: 16,
    nodes: 1 << 12,
};

/// A vault, its owner's issuer, and the machine of the callers.
struct World {
    issuer: Issuer,
    machine: SimMachine,
    vault: VaultProcess,
    _dir: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let alice = issuer::Client::new("alice", "s", &["vault:owner", "vault:auditor"]);
        let issuer = Issuer::start(IssuerConfig::new(vec![alice])).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let program = [env!("CARGO_BIN_EXE_sim-vault")];
        let mut vault = VaultProcess::prepare(&program, dir.path(), &issuer).unwrap();
        vault.start().unwrap();
        let root = SimRoot::open_or_create(&dir.path().join("sim")).unwrap();
        Self {
            machine: root.machine("caller").unwrap(),
            issuer,
            vault,
            _dir: dir,
        }
    }

    async fn owner(&self) -> Client {
        self.vault.client(&self.issuer, "alice").await.unwrap()
    }

    /// A connection of what this builder makes, with the owner's token or none.
    async fn caller(&self, builder: SimBuilder, with_token: bool) -> Result<Client> {
        let at = self.vault.ready().unwrap();
        let mut config = self.vault.client_config(at, "caller").unwrap();
        if with_token {
            let token = AccessToken::new(self.issuer.token("alice").unwrap(), None);
            config = config.tokens(Arc::new(FixedToken(token)));
        }
        Client::connect(config.caller(Arc::new(identity(builder)))).await
    }

    fn domain(&self, td: SimTd) -> SimBuilder {
        SimPlatform::builder(&self.machine, [0; 32]).td(td)
    }

    fn enclave(&self, measurement: [u8; 32]) -> SimBuilder {
        SimPlatform::builder(&self.machine, measurement)
    }

    async fn key(&self, owner: &Client, rule: &Value) -> KeyName {
        let document = json!({
            "format": KeyPolicy::FORMAT,
            "principals": {
                "owner": { "issuer": self.issuer.url(), "subject": "alice" },
                "tees": [profile(&RTMRS)],
            },
            "operations": [rule],
        });
        let policy = KeyPolicy::from_json(&parsed(&document)).unwrap();
        let key = CreateKey {
            handle: None,
            key_type: KeyType::HmacSha256,
            name: rule["name"].as_str().unwrap().into(),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
        };
        let created = owner.create_key(key).await.unwrap().value;
        // Whoever is not the owner names the lineage, too.
        KeyName {
            handle: created.handle,
            lineage: Some(created.lineage),
        }
    }
}

fn parsed(document: &Value) -> Json {
    Json::parse(document.to_string().as_bytes(), LIMITS).unwrap()
}

/// The domain with these first three runtime measurements.
fn profile(rtmrs: &[[u8; 48]; 4]) -> Value {
    let pinned = rtmrs.iter().take(3).enumerate();
    let pinned: Vec<Value> = pinned
        .map(|(index, value)| json!({ "index": index, "value": text::hex(value) }))
        .collect();
    json!({ "name": "vm", "mrtd": text::hex(&MRTD), "rtmrs": pinned })
}

fn identity(builder: SimBuilder) -> CallerIdentity {
    let platform = builder.build().unwrap();
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

fn td() -> SimTd {
    SimTd::new(MRTD, RTMRS)
}

fn with_rtmr(index: usize) -> SimTd {
    let mut rtmrs = RTMRS;
    rtmrs[index][47] ^= 1;
    SimTd::new(MRTD, rtmrs)
}

fn other_mrtd() -> SimTd {
    let mut mrtd = MRTD;
    mrtd[0] ^= 1;
    SimTd::new(mrtd, RTMRS)
}

async fn mac(client: &Client, key: KeyName) -> Result<()> {
    client.mac(key, b"message".to_vec()).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_domain_that_a_policy_names_is_let_in_and_nothing_like_it() {
    let mut world = World::start().await;
    let owner = world.owner().await;
    let rule = json!({ "name": "by-vm", "operations": ["mac"], "principals": ["vm"] });
    let key = world.key(&owner, &rule).await;
    for td in [
        td(),
        td().form(TdQuote::V5Td15),
        // The policy does not name RTMR3.
        with_rtmr(3),
    ] {
        let client = world.caller(world.domain(td), false).await.unwrap();
        mac(&client, key).await.unwrap();
    }
    let strangers = [
        world.domain(with_rtmr(0)),
        world.domain(with_rtmr(1)),
        world.domain(with_rtmr(2)),
        world.domain(other_mrtd()),
        world.domain(td().mr_config_id([1; 48])),
        // The same bytes, as far as MRENCLAVE has them.
        world.enclave([0x44; 32]),
    ];
    for builder in strangers {
        let client = world.caller(builder, false).await.unwrap();
        let refused = mac(&client, key).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::NotFound);
    }
    // One under debug does not even connect.
    assert!(
        world
            .caller(world.domain(td().debug()), false)
            .await
            .is_err()
    );
    let log = owner.whole_log().await.unwrap();
    let leaves = log.leaves.iter().map(|leaf| String::from_utf8_lossy(leaf));
    let named = format!(r#"{{"kind":"td","mrtd":"{}","#, text::hex(&MRTD));
    assert_eq!(leaves.filter(|leaf| leaf.contains(&named)).count(), 3);
    world.vault.kill().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_profile_to_the_owner_and_promotion_lets_the_next_build_in() {
    let mut world = World::start().await;
    let owner = world.owner().await;
    let condition = json!({ "attestation_matches": { "profile": "vm" } });
    let rule = json!({ "name": "in-vm", "operations": ["mac"], "principals": ["owner"], "condition": condition });
    let key = world.key(&owner, &rule).await;
    let next = || world.caller(world.domain(with_rtmr(1)), true);
    let old = world.caller(world.domain(td()), true).await.unwrap();
    mac(&old, key).await.unwrap();
    let client = next().await.unwrap();
    let refused = mac(&client, key).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::PolicyDenied);
    assert_eq!(refused.rule.as_deref(), Some("in-vm"));
    let condition = refused.condition.as_deref().unwrap();
    assert!(condition.contains("attestation_matches"), "{condition}");

    let mut rtmrs = RTMRS;
    rtmrs[1][47] ^= 1;
    let proposed = AttestationProfile::from_json(&parsed(&profile(&rtmrs))).unwrap();
    let staged = owner.stage_profile(key, proposed.canonical_bytes()).await;
    let digest = staged.unwrap().value;
    assert_eq!(digest, proposed.digest());
    let refused = mac(&client, key).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::PolicyDenied);
    let promoted = owner.promote_profile(key, digest, PolicyVersion(1)).await;
    promoted.unwrap();
    let client = next().await.unwrap();
    mac(&client, key).await.unwrap();
    let old = world.caller(world.domain(td()), true).await.unwrap();
    mac(&old, key).await.unwrap();
    let other = world
        .caller(world.domain(with_rtmr(0)), true)
        .await
        .unwrap();
    let refused = mac(&other, key).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::PolicyDenied);
    world.vault.kill().unwrap();
}
