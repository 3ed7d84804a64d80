//! A vault as a real process under the SIMULATED platform, to be killed and started again, and
//! clients of it.

use crate::issuer::Issuer;
use anyhow::{Context, Result, bail};
use ratls::TrustRoot;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use tee_sim::SimRoot;
use vault_client::token::{AccessToken, FixedToken};
use vault_client::{Client, ClientConfig, HeadStore, VaultPins};

/// The folder of one vault, and the process that runs on it.
pub struct VaultProcess {
    program: Vec<String>,
    dir: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// The process ends when this is closed.
    _stdin: ChildStdin,
    ready: Ready,
}

/// What the process said when it was ready.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where it listens.
    pub addr: String,
    /// Which vault it must be.
    pub pins: VaultPins,
}

impl VaultProcess {
    /// Prepares a folder: the configuration with this issuer, and the simulated machine.
    /// `program` is `sim-vault`, perhaps behind a program that starts it.
    pub fn prepare(program: &[&str], dir: &Path, issuer: &Issuer) -> Result<Self> {
        let sim = dir.join("sim");
        let root = SimRoot::open_or_create(&sim)?;
        std::fs::write(dir.join("root.der"), root.root_der())?;
        std::fs::write(dir.join("issuer.pem"), issuer.ca_pem())?;
        let text = format!(
            "listen = \"127.0.0.1:0\"\ndata_dir = {data:?}\n\n[attestation]\nroot = {root:?}\n\n\
             [[issuers]]\nurl = {url:?}\naudience = {audience:?}\njwks_uri = {jwks:?}\n\
             roots = {ca:?}\ngrants = [\"vault:owner\", \"vault:auditor\"]\n\n\
             [log]\nlevel = \"warn\"\n",
            data = dir.join("data"),
            root = dir.join("root.der"),
            url = issuer.url(),
            audience = issuer.audience(),
            jwks = issuer.jwks_uri(),
            ca = dir.join("issuer.pem"),
        );
        std::fs::write(dir.join("vault.toml"), text)?;
        let program = program.iter().map(|&word| word.to_owned()).collect();
        Ok(Self {
            program,
            dir: dir.to_owned(),
            running: None,
        })
    }

    /// Starts the process and waits until it accepts connections.
    pub fn start(&mut self) -> Result<&Ready> {
        let (program, arguments) = self.program.split_first().context("no program")?;
        let mut child = Command::new(program)
            .args(arguments)
            .arg(self.dir.join("vault.toml"))
            .arg(self.dir.join("sim"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let ready = match parse(&line) {
            Ok(ready) => ready,
            Err(error) => {
                let _ = child.kill();
                let status = child.wait()?;
                bail!("the vault did not start ({status}): {error:#}: {line:?}");
            }
        };
        Ok(&self
            .running
            .insert(Running {
                child,
                _stdin: stdin,
                ready,
            })
            .ready)
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut running) = self.running.take() {
            running.child.kill()?;
            running.child.wait()?;
        }
        Ok(())
    }

    /// Process id.
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// Its folder: `data` holds the sealed log.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// An attested client with the token of `who`, and a memory of its own.
    pub async fn client(&self, issuer: &Issuer, who: &str) -> Result<Client> {
        let running = self.running.as_ref().context("the vault does not run")?;
        let root = TrustRoot::from_der(&std::fs::read(self.dir.join("root.der"))?)?;
        let token = issuer.token(who).context("no such client of the issuer")?;
        let tokens = Arc::new(FixedToken(AccessToken::new(token, None)));
        let heads = HeadStore::new(self.dir.join("memory").join(who));
        let ready = &running.ready;
        let config = ClientConfig::new(&ready.addr, ready.pins.clone(), root, heads).tokens(tokens);
        Ok(Client::connect(config).await?)
    }
}

impl Drop for VaultProcess {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn parse(line: &str) -> Result<Ready> {
    let said: serde_json::Value = serde_json::from_str(line)?;
    let text = |name: &str| {
        said.get(name)
            .and_then(|value| value.as_str())
            .context("incomplete")
    };
    Ok(Ready {
        addr: text("addr")?.to_owned(),
        pins: VaultPins {
            vault_id: text("vault_id")?.parse()?,
            platform_id: Some(text("platform_id")?.parse()?),
            measurement: Some(text("measurement")?.parse()?),
            trust_root: None,
        },
    })
}
