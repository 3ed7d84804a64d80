//! T-CONFIG: every entry of the configuration that carries trust, changed by the host alone, locks
//! the vault; clients with the manifest refuse it by name; governance opens it, and nobody else.
//! The entries are those that the vault serves: a new one must find its change here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "shared by suites")]
mod governed;
#[allow(dead_code, reason = "shared by suites")]
mod server_wire;

use governed::{Governed, at};
use server_wire::Wire;
use std::collections::BTreeSet;
use toml::{Table, Value};
use vault_client::{ErrorCode, KeyName, ServedConfig};
use vault_encoding::Hash;
use vault_proto::v1;

const SERVICES: [(&str, &str); 6] = [
    (
        "KeyService",
        include_str!("../../../proto/enclavevaults/v1/key.proto"),
    ),
    (
        "CryptoService",
        include_str!("../../../proto/enclavevaults/v1/crypto.proto"),
    ),
    (
        "PolicyService",
        include_str!("../../../proto/enclavevaults/v1/policy.proto"),
    ),
    (
        "ApprovalService",
        include_str!("../../../proto/enclavevaults/v1/approval.proto"),
    ),
    (
        "ProfileService",
        include_str!("../../../proto/enclavevaults/v1/profile.proto"),
    ),
    (
        "AuditService",
        include_str!("../../../proto/enclavevaults/v1/audit.proto"),
    ),
];

/// Every method of the services about keys that is not a stream.
fn methods() -> Vec<String> {
    let rpc = |service: &str, line: &str| {
        let rest = line.trim().strip_prefix("rpc ")?;
        let name = rest.split('(').next()?;
        (!rest.contains("stream")).then(|| format!("/enclavevaults.v1.{service}/{name}"))
    };
    SERVICES
        .iter()
        .flat_map(|(service, proto)| proto.lines().filter_map(move |line| rpc(service, line)))
        .collect()
}

/// Another value that a vault would run with; what a general rule does not find is named here.
fn change(governed: &Governed, config: &mut Table, path: &str) {
    let other = |name: &str| Value::from(governed.dir().join(name).display().to_string());
    let list = |value: &str| Value::from(vec![value.to_owned()]);
    let url = format!("{}/other", governed.issuer.url());
    let value = at(config, path);
    *value = match path {
        "attestation.root" => other("other.der"),
        "attestation.statuses" => list("SWHardeningNeeded"),
        "constellation.id" => Value::from("22".repeat(32)),
        "constellation.governance" => {
            let keys = [1, 2, 4].map(|number| governed::governor(number).public().to_string());
            Value::from(keys.to_vec())
        }
        "issuers[0].roots" => other("other.pem"),
        "issuers[0].typ" => list("JWT"),
        "issuers[0].url" => Value::from(url),
        "listen" => Value::from("127.0.0.2:0"),
        "log.level" => Value::from("error"),
        "registry.announce" => list("http://127.0.0.1:9"),
        "registry.endpoint" => Value::from("vault.test:2"),
        _ => match value {
            Value::String(text) => Value::from(format!("{text}x")),
            Value::Integer(number) => Value::from(*number - 1),
            Value::Array(items) => {
                let mut items = items.clone();
                items.push(Value::from("x"));
                Value::from(items)
            }
            other => panic!("no other value for {path}, which is {other}"),
        },
    };
}

/// Files that changed entries name.
async fn other_files(governed: &Governed) {
    let elsewhere = tempfile::tempdir().unwrap();
    let root = tee_sim::SimRoot::open_or_create(elsewhere.path()).unwrap();
    std::fs::write(governed.dir().join("other.der"), root.root_der()).unwrap();
    let another = vault_test::issuer::Issuer::start(vault_test::issuer::IssuerConfig::new(vec![]));
    let pem = another.await.unwrap().ca_pem().to_owned();
    std::fs::write(governed.dir().join("other.pem"), pem).unwrap();
}

fn paths(entries: &[(String, String)]) -> Vec<String> {
    entries.iter().map(|(path, _)| path.clone()).collect()
}

/// The paths at which two configurations differ.
fn differences(a: &[(String, String)], b: &[(String, String)]) -> Vec<String> {
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (a.iter().collect(), b.iter().collect());
    let changed: BTreeSet<_> = a
        .symmetric_difference(&b)
        .map(|(path, _)| path.clone())
        .collect();
    changed.into_iter().collect()
}

