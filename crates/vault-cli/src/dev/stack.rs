//! Issuer, registry and vaults as children, and the configuration that points to them.

use super::governance::Governance;
use super::layout::Layout;
use super::plan::{Plan, Wanted};
use super::process::{self, Process};
use super::settings::{Common, Issued, text, write_outsider, write_registry, write_relay};
use super::{Progress, failed};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::task::Poll;
use std::time::Duration;
use tee_sim::SimRoot;
use tokio::task::JoinSet;
use vault_client::registry::RegistryClient;
use vault_client::{Error, ErrorCode, Result};
use vault_policy::VaultId;

/// How long a vault may take until the registry lists it.
const UNTIL_LISTED: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What runs. Every child ends when this is dropped.
pub(crate) struct Stack {
    pub(crate) layout: Layout,
    pub(crate) plan: Plan,
    registry: String,
    /// The wallet's origin.
    wallet: String,
    children: Vec<Child>,
}

/// One child, whether it runs or not.
struct Child {
    name: String,
    process: Option<Process>,
    /// What it said when it was ready.
    said: Value,
    /// How it ended, if it did by itself.
    ended: Option<String>,
}

impl Child {
    fn new(name: impl Into<String>, (process, said): (Process, Value)) -> Self {
        Self {
            name: name.into(),
            process: Some(process),
            said,
            ended: None,
        }
    }

    fn describe(&self) -> Value {
        let state = match (&self.process, &self.ended) {
            (Some(_), _) => "running".to_owned(),
            (None, Some(how)) => format!("ended: {how}"),
            (None, None) => "stopped".to_owned(),
        };
        json!({
            "name": self.name,
            "state": state,
            "pid": self.process.as_ref().and_then(Process::id),
            "endpoint": self.said.get("addr").or_else(|| self.said.get("url")),
            "vault_id": self.said.get("vault_id"),
        })
    }
}

impl Stack {
    /// Starts everything, and writes `config.toml` and `env`. At the end every vault is attested
    /// and listed.
    pub(crate) async fn start(layout: Layout, wanted: Wanted, progress: &Progress) -> Result<Self> {
        let mut plan = Plan::prepare(&layout, wanted)?;
        progress.now("making the simulated machines");
        let root = SimRoot::open_or_create(&layout.file("sim")).map_err(failed)?;
        crate::files::write(&layout.file("root.der"), root.root_der())?;
        progress.now("starting issuer, registry and relay");
        write_registry(&layout)?;
        let (issuer, registry, relay) = tokio::try_join!(
            start_issuer(&layout),
            start_registry(&layout),
            start_relay(&layout, plan.relay)
        )?;
        let issued = Issued::from_ready(&layout, &issuer.1)?;
        issued.is_the_one_of(&layout, &mut plan)?;
        let registry_url = format!("http://{}", text(&registry.1, "addr")?);
        let wallet = keep_relay(&layout, &mut plan, &relay.1)?;
        let governance = Governance::prepare(&layout, &plan)?;
        let common = Common {
            layout: &layout,
            governance: &governance,
            issued: &issued,
            registry: &registry_url,
            relay: &wallet,
            managers: plan.managers,
        };
        for number in 1..=plan.vaults {
            common.write_vault(number)?;
        }
        if !layout.manifest().exists() {
            progress.now("taking the vaults' fingerprints");
            let fingerprints = all(&layout, &plan, identity).await?;
            governance.sign_first(&layout, &fingerprints)?;
        }
        common.write_client()?;
        let mut stack = Self {
            children: vec![
                Child::new("issuer", issuer),
                Child::new("registry", registry),
                Child::new("relay", relay),
            ],
            registry: registry_url,
            wallet,
            layout,
            plan,
        };
        stack.start_vaults(progress).await?;
        Ok(stack)
    }

    async fn start_vaults(&mut self, progress: &Progress) -> Result<()> {
        progress.now("starting the vaults");
        let started = all(&self.layout, &self.plan, start_vault).await?;
        for (number, started) in (1..).zip(started) {
            self.children.push(Child::new(vault_name(number), started));
        }
        progress.now("waiting until the registry has attested the vaults");
        self.until_listed().await
    }

