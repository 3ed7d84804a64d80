//! What a command works with: flags, configuration, and an attested client.

use crate::aside::Aside;
use crate::cli::{Global, OutputFormat};
use crate::config::{Config, Profile, invalid};
use crate::files;
use crate::fleet::Fleet;
use crate::output::Output;
use ratls::TrustRoot;
use ratls::tls::CallerIdentity;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vault_client::constellation::Refused;
use vault_client::token::{
    ClientCredentials, Kept, ProofKey, TokenCommand, TokenSource, TrustedRoots,
};
use vault_client::{Client, Constellation, Error, ErrorCode, Peer, Result};
use vault_policy::VaultId;

/// Flags and, where they are needed, the configuration and a calling enclave.
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) caller: Option<Arc<CallerIdentity>>,
    said_simulated: AtomicBool,
    aside: Aside,
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
            said_simulated: AtomicBool::new(false),
            aside: Aside::default(),
        }
    }

    pub(crate) fn config(&self) -> Result<Config> {
        Config::load(self.global.config.as_deref())
    }

    /// The vaults of the configuration, called with the profile's tokens.
    pub(crate) async fn fleet(&self, config: &Config) -> Result<Fleet<'_>> {
        Fleet::open(self, config, self.tokens(config)?).await
    }

    /// The one vault that is meant, with its attested connection.
    pub(crate) async fn connect(&self) -> Result<Connected> {
        let fleet = self.fleet(&self.config()?).await?;
        fleet.connect(&fleet.one()?).await
    }

    /// The first vault that can be reached, of those that are meant.
    pub(crate) async fn connect_any(&self) -> Result<Connected> {
        self.fleet(&self.config()?).await?.first().await
    }

    /// The file that says which vaults there are, if there is one.
    pub(crate) fn manifest<'a>(&'a self, config: &'a Config) -> Option<&'a Path> {
        self.global
            .manifest
            .as_deref()
            .or(config.manifest.as_deref())
    }

    /// The registries of the flags, or else those of the configuration.
    pub(crate) fn registries<'a>(&'a self, config: &'a Config) -> &'a [String] {
        match self.global.registry.as_slice() {
            [] => &config.registries,
            named => named,
        }
    }

    /// Longest time of one call.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.global.timeout.clamp(1, 3600))
    }

    /// Said once, however many vaults there are.
    pub(crate) fn note_simulated(&self) {
        if !self.said_simulated.swap(true, Ordering::Relaxed) {
            self.note("SIMULATED: these vaults run on a software TEE, which protects nothing");
        }
    }

    /// Whether anybody reads remarks.
    pub(crate) fn shows_notes(&self) -> bool {
        !self.global.quiet && self.global.output == OutputFormat::Table
    }

    /// Places that somebody named for these vaults and that were not them, although another was.
    pub(crate) fn note_refused(&self, constellation: &Constellation, vaults: &[VaultId]) {
        for Refused { hint, error } in constellation.refused() {
            let evidence = error.code == ErrorCode::AttestationRefused;
            if evidence && vaults.contains(&hint.vault_id) {
                self.note(&error.message());
            }
        }
    }

    /// What its exchanges of heads find is told when the command ends.
    pub(crate) fn watch(&self, constellation: &Constellation) {
        self.aside.watch(constellation);
    }

    /// What was found beside the command, with its outcome.
    pub(crate) fn with_what_was_found(&self, outcome: Result<Output>) -> Result<Output> {
        self.aside.told_with(outcome)
    }

    /// That a vault failed, although the command goes on.
    pub(crate) fn note_failure(&self, vault: &VaultId, error: &Error) {
        if error.code.is_contradiction() {
            return self.aside.found(error);
        }
        self.note(&format!("vault {vault}: {}", error.message()));
    }

    /// A remark for people.
    pub(crate) fn note(&self, text: &str) {
        if self.shows_notes() {
            // A remark that nobody can read is not worth failing for.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
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

    /// The profile in use, by its name.
    pub(crate) fn profile<'a>(
        &'a self,
        config: &'a Config,
    ) -> Result<Option<(&'a str, &'a Profile)>> {
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
        Ok(Some((name, profile)))
    }

    /// `None` where there is no profile, or one with a certificate and no way to tokens.
    pub(crate) fn tokens(&self, config: &Config) -> Result<Option<Arc<dyn TokenSource>>> {
        match self.profile(config)? {
            Some((_, profile)) if profile.is_certificate_alone() => Ok(None),
            Some((name, profile)) => token_source(name, profile).map(Some),
            None => Ok(None),
        }
    }
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
             client_secret_file, or certificate and certificate_key"
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
        per_vault: profile.per_vault,
        sender: ProofKey::default(),
        roots: ca.map_or(TrustedRoots::System, TrustedRoots::File),
    })))
}

/// A mistake on the command line that the grammar cannot see.
pub(crate) fn usage(detail: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidArgument).detail(detail)
}
