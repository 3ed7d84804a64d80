//! A constellation of real processes under the SIMULATED platform: vaults, each on a machine of
//! its own, one issuer, a registry, and the governance that signs its manifest.
//!
//! ```no_run
//! use vault_client::Constellation;
//! use vault_test::constellation::TestConstellation;
//!
//! # async fn example() -> anyhow::Result<()> {
//! let mut running = TestConstellation::start(4).await?;
//! running.kill(3)?;
//! let client = Constellation::open(running.config("owner")?).await?;
//! # Ok(())
//! # }
//! ```

mod governance;
mod registry;

pub use governance::TestGovernance;

use crate::issuer::{Client as IssuerClient, Issuer, IssuerConfig};
use crate::process::VaultProcess;
use anyhow::{Context, Result};
use ratls::TrustRoot;
use registry::TestRegistry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tee_sim::{SimPlatform, SimRoot, measurement_named};
use tempfile::TempDir;
use vault_client::token::TokenSource;
use vault_client::{Client, ConstellationConfig, HeadStore};
use vault_policy::VaultId;
use vault_server::{Fingerprint, ServerConfig};

/// What every vault of it measures.
pub const MEASUREMENT: &str = "sim-vault";

/// What a constellation is made with.
#[derive(Clone)]
pub struct Options {
    /// How many vaults.
    pub vaults: usize,
    /// How many registries, in this process. Every vault announces itself to all of them.
    pub registries: usize,
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
    /// `vaults` vaults, one registry, and the clients `owner`, `other-owner`, `auditor` and
    /// `stranger`.
    pub fn new(vaults: usize) -> Self {
        let roles: [(&str, &[&str]); 4] = [
            ("owner", &["vault:owner"]),
            ("other-owner", &["vault:owner"]),
            ("auditor", &["vault:auditor"]),
            ("stranger", &[]),
        ];
        Self {
            vaults,
            registries: 1,
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
    fingerprints: Vec<Fingerprint>,
    issuer: Issuer,
    registries: Vec<TestRegistry>,
    governance: TestGovernance,
    endpoints: Vec<Option<String>>,
    root: SimRoot,
    dir: TempDir,
}

impl TestConstellation {
    /// `n` vaults with the options of [`Options::new`].
    pub async fn start(n: usize) -> Result<Self> {
        Self::start_with(Options::new(n)).await
    }

    /// Starts everything. Every vault is ready; that the registries list them is for
    /// [`TestConstellation::until_listed`].
    pub async fn start_with(options: Options) -> Result<Self> {
        let mut prepared = Self::prepare(options).await?;
        for vault in &mut prepared.vaults {
            vault.start()?;
        }
        Ok(prepared)
    }

    /// Everything but the vaults' processes, which [`TestConstellation::start_vault`] starts.
    pub async fn prepare(options: Options) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let root = SimRoot::open_or_create(&dir.path().join("sim"))?;
        let issuer = Issuer::start(IssuerConfig::new(options.clients)).await?;
        let mut registries = Vec::new();
        for _ in 0..options.registries {
            registries.push(TestRegistry::start(dir.path(), &root).await?);
        }
        let governance = TestGovernance::generate()?;
        let mut made = Self {
            vaults: Vec::new(),
            fingerprints: Vec::new(),
            issuer,
            registries,
            governance,
            endpoints: options.endpoints,
            root,
            dir,
        };
        let program = match options.program {
            program if program.is_empty() => vec![built_sim_vault()?],
            program => program,
        };
        for i in 0..options.vaults {
            made.prepare_vault(&program, i)?;
        }
        let chain = made.governance.first(&made.fingerprints)?;
        std::fs::write(made.manifest(), chain.to_json())?;
        Ok(made)
    }

    fn prepare_vault(&mut self, program: &[String], i: usize) -> Result<()> {
        let program: Vec<&str> = program.iter().map(String::as_str).collect();
        let home = self.dir.path().join(format!("vault-{i}"));
        std::fs::create_dir(&home)?;
        let announced = self.endpoints.get(i).cloned().flatten();
        let sections = format!(
            "{}\n[registry]\nannounce = {:?}\n{}",
            self.governance.section(),
            self.registries(),
            announced.map_or(String::new(), |at| format!("endpoint = {at:?}\n")),
        );
        let sim = self.dir.path().join("sim");
        let mut vault = VaultProcess::prepare_with(&program, &home, &self.issuer, &sim, &sections)?;
        vault.enclave(&machine(i), MEASUREMENT);
        let config = ServerConfig::load(&home.join("vault.toml"))?;
        let machine = self.root.machine(&machine(i))?;
        let platform = SimPlatform::builder(&machine, measurement_named(MEASUREMENT)).build()?;
        self.fingerprints
            .push(vault_server::identity(&config, &platform)?);
        self.vaults.push(vault);
        Ok(())
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
        Ok(self.fingerprint(i)?.vault_id)
    }

    /// What the manifest says of it.
    pub fn fingerprint(&self, i: usize) -> Result<&Fingerprint> {
        self.fingerprints.get(i).context("no such vault")
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

    /// Starts it, perhaps again over its folder and then at another address.
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

    /// The key that governs it.
    pub fn governance(&self) -> &TestGovernance {
        &self.governance
    }

    /// `http://host:port` of every registry.
    pub fn registries(&self) -> Vec<String> {
        self.registries.iter().map(TestRegistry::url).collect()
    }

    /// Waits until every registry lists every vault that runs where it runs now.
    pub async fn until_listed(&self) -> Result<()> {
        let running = (0..self.len()).filter_map(|i| {
            let endpoint = self.endpoint(i)?;
            Some((self.fingerprints.get(i)?.vault_id, endpoint))
        });
        let running: Vec<_> = running.collect();
        for registry in &self.registries {
            registry.until_listed(&running).await?;
        }
        Ok(())
    }

    /// Everything lies below this folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The manifest file.
    pub fn manifest(&self) -> PathBuf {
        self.dir.path().join("manifest.json")
    }

    /// The root of attestation of its machines.
    pub fn trust(&self) -> Result<TrustRoot> {
        Ok(TrustRoot::from_der(self.root.root_der())?)
    }

    /// The simulated vendor, under which further machines can be made.
    pub fn sim(&self) -> &SimRoot {
        &self.root
    }

    /// The memory of `who`.
    pub fn memory(&self, who: &str) -> HeadStore {
        HeadStore::new(self.dir.path().join("memory").join(who))
    }

    /// What a client of all of it is made with, as `who` and with that client's memory: anchor,
    /// manifest, registries, and the addresses of the vaults that run now.
    pub fn config(&self, who: &str) -> Result<ConstellationConfig> {
        let anchor = self.governance.anchor().clone();
        let mut config =
            ConstellationConfig::new(anchor, self.manifest(), self.trust()?, self.memory(who))
                .tokens(self.tokens(who)?);
        config.registries = self.registries();
        for (i, fingerprint) in self.fingerprints.iter().enumerate() {
            let endpoint = self.endpoint(i);
            let known = endpoint.map(|endpoint| (fingerprint.vault_id, endpoint));
            config.endpoints.extend(known);
        }
        Ok(config)
    }

    /// Tokens of `who`, bound to a key of the source: good for shares too.
    pub fn tokens(&self, who: &str) -> Result<Arc<dyn TokenSource>> {
        let source = self.issuer.token_source(who);
        source.context("no such client of the issuer")
    }

    /// An attested client of one vault as `who`, held to what the manifest says of it.
    pub async fn client(&self, i: usize, who: &str) -> Result<Client> {
        let constellation = vault_client::Constellation::open(self.config(who)?).await?;
        Ok(constellation.client(&self.vault_id(i)?).await?)
    }
}

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