    /// Starts one vault again over its folder.
    pub(crate) async fn start_vault(&mut self, number: u8) -> Result<()> {
        let started = start_vault(self.layout.clone(), number).await?;
        *self.vault(number)? = Child::new(vault_name(number), started);
        self.until_listed().await
    }

    /// `kill -9`.
    pub(crate) async fn kill_vault(&mut self, number: u8) -> Result<()> {
        match self.vault(number)?.process.take() {
            Some(vault) => vault.kill().await,
            None => Ok(()),
        }
    }

    /// A genuine vault of the same build on one more machine, with the same configuration as
    /// vault 1. It announces itself nowhere and is no member.
    pub(crate) async fn start_outsider(&self) -> Result<Outsider> {
        const NUMBER: u8 = 0;
        write_outsider(&self.layout, NUMBER)?;
        let (process, ready) = start_vault(self.layout.clone(), NUMBER).await?;
        let endpoint = text(&ready, "addr")?;
        Ok(Outsider { process, endpoint })
    }

    /// The id of one vault, hex.
    pub(crate) fn vault_id(&self, number: u8) -> Result<String> {
        let name = vault_name(number);
        let child = self.children.iter().find(|child| child.name == name);
        text(&child.ok_or_else(|| no_such(number))?.said, "vault_id")
    }

    /// Where one vault listens.
    pub(crate) fn endpoint(&self, number: u8) -> Result<String> {
        let name = vault_name(number);
        let child = self.children.iter().find(|child| child.name == name);
        text(&child.ok_or_else(|| no_such(number))?.said, "addr")
    }

    fn vault(&mut self, number: u8) -> Result<&mut Child> {
        let name = vault_name(number);
        let child = self.children.iter_mut().find(|child| child.name == name);
        child.ok_or_else(|| no_such(number))
    }

