//! A vault process whose old entries are in the archive: an auditor reads them all the same; without the
//! archive he is told which entries the host lost, and everybody else is served.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};
use vault_client::{Client, CreateKey, ErrorCode, Input, KeyName};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const BUNDLE: u64 = 256;

async fn issuer() -> Issuer {
    let clients = vec![
        issuer::Client::new("owner", "secret", &["vault:owner"]),
        issuer::Client::new("auditor", "secret", &["vault:auditor"]),
    ];
    Issuer::start(IssuerConfig::new(clients)).await.unwrap()
}

async fn new_key(client: &Client, issuer: &Issuer) -> KeyName {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::Ed25519Signing)).unwrap();
    let created = client
        .create_key(CreateKey {
            handle: None,
            key_type: KeyType::Ed25519Signing,
            name: "archived".into(),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
        })
        .await
        .unwrap();
    KeyName::from(created.value.handle)
}

async fn sign(client: &Client, key: KeyName) {
    let input = Input::Message(b"again".to_vec());
    client.sign(key, input, false).await.unwrap();
}

fn volumes(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("data")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "arc"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_entries_are_read_from_the_archive_and_their_loss_is_the_hosts_and_theirs_alone() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let program = env!("CARGO_BIN_EXE_sim-vault");
    let (sim, often) = (
        dir.path().join("sim"),
        "\n[limits]\nsnapshot_records = 16\n",
    );
    let mut vault =
        VaultProcess::prepare_with(&[program], dir.path(), &issuer, &sim, often).unwrap();
    vault.start().unwrap();
    let client = vault.client(&issuer, "owner").await.unwrap();
    let key = new_key(&client, &issuer).await;
    for _ in 0..600 {
        sign(&client, key).await;
    }
    drop(client);
    // An end leaves a snapshot of everything, and whole bundles in the archive.
    vault.stop().unwrap();
    assert!(!volumes(dir.path()).is_empty());
    assert!(dir.path().join("data/snapshot.previous").exists());
    vault.start().unwrap();
    let auditor = vault.client(&issuer, "auditor").await.unwrap();
    let log = auditor.whole_log().await.unwrap();
    assert!(log.leaves.len() as u64 > 2 * BUNDLE);
    let part = auditor.read_log(BUNDLE + 7, 2 * BUNDLE + 9).await.unwrap();
    let expected = &log.leaves[BUNDLE as usize + 7..2 * BUNDLE as usize + 9];
    assert_eq!(part.leaves, expected);

    for volume in volumes(dir.path()) {
        let mut bytes = std::fs::read(&volume).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&volume, bytes).unwrap();
    }
    let newest = log.leaves.len() as u64 - 1;
    let refused = auditor.whole_log().await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unavailable, "{refused}");
    assert!(
        refused.to_string().contains("host lost or changed entries"),
        "{refused}"
    );
    assert_eq!(
        auditor
            .read_log(newest, newest + 1)
            .await
            .unwrap()
            .leaves
            .len(),
        1
    );
    sign(&vault.client(&issuer, "owner").await.unwrap(), key).await;
    // It starts without its archive as well.
    vault.kill().unwrap();
    for volume in volumes(dir.path()) {
        std::fs::remove_file(volume).unwrap();
    }
    vault.start().unwrap();
    sign(&vault.client(&issuer, "owner").await.unwrap(), key).await;
    let auditor = vault.client(&issuer, "auditor").await.unwrap();
    assert!(auditor.read_log(0, 1).await.is_err());
    let newest = auditor.read_log(newest, newest + 1).await.unwrap();
    assert_eq!(newest.leaves, log.leaves[log.leaves.len() - 1..]);
    vault.kill().unwrap();
}
