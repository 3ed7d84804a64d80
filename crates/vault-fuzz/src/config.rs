//! Configuration files of the vault, the registry and the client, and a configuration as a vault serves it: what is
//! taken keeps the bounds, and one tree has one root.

use ratls::config_tree::{ConfigTree, Part};
use vault_encoding::{Canonical, Json, Limits};
use vault_registry::RegistryConfig;
use vault_server::ServerConfig;

#[path = "../../vault-cli/src/config.rs"]
#[allow(
    dead_code,
    unexpected_cfgs,
    unfulfilled_lint_expectations,
    unreachable_pub,
    reason = "the client's, of which only the reader is used"
)]
mod client;

const LIMITS: Limits = Limits {
    bytes: 1 << 16,
    depth: 8,
    nodes: 4096,
};

/// One input: whose configuration, then the text.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(body) else {
        return;
    };
    match mode % 4 {
        0 => server(text),
        1 => registry(text),
        2 => of_client(text),
        _ => tree(body),
    }
}

fn server(text: &str) {
    let Ok(config) = ServerConfig::from_toml(text) else {
        return;
    };
    let limits = &config.limits;
    assert!((1..=65_536).contains(&limits.connections));
    assert!((1..=4096).contains(&limits.memory_mib));
    assert!(config.time.skew <= 3600);
    assert!(config.registry.announce.len() <= 8);
    config.check().expect("checked before");
    if let Some(constellation) = &config.constellation {
        assert!(usize::from(constellation.threshold) <= constellation.governance.len());
        assert!(constellation.threshold > 0);
    }
    for issuer in &config.issuers {
        assert!(issuer.max_key_age > 0 || !issuer.url.is_empty());
    }
}

fn registry(text: &str) {
    if let Ok(config) = RegistryConfig::from_toml(text) {
        assert!((3..=86_400).contains(&config.ttl_seconds));
        assert!((1..=1000).contains(&config.limits.page));
        assert!((1..=4096).contains(&config.limits.dials));
    }
}

/// Written again, it is the same.
fn of_client(text: &str) {
    let Ok(config) = toml::from_str::<client::Config>(text) else {
        return;
    };
    let written = toml::to_string(&config).expect("a configuration");
    let again: client::Config = toml::from_str(&written).expect("what was written");
    assert_eq!(toml::to_string(&again).expect("a configuration"), written);
    if let Some(Ok(anchor)) = config.constellation.as_ref().map(client::ConstellationEntry::anchor) {
        assert!(usize::from(anchor.governance.threshold()) <= anchor.governance.keys().len());
        assert!(anchor.governance.threshold() > 0);
    }
}

/// An object of paths and values.
fn tree(body: &[u8]) {
    let Ok(Json::Map(members)) = Json::parse(body, LIMITS) else {
        return;
    };
    let entries: Option<Vec<(String, Canonical)>> = members
        .into_iter()
        .map(|(path, value)| Some((path, Canonical::from_json(value).ok()?)))
        .collect();
    let Some(entries) = entries else { return };
    let backwards: Vec<_> = entries.iter().rev().cloned().collect();
    let Ok(tree) = ConfigTree::new(Part::Trust, entries) else {
        return;
    };
    let again = ConfigTree::new(Part::Trust, backwards).expect("the same entries");
    assert_eq!(again.root(), tree.root());
    let read = tree.entries().map(|(path, value)| (path.to_owned(), value.clone()));
    let operational = ConfigTree::new(Part::Operational, read).expect("the same entries");
    assert!(tree.entries().next().is_none() || operational.root() != tree.root());
}
