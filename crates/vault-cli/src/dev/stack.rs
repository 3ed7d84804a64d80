//! Issuer and vault as children, and the configuration that points to them.

use super::layout::{CLIENTS, Layout, write_text};
use super::process::{Process, program};
use super::{Progress, failed};
use crate::cli::Global;
use crate::config::{Config, Profile, VaultEntry};
use crate::context::Context;
use crate::fleet::Fleet;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use tee_sim::SimRoot;
use vault_client::{Error, ErrorCode, Result};

/// What runs.
pub(crate) struct Stack {
    pub(crate) layout: Layout,
    issuer: Process,
    vault: Option<Process>,
    issued: Issued,
}

/// What the issuer said when it was ready.
struct Issued {
    url: String,
    token_uri: String,
    jwks_uri: String,
    audience: String,
}

impl Stack {
    /// Starts everything, and writes `config.toml` and `env`.
    pub(crate) async fn start(layout: Layout, progress: &Progress) -> Result<Self> {
        progress.now("making the simulated platform");
        let root = SimRoot::open_or_create(&layout.file("sim")).map_err(failed)?;
        crate::files::write(&layout.file("root.der"), root.root_der())?;
        progress.now("starting the issuer");
        let arguments = [
            OsStr::new("__issuer"),
            "--dir".as_ref(),
            layout.dir().as_os_str(),
        ];
        let (issuer, ready) = Process::start(&arguments, &layout.log("issuer")).await?;
        let issued = Issued {
            url: text(&ready, "url")?,
            token_uri: text(&ready, "token_uri")?,
            jwks_uri: text(&ready, "jwks_uri")?,
            audience: text(&ready, "audience")?,
        };
        write_text(&layout.file("issuer-ca.pem"), &text(&ready, "ca_pem")?)?;
        let mut stack = Self {
            layout,
            issuer,
            vault: None,
            issued,
        };
        write_text(&stack.layout.file("vault.toml"), &stack.server_config()?)?;
        stack.start_vault(progress).await?;
        write_env(&stack.layout)?;
        Ok(stack)
    }

    /// Starts the vault over its folder, and points the configuration to it.
    pub(crate) async fn start_vault(&mut self, progress: &Progress) -> Result<()> {
        progress.now("starting the vault");
        let (server_config, sim) = (self.layout.file("vault.toml"), self.layout.file("sim"));
        let arguments = [
            OsStr::new("__vault"),
            "--server-config".as_ref(),
            server_config.as_os_str(),
            "--sim".as_ref(),
            sim.as_os_str(),
        ];
        let (vault, ready) = Process::start(&arguments, &self.layout.log("vault")).await?;
        if let Some(reason) = ready.get("locked").and_then(Value::as_str) {
            return Err(Error::new(ErrorCode::Locked).detail(reason));
        }
        self.vault = Some(vault);
        let mut entry = VaultEntry {
            endpoint: text(&ready, "addr")?,
            vault_id: text(&ready, "vault_id")?,
            platform_id: Some(text(&ready, "platform_id")?),
            measurement: Some(text(&ready, "measurement")?),
            trust_root: None,
        };
        progress.now("attesting the vault");
        entry.trust_root = Some(self.attested_trust_root(&entry).await?);
        write_config(&self.layout.config(), &self.client_config(entry))
    }

    /// The root of the trust configuration, from evidence: the configuration pins it.
    async fn attested_trust_root(&self, entry: &VaultEntry) -> Result<String> {
        let config = self.client_config(entry.clone());
        let context = Context::new(quiet());
        let fleet = Fleet::open(&context, &config, None).await?;
        let connected = fleet.connect(&fleet.one()?).await?;
        let root = connected.peer.claims.trust_root;
        root.map(|root| root.to_string())
            .ok_or_else(|| failed("no trust root in the evidence"))
    }

    /// `kill -9`.
    pub(crate) async fn kill_vault(&mut self) -> Result<()> {
        match self.vault.take() {
            Some(vault) => vault.kill().await,
            None => Ok(()),
        }
    }

    /// Ends everything in order.
    pub(crate) async fn stop(self) {
        if let Some(vault) = self.vault {
            vault.stop().await;
        }
        self.issuer.stop().await;
    }

    /// Ready when a child has ended by itself, with what is known of it.
    pub(crate) async fn broken(&mut self) -> String {
        let vault = async {
            match self.vault.as_mut() {
                Some(vault) => vault.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            status = vault => format!("the vault ended: {status}"),
            status = self.issuer.ended() => format!("the issuer ended: {status}"),
        }
    }

    fn server_config(&self) -> Result<String> {
        let file = |name: &str| self.layout.file(name).display().to_string();
        let Issued {
            url,
            jwks_uri,
            audience,
            ..
        } = &self.issued;
        let mut issuer = toml::Table::new();
        for (name, value) in [
            ("url", url.clone()),
            ("audience", audience.clone()),
            ("jwks_uri", jwks_uri.clone()),
            ("roots", file("issuer-ca.pem")),
        ] {
            issuer.insert(name.into(), value.into());
        }
        let grants = ["vault:owner", "vault:auditor"].map(toml::Value::from);
        issuer.insert("grants".into(), toml::Value::Array(grants.to_vec()));
        let attestation = toml::Table::from_iter([("root".to_owned(), file("root.der").into())]);
        let mut config = toml::Table::new();
        config.insert("listen".into(), "127.0.0.1:0".into());
        config.insert("data_dir".into(), file("vault").into());
        config.insert("attestation".into(), attestation.into());
        config.insert("issuers".into(), toml::Value::Array(vec![issuer.into()]));
        toml::to_string(&config).map_err(failed)
    }

    fn client_config(&self, entry: VaultEntry) -> Config {
        let profiles: BTreeMap<_, _> = CLIENTS
            .iter()
            .map(|(name, _)| ((*name).to_owned(), self.profile(name)))
            .collect();
        Config {
            trust: Some(self.layout.file("root.der").display().to_string()),
            state_dir: Some(self.layout.file("state")),
            profile: Some("owner".to_owned()),
            vaults: vec![entry],
            profiles,
            ..Config::default()
        }
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

fn text(ready: &Value, name: &str) -> Result<String> {
    let value = ready.get(name).and_then(Value::as_str);
    value
        .map(str::to_owned)
        .ok_or_else(|| failed(format_args!("the child named no {name}")))
}

fn write_config(path: &Path, config: &Config) -> Result<()> {
    let text = toml::to_string(config).map_err(failed)?;
    write_text(
        path,
        &format!("# SIMULATED. Written by `evault dev`.\n{text}"),
    )
}

/// What a shell loads: the configuration, and this program by its name.
fn write_env(layout: &Layout) -> Result<()> {
    let config = quoted(&layout.config().display().to_string());
    let program = program()?;
    let bin = program
        .parent()
        .map(|dir| dir.display().to_string())
        .unwrap_or_default();
    let bin = quoted(&bin);
    let text = format!(
        "# SIMULATED: a development vault, which protects nothing.\n\
         EVAULT_CONFIG={config}\nexport EVAULT_CONFIG\n\
         case \":$PATH:\" in *:{bin}:*) ;; *) PATH={bin}:\"$PATH\"; export PATH ;; esac\n"
    );
    write_text(&layout.file("env"), &text)
}

/// One word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn quiet() -> Global {
    Global {
        output: crate::cli::OutputFormat::Json,
        config: None,
        profile: None,
        trust: None,
        vault: Vec::new(),
        manifest: None,
        registry: Vec::new(),
        allow_partial: false,
        timeout: 30,
        quiet: true,
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
