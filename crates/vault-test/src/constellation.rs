//! A constellation of real processes under the SIMULATED platform: vaults, each on a machine of
//! its own, one issuer, a registry, governance and its manifest.

use crate::issuer::{Client as IssuerClient, Issuer, IssuerConfig};
use crate::process::VaultProcess;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vault_client::Client;
use vault_policy::VaultId;

/// What a constellation is made with.
#[derive(Clone)]
pub struct Options {
    /// How many vaults.
    pub vaults: usize,
    /// `sim-vault`, perhaps behind a program that starts it. Empty: the one that was built with
    /// the running test.
    pub program: Vec<String>,
    /// Who may ask the issuer for tokens.
    pub clients: Vec<IssuerClient>,
    /// What vault `i` announces instead of the address that it listens on, for example a proxy's.
    /// Shorter than `vaults`, or `None`: its own address.
    pub endpoints: Vec<Option<String>>,
}

impl Options {
    /// `vaults` vaults, and the clients `owner`, `other-owner`, `auditor` and `stranger`.
    pub fn new(vaults: usize) -> Self {
        let roles: [(&str, &[&str]); 4] = [
            ("owner", &["vault:owner"]),
            ("other-owner", &["vault:owner"]),
            ("auditor", &["vault:auditor"]),
            ("stranger", &[]),
        ];
        Self {
            vaults,
            program: Vec::new(),
            clients: roles
                .into_iter()
                .map(|(id, roles)| IssuerClient::new(id, "secret", roles))
                .collect(),
            endpoints: Vec::new(),
        }
    }
}

/// The processes, and where everything lies. Ends them all when it is dropped.
pub struct TestConstellation {
    vaults: Vec<VaultProcess>,
    ids: Vec<VaultId>,
    issuer: Issuer,
    endpoints: Vec<Option<String>>,
    dir: TempDir,
}

impl TestConstellation {
    /// `n` vaults with the options of [`Options::new`].
    pub async fn start(n: usize) -> Result<Self> {
        Self::start_with(Options::new(n)).await
    }

    /// Starts everything; every vault is ready and in the registry.
    pub async fn start_with(options: Options) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let issuer = Issuer::start(IssuerConfig::new(options.clients)).await?;
        let program = match options.program {
            program if program.is_empty() => vec![built_sim_vault()?],
            program => program,
        };
        let program: Vec<&str> = program.iter().map(String::as_str).collect();
        let sim = dir.path().join("sim");
        let mut vaults = Vec::new();
        let mut ids = Vec::new();
        for i in 0..options.vaults {
            let home = dir.path().join(format!("vault-{i}"));
            std::fs::create_dir(&home)?;
            let mut vault = VaultProcess::prepare_with(&program, &home, &issuer, &sim, "")?;
            vault.enclave(&machine(i), MEASUREMENT);
            let ready = tokio::task::block_in_place(|| vault.start())?;
            ids.push(ready.pins.vault_id);
            vaults.push(vault);
        }
        Ok(Self {
            vaults,
            ids,
            issuer,
            endpoints: options.endpoints,
            dir,
        })
    }

    /// How many vaults belong to it.
    pub fn len(&self) -> usize {
        self.vaults.len()
    }

    /// Whether none do.
    pub fn is_empty(&self) -> bool {
        self.vaults.is_empty()
    }

    /// One vault.
    pub fn vault(&self, i: usize) -> Result<&VaultProcess> {
        self.vaults.get(i).context("no such vault")
    }

    /// One vault.
    pub fn vault_mut(&mut self, i: usize) -> Result<&mut VaultProcess> {
        self.vaults.get_mut(i).context("no such vault")
    }

    /// Its id, whether it runs or not.
    pub fn vault_id(&self, i: usize) -> Result<VaultId> {
        self.ids.get(i).copied().context("no such vault")
    }

    /// Where clients reach it now: what it announces. `None` while it does not run.
    pub fn endpoint(&self, i: usize) -> Option<String> {
        let ready = self.vaults.get(i)?.ready()?;
        let announced = self.endpoints.get(i).cloned().flatten();
        Some(announced.unwrap_or_else(|| ready.addr.clone()))
    }

    /// `kill -9`.
    pub fn kill(&mut self, i: usize) -> Result<()> {
        self.vault_mut(i)?.kill()
    }

    /// Starts it again over its folder, at another address.
    pub fn start_vault(&mut self, i: usize) -> Result<()> {
        self.vault_mut(i)?.start().map(|_| ())
    }

    /// Stops its process without ending it.
    pub fn pause(&self, i: usize) -> Result<()> {
        self.vault(i)?.pause()
    }

    /// Lets it go on.
    pub fn resume(&self, i: usize) -> Result<()> {
        self.vault(i)?.resume()
    }

    /// The issuer of its tokens.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Everything lies below this folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where the memory of `who` is.
    pub fn memory(&self, who: &str) -> PathBuf {
        self.dir.path().join("memory").join(who)
    }

    /// An attested client of one vault with the token of `who`.
    pub async fn client(&self, i: usize, who: &str) -> Result<Client> {
        self.vault(i)?.client(&self.issuer, who).await
    }
}

/// What every vault of it measures.
pub const MEASUREMENT: &str = "sim-vault";

/// The simulated machine of vault `i`.
pub fn machine(i: usize) -> String {
    format!("vault-{i}")
}

/// `sim-vault` beside the test that runs.
fn built_sim_vault() -> Result<String> {
    let test = std::env::current_exe()?;
    let built = test
        .parent()
        .and_then(Path::parent)
        .context("a test has a folder")?
        .join("sim-vault");
    anyhow::ensure!(built.exists(), "{} is not built", built.display());
    Ok(built.display().to_string())
}