/// The vault answers who it is, and refuses everything else.
async fn refuses_every_use(governed: &Governed, key: KeyName) {
    let wire = Wire::connect(governed.dir(), &governed.ready().addr).await;
    let token = format!("Bearer {}", governed.issuer.token("owner").unwrap());
    let methods = methods();
    assert!(methods.len() > 10, "{methods:?}");
    for method in methods {
        for authorization in [Some(token.as_str()), None] {
            let refused = wire.call(&method, authorization, Vec::new()).await;
            let refused = refused.expect_err(&method);
            assert_eq!(refused.code, v1::ErrorCode::ERROR_CODE_LOCKED, "{method}");
        }
    }
    let refused = governed.sign(key).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Locked);
}

/// Locked by this one change, says so, shows it, and is refused by whoever holds the manifest.
async fn locked(governed: &Governed, path: &str, base: &ServedConfig, sealed: Hash, key: KeyName) {
    let (reason, shown) = governed.state().await;
    let reason = reason.unwrap_or_else(|| panic!("{path}: not locked"));
    assert!(reason.contains("trust configuration"), "{path}: {reason}");
    assert_ne!(shown, sealed, "{path}");
    // Fetched over a connection whose evidence commits to both roots.
    let served = governed.served().await;
    assert_eq!(differences(&served.trust, &base.trust), [path]);
    assert_eq!(served.operational, base.operational, "{path}");
    refuses_every_use(governed, key).await;
    let name = format!("manifest of {path}");
    let constellation = governed.by_manifest(sealed, &name).await;
    let refused = constellation.client(&governed.vault_id()).await;
    let refused = refused
        .err()
        .unwrap_or_else(|| panic!("{path}: a client believes it"));
    assert_eq!(refused.code, ErrorCode::AttestationRefused, "{path}");
    assert_eq!(refused.vault_id, Some(governed.vault_id()), "{path}");
    assert!(
        refused.message().contains("trust configuration"),
        "{path}: {}",
        refused.message()
    );
}

async fn open(governed: &Governed, path: &str, trust_root: Hash) {
    let (locked, shown) = governed.state().await;
    assert_eq!((locked, shown), (None, trust_root), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trust_entry_changed_by_the_host_alone_locks_the_vault_until_governance_opens_it() {
    let mut governed = Governed::start(&[env!("CARGO_BIN_EXE_sim-vault")]).await;
    other_files(&governed).await;
    let key = governed.new_key().await;
    let (_, sealed) = governed.state().await;
    let base = governed.served().await;
    let file = governed.base.clone();
    assert!(base.trust.len() > 15);
    for path in paths(&base.trust) {
        let mut changed = file.clone();
        change(&governed, &mut changed, &path);
        if path == "time.mode" {
            // There is no other value yet that a vault would run with.
            governed.vault.kill().unwrap();
            governed.write(&changed);
            assert!(governed.vault.start().is_err());
            continue;
        }
        governed.restart(&changed);
        locked(&governed, &path, &base, sealed, key).await;
        if path == "constellation.id" {
            let refused = governed.reconfigure().await.unwrap_err();
            assert_eq!(refused.code, ErrorCode::GovernanceRefused);
            continue;
        }
        let (_, present) = governed.state().await;
        assert_eq!(
            governed.reconfigure().await.unwrap().trust_root,
            present,
            "{path}"
        );
        open(&governed, &path, present).await;
        let constellation = governed.by_manifest(present, &format!("new {path}")).await;
        constellation.client(&governed.vault_id()).await.unwrap();
        // Governance can lead back: the sealed configuration is now the changed one.
        governed.restart(&file);
        let (reason, shown) = governed.state().await;
        assert!(reason.is_some(), "{path}");
        assert_eq!(shown, sealed, "{path}");
        governed.reconfigure().await.unwrap();
        open(&governed, &path, sealed).await;
        governed.sign(key).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operational_entries_may_change_with_any_start() {
    let mut governed = Governed::start(&[env!("CARGO_BIN_EXE_sim-vault")]).await;
    let key = governed.new_key().await;
    let (_, sealed) = governed.state().await;
    let base = governed.served().await;
    let mut config = governed.base.clone();
    assert!(base.operational.len() > 10);
    for path in paths(&base.operational) {
        let before = governed.served().await.operational;
        change(&governed, &mut config, &path);
        governed.restart(&config);
        open(&governed, &path, sealed).await;
        let served = governed.served().await;
        assert_eq!(differences(&served.operational, &before), [path.as_str()]);
        assert_eq!(served.trust, base.trust, "{path}");
        governed.sign(key).await.unwrap();
    }
}
