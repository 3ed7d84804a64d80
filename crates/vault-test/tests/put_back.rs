//! T-ROLL: after every operation of a history the vault's folder is copied; each copy is put back
//! and started. The next call of a client that has used the vault since is told, names both
//! heads, refuses to go on and keeps evidence that anybody can check.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use vault_audit::Proven;
use vault_client::{Client, CreateKey, Error, ErrorCode, GoOnWith, HeadStore, Input, KeyName};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

/// Operations of the history. All copies but the last are older than what the client has seen.
const OPERATIONS: usize = 56;

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .args(["-r", "--sparse=always"])
        .args([from, to])
        .status();
    assert!(copied.unwrap().success());
}

fn put_back(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    copy(from, to);
}

fn new_key(issuer: &Issuer, name: String) -> CreateKey {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".to_owned(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::P256Signing)).unwrap();
    CreateKey {
        handle: None,
        key_type: KeyType::P256Signing,
        name,
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    }
}

async fn sign(client: &Client, key: KeyName) -> Result<(), Error> {
    let input = Input::Message(b"message".to_vec());
    client.sign(key, input, false).await.map(drop)
}

/// Signatures, and now and then a key that is made or deleted.
async fn operate(client: &Client, issuer: &Issuer, key: KeyName, number: usize) {
    match number % 8 {
        3 => {
            let made = client.create_key(new_key(issuer, format!("key {number}")));
            let made = made.await.unwrap().value.handle;
            if number % 16 == 3 {
                client.delete_key(made.into()).await.unwrap();
            }
        }
        _ => sign(client, key).await.unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_earlier_copy_that_is_put_back_is_told_to_the_returning_client_who_stops() {
    let dir = tempfile::tempdir().unwrap();
    let owner = issuer::Client::new("owner", "secret", &["vault:owner"]);
    let issuer = Issuer::start(IssuerConfig::new(vec![owner])).await.unwrap();
    let program = [env!("CARGO_BIN_EXE_sim-vault")];
    let mut vault = VaultProcess::prepare(&program, dir.path(), &issuer).unwrap();
    let vault_id = vault.start().unwrap().pins.vault_id;
    let client = vault.client(&issuer, "owner").await.unwrap();
    let made = client.create_key(new_key(&issuer, "key".to_owned())).await;
    let key = KeyName::from(made.unwrap().value.handle);

    let data = vault.dir().join("data");
    let copies: Vec<PathBuf> = (0..OPERATIONS)
        .map(|number| dir.path().join(format!("copy-{number}")))
        .collect();
    for (number, kept) in copies.iter().enumerate() {
        operate(&client, &issuer, key, number).await;
        copy(&data, kept);
    }
    let seen = client.seen().await.unwrap();
    drop(client);
    vault.kill().unwrap();
    let (memory, remembered) = (dir.path().join("memory"), dir.path().join("remembered"));
    copy(&memory, &remembered);

    let (newest, earlier) = copies.split_last().unwrap();
    let (mut rollbacks, mut forks) = (0, 0);
    for kept in earlier {
        put_back(&remembered, &memory);
        put_back(kept, &data);
        vault.start().unwrap();
        let client = vault.client(&issuer, "owner").await.unwrap();
        let error = sign(&client, key).await.unwrap_err();
        let heads = error.heads.clone().expect("both heads are named");
        assert_eq!(heads.seen, seen);
        let proven = match error.code {
            ErrorCode::RollbackDetected => {
                rollbacks += 1;
                assert!(heads.answered.size < seen.size);
                Proven::ShorterLater
            }
            // The entry of the start has taken the place of the one that is gone.
            ErrorCode::ForkDetected => {
                forks += 1;
                assert_eq!(heads.answered.size, seen.size);
                Proven::TwoLogs
            }
            _ => panic!("{error}"),
        };
        let told = error.to_string();
        assert!(told.contains(&seen.to_string()) && told.contains(&heads.answered.to_string()));
        let store = HeadStore::new(memory.join("owner"));
        let evidence = store.evidence(&vault_id).unwrap();
        assert_eq!(evidence.len(), 1);
        assert_eq!(evidence[0].evidence.check().unwrap().proven, proven);
        let (before, after) = (&evidence[0].evidence.seen, &evidence[0].evidence.answered);
        assert!(before.boot_id.is_some() && after.boot_id.is_some());
        assert_ne!(before.boot_id, after.boot_id);

        // Neither this client nor another process with its memory asks the vault for anything more.
        vault.kill().unwrap();
        put_back(newest, &data);
        vault.start().unwrap();
        for client in [client, vault.client(&issuer, "owner").await.unwrap()] {
            let refused = sign(&client, key).await.unwrap_err();
            assert_eq!(refused.code, error.code);
            assert_eq!(refused.heads, error.heads);
        }
        vault.kill().unwrap();
    }
    println!(
        "T-ROLL: {} copies put back: {rollbacks} rollbacks, {forks} forks",
        earlier.len()
    );
    assert_eq!(rollbacks + forks, OPERATIONS - 1);
    assert!(rollbacks >= 50);

    // The newest copy is no earlier one, and a person may say that the vault is used again.
    vault.start().unwrap();
    let store = HeadStore::new(memory.join("owner"));
    let evidence = store.evidence(&vault_id).unwrap();
    store.acknowledge(&evidence[0], GoOnWith::Seen).unwrap();
    let client = vault.client(&issuer, "owner").await.unwrap();
    sign(&client, key).await.unwrap();
}
