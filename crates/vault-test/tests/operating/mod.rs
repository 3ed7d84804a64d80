//! A vault process with keys to operate with.

use std::collections::BTreeMap;
use std::path::Path;
use vault_client::{Client, CreateKey, KeyName};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

/// An issuer whose tokens live this long; `owner` and `auditor`.
pub(crate) async fn issuer(token_seconds: u64) -> Issuer {
    let mut config = IssuerConfig::new(vec![
        issuer::Client::new("owner", "secret", &["vault:owner"]),
        issuer::Client::new("auditor", "secret", &["vault:auditor"]),
    ]);
    config.token_seconds = token_seconds;
    Issuer::start(config).await.unwrap()
}

/// A vault whose configuration is changed before it starts.
pub(crate) fn vault(
    dir: &Path,
    issuer: &Issuer,
    change: impl FnOnce(String) -> String,
) -> VaultProcess {
    let program = env!("CARGO_BIN_EXE_sim-vault");
    let mut vault = VaultProcess::prepare(&[program], dir, issuer).unwrap();
    let file = dir.join("vault.toml");
    let text = change(std::fs::read_to_string(&file).unwrap());
    std::fs::write(&file, text).unwrap();
    vault.start().unwrap();
    vault
}

/// Makes one key of each type that operates.
pub(crate) async fn keys(client: &Client, issuer: &Issuer) -> BTreeMap<KeyType, KeyName> {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let mut keys = BTreeMap::new();
    for key_type in [
        KeyType::P256Signing,
        KeyType::HmacSha256,
        KeyType::Aes256Gcm,
    ] {
        let policy = template("owner", &TemplateArgs::new(owner.clone(), key_type)).unwrap();
        let key = CreateKey {
            handle: None,
            key_type,
            name: key_type.name().to_owned(),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
        };
        let made = client.create_key(key).await.unwrap().value;
        keys.insert(key_type, KeyName::from(made.handle));
    }
    keys
}
