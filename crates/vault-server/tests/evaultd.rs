//! The binary, which has no TEE backend: it says what a file comes to, and refuses the rest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use vault_server::{ServerConfig, config_roots};

const CERTIFICATE: &str = include_str!("issuer.pem");

fn config(dir: &Path) -> PathBuf {
    let file = dir.join("vault.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = {:?}\nattestation.root = \"intel\"\n\
         [[issuers]]\nurl = \"https://a.test\"\naudience = \"vaults\"\n\
         jwks_uri = \"https://a.test/jwks\"\nroots = '''{CERTIFICATE}'''\n\
         grants = [\"vault:owner\"]\n",
        dir.join("data")
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn evaultd(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evaultd"))
        .args(arguments)
        .arg(file)
        .output()
        .unwrap()
}

#[test]
fn check_config_prints_the_roots_that_a_vault_would_show() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path());
    let output = evaultd(&["check-config"], &file);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let roots = config_roots(&ServerConfig::load(&file).unwrap()).unwrap();
    assert!(
        said.contains(&format!("trust root        {}", roots.trust)),
        "{said}"
    );
    assert!(said.contains(&roots.operational.to_string()), "{said}");
}

#[test]
fn without_a_tee_nothing_is_started_and_nothing_is_identified() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path());
    let refused: Vec<_> = [["--config"], ["identity"]]
        .iter()
        .map(|arguments| {
            let output = evaultd(arguments, &file);
            assert!(!output.status.success());
            assert!(output.stdout.is_empty(), "{output:?}");
            String::from_utf8(output.stderr).unwrap()
        })
        .collect();
    assert_eq!(refused[0], refused[1]);
    assert!(refused[0].contains("no TEE backend"), "{}", refused[0]);
    assert!(!dir.path().join("data").exists(), "no vault was made");
}
