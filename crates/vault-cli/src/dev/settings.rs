//! The configuration files of the children, and of their clients.

use super::failed;
use super::governance::Governance;
use super::layout::{CLIENTS, Layout, write_text};
use super::plan::Plan;
use super::process::program;
use crate::config::{Config, ConstellationEntry, Profile};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use toml::Table;
use vault_client::{Error, ErrorCode, Result};
use vault_governance::Anchor;

/// What the issuer said when it was ready.
pub(super) struct Issued {
    url: String,
    token_uri: String,
    jwks_uri: String,
    audience: String,
}

impl Issued {
    /// Reads the line, and keeps the certificate that it names.
    pub(super) fn from_ready(layout: &Layout, ready: &Value) -> Result<Self> {
        write_text(&layout.file("issuer-ca.pem"), &text(ready, "ca_pem")?)?;
        Ok(Self {
            url: text(ready, "url")?,
            token_uri: text(ready, "token_uri")?,
            jwks_uri: text(ready, "jwks_uri")?,
            audience: text(ready, "audience")?,
        })
    }

    /// The vaults have sealed whom they believe: another address is another issuer.
    pub(super) fn is_the_one_of(&self, layout: &Layout, plan: &mut Plan) -> Result<()> {
        match &plan.issuer {
            Some(url) if *url == self.url => Ok(()),
            Some(url) => Err(Error::new(ErrorCode::Unavailable)
                .detail(format_args!(
                    "the issuer of this directory is {url}, and its port is in use by another \
                     program"
                ))
                .next(format!("evault dev --dir {}", layout.dir().display()))),
            None => {
                plan.issuer = Some(self.url.clone());
                plan.write(layout)
            }
        }
    }
}

/// What all vaults are told.
pub(super) struct Common<'a> {
    pub(super) layout: &'a Layout,
    pub(super) governance: &'a Governance,
    pub(super) issued: &'a Issued,
    /// `http://host:port`
    pub(super) registry: &'a str,
    /// `http://localhost:port`
    pub(super) relay: &'a str,
    /// Whether the issuer may grant the managers' role.
    pub(super) managers: bool,
}

impl Common<'_> {
    /// Writes `vaults/N/vault.toml`.
    pub(super) fn write_vault(&self, number: u8) -> Result<()> {
        self.layout.make_vault(number)?;
        let dir = self.layout.vault(number);
        let data = dir.join("data").display().to_string();
        let config = Table::from_iter([
            ("listen".to_owned(), "127.0.0.1:0".into()),
            ("data_dir".to_owned(), data.into()),
            ("attestation".to_owned(), self.attestation().into()),
            (
                "issuers".to_owned(),
                toml::Value::Array(vec![self.issuer().into()]),
            ),
            ("constellation".to_owned(), self.constellation().into()),
            (
                "registry".to_owned(),
                Table::from_iter([("announce".to_owned(), list([self.registry]))]).into(),
            ),
        ]);
        let config = toml::to_string(&config).map_err(failed)?;
        write_text(&dir.join("vault.toml"), &config)
    }

    fn attestation(&self) -> Table {
        let root = self.layout.file("root.der").display().to_string();
        Table::from_iter([("root".to_owned(), root.into())])
    }

    fn issuer(&self) -> Table {
        let ca = self.layout.file("issuer-ca.pem").display().to_string();
        Table::from_iter([
            ("url".to_owned(), self.issued.url.clone().into()),
            ("audience".to_owned(), self.issued.audience.clone().into()),
            ("jwks_uri".to_owned(), self.issued.jwks_uri.clone().into()),
            ("roots".to_owned(), ca.into()),
            ("grants".to_owned(), list(self.granted())),
        ])
    }

    fn granted(&self) -> Vec<&'static str> {
        let mut roles = vec!["vault:owner", "vault:auditor"];
        if self.managers {
            roles.push("vault:manager");
        }
        roles
    }

    fn constellation(&self) -> Table {
        let anchor = &self.governance.anchor;
        let keys = anchor.governance.keys().iter().map(ToString::to_string);
        let threshold = i64::from(anchor.governance.threshold());
        Table::from_iter([
            ("id".to_owned(), anchor.constellation.to_string().into()),
            ("governance".to_owned(), list(keys)),
            ("threshold".to_owned(), threshold.into()),
        ])
    }

    /// Writes `config.toml` and `env`.
    pub(super) fn write_client(&self) -> Result<()> {
        let profiles: BTreeMap<_, _> = CLIENTS
            .iter()
            .map(|(name, _)| ((*name).to_owned(), self.profile(name)))
            .collect();
        let config = Config {
            trust: Some(self.layout.file("root.der").display().to_string()),
            state_dir: Some(self.layout.file("state")),
            profile: Some("owner".to_owned()),
            manifest: Some(self.layout.manifest()),
            registries: vec![self.registry.to_owned()],
            constellation: Some(entry_of(&self.governance.anchor)),
            profiles,
            ..Config::default()
        };
        let config = toml::to_string(&config).map_err(failed)?;
        let config = format!("# SIMULATED. Written by `evault dev`.\n{config}");
        write_text(&self.layout.config(), &config)?;
        write_env(self.layout, self.relay)
    }

    fn profile(&self, client: &str) -> Profile {
        Profile {
            token_endpoint: Some(self.issued.token_uri.clone()),
            client_id: Some(client.to_owned()),
            client_secret_file: Some(self.layout.secret(client)),
            issuer_ca: Some(self.layout.file("issuer-ca.pem")),
            audience: Some(self.issued.audience.clone()),
            ..Profile::default()
        }
    }
}

