//! A vault as a real process under the SIMULATED platform, to be killed and started again, and
//! clients of it.

use crate::issuer::Issuer;
use anyhow::{Context, Result, bail, ensure};
use ratls::TrustRoot;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tee_sim::SimRoot;
use vault_client::token::{AccessToken, FixedToken};
use vault_client::{Client, ClientConfig, HeadStore, VaultPins};

/// The folder of one vault, and the process that runs on it.
pub struct VaultProcess {
    program: Vec<String>,
    dir: PathBuf,
    sim: PathBuf,
    enclave: Vec<String>,
    clock: Option<u64>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// The process ends when this is closed.
    stdin: ChildStdin,
    /// Ends when the process does.
    stdout: JoinHandle<()>,
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
        Self::prepare_with(program, dir, issuer, &dir.join("sim"), "")
    }

    /// The same over the simulator's folder `sim`, which several vaults may share, and with
    /// `sections` at the end of the configuration (TOML).
    pub fn prepare_with(
        program: &[&str],
        dir: &Path,
        issuer: &Issuer,
        sim: &Path,
        sections: &str,
    ) -> Result<Self> {
        let root = SimRoot::open_or_create(sim)?;
        std::fs::write(dir.join("root.der"), root.root_der())?;
        std::fs::write(dir.join("issuer.pem"), issuer.ca_pem())?;
        let text = format!(
            "listen = \"127.0.0.1:0\"\ndata_dir = {data:?}\n\n[attestation]\nroot = {root:?}\n\n\
             [[issuers]]\nurl = {url:?}\naudience = {audience:?}\njwks_uri = {jwks:?}\n\
             roots = {ca:?}\ngrants = [\"vault:owner\", \"vault:auditor\"]\n\n\
             [log]\nlevel = \"warn\"\n{sections}",
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
            sim: sim.to_owned(),
            enclave: Vec::new(),
            clock: None,
            running: None,
        })
    }

    /// The next start is on this machine of the simulator, and of this measurement.
    pub fn enclave(&mut self, machine: &str, measurement: &str) {
        self.enclave = vec![machine.to_owned(), measurement.to_owned()];
    }

    /// From the next start on the host's clock stands still at this Unix time, or goes on.
    pub fn stop_clock(&mut self, at: Option<u64>) {
        self.clock = at;
    }

    /// Starts the process and waits until it accepts connections. What it writes to its stdout is
    /// kept in the file `stdout` of the folder.
    pub fn start(&mut self) -> Result<&Ready> {
        let (program, arguments) = self.program.split_first().context("no program")?;
        let mut child = Command::new(program)
            .args(arguments)
            .arg(self.dir.join("vault.toml"))
            .arg(&self.sim)
            .args(&self.enclave)
            .envs(self.clock.map(|now| ("SIM_VAULT_CLOCK", now.to_string())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        stdout.read_line(&mut line)?;
        let mut kept = File::create(self.dir.join("stdout"))?;
        kept.write_all(line.as_bytes())?;
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
                stdin,
                stdout: std::thread::spawn(move || {
                    // A pipe that breaks has ended.
                    let _ = std::io::copy(&mut stdout, &mut kept);
                }),
                ready,
            })
            .ready)
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut running) = self.running.take() {
            running.child.kill()?;
            running.child.wait()?;
            // A vault behind another program outlives that one until its stdin is closed.
            drop(running.stdin);
            let _ = running.stdout.join();
        }
        Ok(())
    }

    /// Waits until the process ends by itself, at most so long.
    pub fn ended(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        let Some(running) = &mut self.running else {
            return Ok(Some(ExitStatus::default()));
        };
        let begun = Instant::now();
        loop {
            match running.child.try_wait()? {
                None if begun.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                ended => return Ok(ended),
            }
        }
    }

    /// Tells the process to end, and waits until it has.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut running) = self.running.take() {
            drop(running.stdin);
            running.child.wait()?;
            let _ = running.stdout.join();
        }
        Ok(())
    }

    /// Stops the process without ending it, as a host may. Its connections stay open and silent.
    pub fn pause(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, name: &str) -> Result<()> {
        let id = self.id().context("the vault does not run")?;
        let script = format!("kill -{name} {id}");
        let status = Command::new("sh").args(["-c", &script]).status()?;
        ensure!(status.success(), "{script}: {status}");
        Ok(())
    }

    /// What the process said when it was ready.
    pub fn ready(&self) -> Option<&Ready> {
        self.running.as_ref().map(|running| &running.ready)
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
        let ready = self.ready().context("the vault does not run")?;
        self.client_of(ready, issuer, who).await
    }

    /// The same, of the vault that `at` names and where it says.
    pub async fn client_of(&self, at: &Ready, issuer: &Issuer, who: &str) -> Result<Client> {
        let token = issuer.token(who).context("no such client of the issuer")?;
        let tokens = Arc::new(FixedToken(AccessToken::new(token, None)));
        Ok(Client::connect(self.client_config(at, who)?.tokens(tokens)).await?)
    }

    /// What a client of that vault is made with, but for its token. Its memory is that of `who`.
    pub fn client_config(&self, at: &Ready, who: &str) -> Result<ClientConfig> {
        let root = TrustRoot::from_der(&std::fs::read(self.dir.join("root.der"))?)?;
        let heads = HeadStore::new(self.dir.join("memory").join(who));
        Ok(ClientConfig::new(&at.addr, at.pins.clone(), root, heads))
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
            // A vault whose own evidence does not lead to the configured root names none.
            platform_id: text("platform_id").ok().map(str::parse).transpose()?,
            measurement: Some(text("measurement")?.parse()?),
            trust_root: None,
        },
    })
}