    /// Waits until the registry lists every vault that runs where it runs now.
    async fn until_listed(&self) -> Result<()> {
        let mut wanted = Vec::new();
        for child in &self.children {
            if child.process.is_some() && child.said.get("vault_id").is_some() {
                let id: VaultId = text(&child.said, "vault_id")?.parse().map_err(failed)?;
                wanted.push((id, text(&child.said, "addr")?));
            }
        }
        let registry = RegistryClient::new([&self.registry], UNTIL_LISTED);
        let listed = async {
            loop {
                let listing = registry.list().await;
                let is_there =
                    |(id, at): &(VaultId, String)| listing.endpoints(id).any(|end| end == at);
                if wanted.iter().all(is_there) {
                    return;
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        tokio::time::timeout(UNTIL_LISTED, listed)
            .await
            .map_err(|_| failed("the registry does not list every vault; see logs/registry.log"))
    }

    /// Ends everything in order: vaults first.
    pub(crate) async fn stop(self) {
        let mut stopping = JoinSet::new();
        let (first, vaults): (Vec<_>, Vec<_>) = self
            .children
            .into_iter()
            .partition(|child| child.said.get("vault_id").is_none());
        for child in vaults {
            stopping.spawn(stop(child));
        }
        while stopping.join_next().await.is_some() {}
        for child in first {
            stopping.spawn(stop(child));
        }
        while stopping.join_next().await.is_some() {}
    }

    /// Ready when a child has ended by itself: its name, and how.
    pub(crate) async fn ended(&mut self) -> (String, String) {
        poll_fn(|context| {
            for child in &mut self.children {
                let Some(process) = &mut child.process else {
                    continue;
                };
                if let Poll::Ready(how) = process.poll_ended(context) {
                    child.process = None;
                    child.ended = Some(how.clone());
                    return Poll::Ready((child.name.clone(), how));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// What `dev status` tells of it.
    pub(crate) fn describe(&self) -> Value {
        json!({
            "simulated": true,
            "dir": self.layout.dir(),
            "env": self.layout.file("env"),
            "registry": self.registry,
            "wallet": self.wallet,
            "threshold": self.plan.threshold,
            "children": self.children.iter().map(Child::describe).collect::<Vec<_>>(),
            "pid": std::process::id(),
        })
    }
}

async fn stop(child: Child) {
    if let Some(process) = child.process {
        process.stop().await;
    }
}

/// A vault that belongs to nobody's manifest.
pub(crate) struct Outsider {
    process: Process,
    endpoint: String,
}

impl Outsider {
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) async fn stop(self) {
        self.process.stop().await;
    }
}

fn vault_name(number: u8) -> String {
    format!("vault {number}")
}

fn no_such(number: u8) -> Error {
    failed(format_args!("there is no vault {number}"))
}

/// Does something for every vault at once; answers in their order. The first failure ends all.
/// No task of its own: whatever was started ends at once when this is dropped.
async fn all<T, F, R>(layout: &Layout, plan: &Plan, each: F) -> Result<Vec<T>>
where
    F: Fn(Layout, u8) -> R,
    R: Future<Output = Result<T>>,
{
    let mut doing: Vec<_> = (1..=plan.vaults)
        .map(|number| (Box::pin(each(layout.clone(), number)), None))
        .collect();
    poll_fn(|context| {
        for (future, done) in &mut doing {
            if done.is_none()
                && let Poll::Ready(result) = future.as_mut().poll(context)
            {
                *done = Some(result?);
            }
        }
        match doing.iter().all(|(_, done)| done.is_some()) {
            true => Poll::Ready(Ok::<_, Error>(())),
            false => Poll::Pending,
        }
    })
    .await?;
    Ok(doing.into_iter().filter_map(|(_, done)| done).collect())
}

async fn start_issuer(layout: &Layout) -> Result<(Process, Value)> {
    let arguments = ["__issuer".into(), "--dir".into(), layout.dir().into()];
    Process::start(&arguments, &layout.log("issuer")).await
}

async fn start_registry(layout: &Layout) -> Result<(Process, Value)> {
    let config = layout.file("registry.toml").into();
    let arguments = ["__registry".into(), "--registry-config".into(), config];
    Process::start(&arguments, &layout.log("registry")).await
}

/// Where it was before, if that is free: passkeys belong to an origin.
async fn start_relay(layout: &Layout, before: Option<SocketAddr>) -> Result<(Process, Value)> {
    if let Some(before) = before
        && let Ok(started) = start_relay_at(layout, before).await
    {
        return Ok(started);
    }
    start_relay_at(layout, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
}

async fn start_relay_at(layout: &Layout, at: SocketAddr) -> Result<(Process, Value)> {
    write_relay(layout, at)?;
    let config = layout.file("relay.toml").into();
    let arguments = ["__relay".into(), "--relay-config".into(), config];
    Process::start(&arguments, &layout.log("relay")).await
}

/// Remembers where it listens; the wallet's origin.
fn keep_relay(layout: &Layout, plan: &mut Plan, ready: &Value) -> Result<String> {
    let at: SocketAddr = text(ready, "addr")?.parse().map_err(failed)?;
    if plan.relay != Some(at) {
        plan.relay = Some(at);
        plan.write(layout)?;
    }
    Ok(format!("http://localhost:{}", at.port()))
}

/// A vault that is locked does not start.
async fn start_vault(layout: Layout, number: u8) -> Result<(Process, Value)> {
    let (arguments, log) = vault_arguments(&layout, number);
    let (process, ready) = Process::start(&arguments, &log).await?;
    match ready.get("locked").and_then(Value::as_str) {
        None => Ok((process, ready)),
        Some(reason) => {
            let detail = format!("{}: {reason}", vault_name(number));
            Err(Error::new(ErrorCode::Locked).detail(detail))
        }
    }
}

/// The fingerprint; a new vault's identity is made and sealed.
async fn identity(layout: Layout, number: u8) -> Result<Value> {
    let (mut arguments, log) = vault_arguments(&layout, number);
    arguments.push("--identity".into());
    process::ask(&arguments, &log).await
}

fn vault_arguments(layout: &Layout, number: u8) -> (Vec<OsString>, PathBuf) {
    let arguments = vec![
        "__vault".into(),
        "--server-config".into(),
        layout.vault(number).join("vault.toml").into(),
        "--sim".into(),
        layout.file("sim").into(),
        "--machine".into(),
        format!("vault-{number}").into(),
    ];
    (arguments, layout.log(&format!("vault-{number}")))
}