/// Writes `vaults/N/vault.toml` like that of vault 1, but with its own disk and no registry.
pub(super) fn write_outsider(layout: &Layout, number: u8) -> Result<()> {
    let of_first = crate::files::read(&layout.vault(1).join("vault.toml"))?;
    let of_first = String::from_utf8(of_first).map_err(failed)?;
    let mut config: Table = toml::from_str(&of_first).map_err(failed)?;
    layout.make_vault(number)?;
    let dir = layout.vault(number);
    config.insert(
        "data_dir".into(),
        dir.join("data").display().to_string().into(),
    );
    config.remove("registry");
    let config = toml::to_string(&config).map_err(failed)?;
    write_text(&dir.join("vault.toml"), &config)
}

/// Writes `registry.toml`.
pub(super) fn write_registry(layout: &Layout) -> Result<()> {
    let root = layout.file("root.der").display().to_string();
    let config = Table::from_iter([
        ("listen".to_owned(), "127.0.0.1:0".into()),
        (
            "attestation".to_owned(),
            Table::from_iter([("root".to_owned(), root.into())]).into(),
        ),
    ]);
    let config = toml::to_string(&config).map_err(failed)?;
    write_text(&layout.file("registry.toml"), &config)
}

/// Writes `relay.toml`.
pub(super) fn write_relay(layout: &Layout, listen: SocketAddr) -> Result<()> {
    let config = Table::from_iter([
        ("listen".to_owned(), listen.to_string().into()),
        ("simulated".to_owned(), true.into()),
    ]);
    let config = toml::to_string(&config).map_err(failed)?;
    write_text(&layout.file("relay.toml"), &config)
}

fn list<T: Into<toml::Value>>(values: impl IntoIterator<Item = T>) -> toml::Value {
    toml::Value::Array(values.into_iter().map(Into::into).collect())
}

/// A text that a child said when it was ready.
pub(super) fn text(ready: &Value, name: &str) -> Result<String> {
    let value = ready.get(name).and_then(Value::as_str);
    value
        .map(str::to_owned)
        .ok_or_else(|| failed(format_args!("the child named no {name}")))
}

/// What a shell loads: the configuration, and this program by its name.
fn write_env(layout: &Layout, relay: &str) -> Result<()> {
    let config = quoted(&layout.config().display().to_string());
    let program = program()?;
    let bin = program
        .parent()
        .map(|dir| dir.display().to_string())
        .unwrap_or_default();
    let bin = quoted(&bin);
    let relay = quoted(relay);
    let text = format!(
        "# SIMULATED: development vaults, which protect nothing.\n\
         EVAULT_CONFIG={config}\nexport EVAULT_CONFIG\n\
         EVAULT_RELAY={relay}\nexport EVAULT_RELAY\n\
         case \":$PATH:\" in *:{bin}:*) ;; *) PATH={bin}:\"$PATH\"; export PATH ;; esac\n"
    );
    write_text(&layout.file("env"), &text)
}

/// One word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The entry that stands for this anchor.
fn entry_of(anchor: &Anchor) -> ConstellationEntry {
    let keys = anchor.governance.keys().iter();
    ConstellationEntry {
        id: anchor.constellation.to_string(),
        governance: keys.map(ToString::to_string).collect(),
        threshold: anchor.governance.threshold(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_one_word_of_the_shell() {
        for word in ["plain", "two words", "it's", "$HOME `id`"] {
            let script = format!("printf %s {}", quoted(word));
            let out = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
        }
    }
}
