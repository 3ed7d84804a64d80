//! What a command works with: flags, configuration, and an attested client.

use crate::cli::{Global, OutputFormat};
use crate::config::{Config, Profile, VaultEntry, invalid};
use crate::files;
use ratls::TrustRoot;
use ratls::tls::CallerIdentity;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vault_client::token::{ClientCredentials, Kept, ProofKey, TokenCommand, TokenSource, TrustedRoots};
use vault_client::{Client, ClientConfig, Error, ErrorCode, HeadStore, Peer, Result, VaultPins};

/// Flags and, where they are needed, the configuration and a calling enclave.
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) caller: Option<Arc<CallerIdentity>>,
}

/// A client, and who is at the other end.
pub(crate) struct Connected {
    pub(crate) client: Client,
    pub(crate) peer: Peer,
}

impl Context {
    pub(crate) fn new(global: Global) -> Self {
        Self {
            global,
            caller: None,
        }
    }

    pub(crate) fn config(&self) -> Result<Config> {
        Config::load(self.global.config.as_deref())
    }

    /// The one vault that is meant, with its attested connection.
    pub(crate) async fn connect(&self) -> Result<Connected> {
        let config = self.config()?;
        let vault = self.one_vault(&config)?;
        self.connect_to(&config, vault).await
    }

    pub(crate) async fn connect_to(
        &self,
        config: &Config,
        vault: &VaultEntry,
    ) -> Result<Connected> {
        let tokens = self.tokens(config)?;
        self.dial(config, vault, tokens).await
    }

    /// As [`Context::connect_to`], with this source of tokens.
    pub(crate) async fn dial(
        &self,
        config: &Config,
        vault: &VaultEntry,
        tokens: Option<Arc<dyn TokenSource>>,
    ) -> Result<Connected> {
        let heads = HeadStore::new(config.state_dir()?);
        let mut wanted =
            ClientConfig::new(&vault.endpoint, pins(vault)?, self.trust(config)?, heads)
                .timeout(Duration::from_secs(self.global.timeout.clamp(1, 3600)));
        wanted.tokens = tokens;
        wanted.caller = self.caller.clone();
        let client = Client::connect(wanted).await?;
        let peer = client.peer().await?;
        if peer.evidence.claims().simulated {
            self.note("SIMULATED: this vault runs on a software TEE, which protects nothing");
        }
        Ok(Connected { client, peer })
    }

    /// A remark for people.
    pub(crate) fn note(&self, text: &str) {
        if !self.global.quiet && self.global.output == OutputFormat::Table {
            // A remark that nobody can read is not worth failing for.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    pub(crate) fn one_vault<'a>(&self, config: &'a Config) -> Result<&'a VaultEntry> {
        match self.vaults(config)?.as_slice() {
            [one] => Ok(one),
            [] => Err(invalid("the configuration names no vault")),
            _ => Err(invalid("several vaults: say which with --vault ID")),
        }
    }

    /// The vaults that the flags select; all, if they select none.
    pub(crate) fn vaults<'a>(&self, config: &'a Config) -> Result<Vec<&'a VaultEntry>> {
        if self.global.vault.is_empty() {
            return Ok(config.vaults.iter().collect());
        }
        self.global
            .vault
            .iter()
            .map(|id| find_vault(config, id))
            .collect()
    }

    pub(crate) fn trust(&self, config: &Config) -> Result<TrustRoot> {
        let named = self.global.trust.as_deref().or(config.trust.as_deref());
        match named {
            None => Err(invalid("no root of attestation: set trust or give --trust")),
            Some("intel") => Ok(TrustRoot::intel()),
            Some(path) => trust_file(Path::new(path)),
        }
    }

    /// The name of the profile in use.
    pub(crate) fn profile_name<'a>(&'a self, config: &'a Config) -> Option<&'a str> {
        self.global.profile.as_deref().or(config.profile.as_deref())
    }

    pub(crate) fn tokens(&self, config: &Config) -> Result<Option<Arc<dyn TokenSource>>> {
        let Some(name) = self.profile_name(config) else {
            return Ok(None);
        };
        let profile = config.profiles.get(name).ok_or_else(|| {
            let known: Vec<_> = config.profiles.keys().map(String::as_str).collect();
            invalid(format_args!(
                "no profile {name}; there are: {}",
                known.join(", ")
            ))
        })?;
        token_source(name, profile).map(Some)
    }
}

pub(crate) fn find_vault<'a>(config: &'a Config, id: &str) -> Result<&'a VaultEntry> {
    let found: Vec<_> = config
        .vaults
        .iter()
        .filter(|vault| vault.vault_id.starts_with(id))
        .collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(invalid(format_args!(
            "the configuration names no vault {id}"
        ))),
        _ => Err(invalid(format_args!("several vaults begin with {id}"))),
    }
}

fn pins(vault: &VaultEntry) -> Result<VaultPins> {
    fn parse<T: std::str::FromStr<Err = vault_policy::IdError>>(text: &str) -> Result<T> {
        text.parse().map_err(invalid)
    }
    let trust_root = vault.trust_root.as_deref().map(|text| {
        vault_encoding::Hash::from_hex(text).ok_or_else(|| invalid("trust_root is not 32 bytes"))
    });
    Ok(VaultPins {
        vault_id: parse(&vault.vault_id)?,
        platform_id: vault.platform_id.as_deref().map(parse).transpose()?,
        measurement: vault.measurement.as_deref().map(parse).transpose()?,
        trust_root: trust_root.transpose()?,
    })
}

/// DER, or PEM.
fn trust_file(path: &Path) -> Result<TrustRoot> {
    let bytes = files::read(path)?;
    let der = match crate::pem::decode(&bytes, "CERTIFICATE") {
        Some(der) => der,
        None => bytes,
    };
    TrustRoot::from_der(&der).map_err(|error| invalid(format_args!("{}: {error}", path.display())))
}

fn token_source(name: &str, profile: &Profile) -> Result<Arc<dyn TokenSource>> {
    if let Some(command) = &profile.token_command {
        return Ok(Arc::new(Kept::new(TokenCommand(command.clone()))));
    }
    let (Some(endpoint), Some(client_id), Some(secret_file)) = (
        &profile.token_endpoint,
        &profile.client_id,
        &profile.client_secret_file,
    ) else {
        return Err(invalid(format_args!(
            "profile {name} needs token_command, or token_endpoint, client_id and \
             client_secret_file"
        )));
    };
    let endpoint = endpoint
        .parse()
        .map_err(|error| invalid(format_args!("profile {name}: token_endpoint: {error}")))?;
    let ca = profile.issuer_ca.clone();
    Ok(Arc::new(Kept::new(ClientCredentials {
        endpoint,
        client_id: client_id.clone(),
        secret_file: secret_file.clone(),
        scope: profile.scope.clone(),
        audience: profile.audience.clone(),
        per_vault: false,
        sender: ProofKey::default(),
        roots: ca.map_or(TrustedRoots::System, TrustedRoots::File),
    })))
}

/// A mistake on the command line that the grammar cannot see.
pub(crate) fn usage(detail: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidArgument).detail(detail)
}
