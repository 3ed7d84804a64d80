//! The process from start to end.

use crate::accept::{self, Door};
use crate::boot::{Booted, Locked, Roots, boot};
use crate::channel::{self, Says};
use crate::clock::reading;
use crate::committer::Committer;
use crate::config::{Material, RegistryConfig, ServerConfig, operational, trust};
use crate::jwks::Issuers;
use crate::reconfigure::Governor;
use crate::sealed::Configured;
use crate::shared::{Open, Pace, Shared};
use std::future::Future;
use std::io::Write;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use vault_encoding::text::hex;
use vault_policy::UnixSeconds;
use vault_tee::Platform;

/// While the disk is full.
const BETWEEN_STARTS: Duration = Duration::from_secs(5);

/// Task switches after which a thread looks for what the network and the log have to say. The runtime's
/// own choice is 61: with the turns of a busy tenant in between, that is what everybody else would wait.
const LOOK_OUT: u32 = 2;

/// The runtime that [`run`] shares fairly between tenants.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .event_interval(LOOK_OUT)
        // Whoever waits for the log is woken by a thread of its own, through the common queue.
        .global_queue_interval(1)
        .enable_all()
        .build()
}

/// Runs a vault until `shutdown` is ready; then answers what is in flight and returns. Prints
/// one line of JSON on stdout when it accepts connections:
/// `{"ready":true,"addr":…,"vault_id":…,"platform_id":…,"measurement":…,"locked":…,"locked_code":…}`;
/// `locked` is the reason and what to do about it, or null. A locked vault that governance opens, or whose disk was full, starts again inside this
/// process, on the same address, and prints another such line.
///
/// Ends the process, and does not return, if the log cannot be made durable. To be run on
/// [`runtime`].
pub async fn run(
    config: ServerConfig,
    platform: Arc<dyn Platform>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    config.check()?;
    crate::logging::start(&config.log.level);
    crate::stop::harden();
    let listener = TcpListener::bind(config.listen).await?.into_std()?;
    tokio::pin!(shutdown);
    loop {
        let (config, platform) = (config.clone(), platform.clone());
        let started = tokio::task::spawn_blocking(move || start(config, platform));
        // The endpoint spawns its tasks on this runtime.
        let boot = Boot::new(started.await??.open_door()?, &listener)?;
        let reopen = tokio::select! {
            () = &mut shutdown => false,
            () = boot.shared.governor.reopening() => true,
            () = space_again(&boot.shared) => true,
        };
        if !reopen {
            // Whoever comes now is refused at once.
            drop(listener);
            tracing::info!("stopping");
            return boot.stop().await;
        }
        tracing::info!("starting again");
        boot.stop().await?;
    }
}

/// Ready when a vault that found the disk full is worth another start; never for another one.
async fn space_again(shared: &Shared) {
    match shared.state {
        Err(Locked::NoSpace) => tokio::time::sleep(BETWEEN_STARTS).await,
        _ => std::future::pending().await,
    }
}

/// One boot that accepts connections.
struct Boot {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    fresh: JoinHandle<()>,
    /// Ends when it is dropped.
    announcing: JoinSet<()>,
}

impl Boot {
    fn new(started: Started, listener: &std::net::TcpListener) -> anyhow::Result<Self> {
        let Started {
            door,
            shared,
            platform_id,
            registry,
        } = started;
        let listener = TcpListener::from_std(listener.try_clone()?)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(accept::serve(listener, door, stopped));
        let fresh = tokio::spawn(shared.issuers.clone().keep_fresh());
        if announce(&shared, address, platform_id.as_deref()).is_err() {
            tracing::warn!("nobody reads that the vault is ready");
        }
        let announcing = crate::announce::start(&registry, address, shared.vault_id);
        Ok(Self {
            shared,
            stop,
            serving,
            fresh,
            announcing,
        })
    }

    /// Lets connections finish, and closes the log.
    async fn stop(self) -> anyhow::Result<()> {
        drop(self.announcing);
        self.stop.send_replace(true);
        self.serving.await?;
        self.fresh.abort();
        if let Ok(open) = &self.shared.state {
            open.committer.stop();
        }
        Ok(())
    }
}

/// Everything but the endpoint, which needs the runtime.
struct Prepared {
    config: ServerConfig,
    material: Arc<Material>,
    says: Says,
    shared: Arc<Shared>,
    platform_id: Option<String>,
}

struct Started {
    door: Arc<Door>,
    shared: Arc<Shared>,
    platform_id: Option<String>,
    registry: RegistryConfig,
}

impl Prepared {
    fn open_door(self) -> anyhow::Result<Started> {
        let limits = self.config.limits;
        let endpoint = channel::endpoint(&self.shared, self.says, &self.material, &limits)?;
        Ok(Started {
            door: Door::new(self.shared.clone(), endpoint, limits),
            shared: self.shared,
            platform_id: self.platform_id,
            registry: self.config.registry,
        })
    }
}

/// Reads files, opens the store and asks for quotes: all that blocks.
fn start(config: ServerConfig, platform: Arc<dyn Platform>) -> anyhow::Result<Prepared> {
    let material = Arc::new(Material::load(&config)?);
    let (trust, operational) = (trust(&config, &material)?, operational(&config)?);
    let roots = Roots {
        trust: trust.root(),
        operational: operational.root(),
    };
    let configured = Configured {
        trust_root: roots.trust,
        governance: config.anchor()?,
    };
    let Booted {
        identity,
        boot_id,
        sealed,
        outcome,
    } = boot(&config, &material, &configured, roots, &*platform)?;
    if let Err(reason) = &outcome {
        tracing::error!(%reason, code = reason.code(), next = reason.next(), "locked");
    }
    let state = match outcome {
        Ok(ready) => Ok(open(ready, &config, &platform)?),
        Err(locked) => Err(locked),
    };
    let theirs = platform.clone();
    let skew = config.time.skew;
    let upper_bound = move || Some(UnixSeconds(theirs.host_time().ok()?.checked_add(skew)?));
    let issuers = Issuers::new(
        identity.vault_id(),
        &material.issuers,
        config.limits.cached_tokens,
        Box::new(upper_bound),
    )?;
    let says = Says::new(&identity, roots, boot_id);
    let platform_id = channel::platform_id(&*platform, &says, &material);
    let governor = Governor::new(&config, &material, roots, &identity, &platform, sealed);
    Ok(Prepared {
        says,
        shared: Arc::new(Shared {
            platform,
            vault_id: identity.vault_id(),
            identity_spki: identity.spki().to_vec(),
            boot_id,
            trust,
            operational,
            issuers: Arc::new(issuers),
            state,
            governor,
            carried: std::sync::Mutex::default(),
        }),
        platform_id: platform_id.map(|id| id.to_string()),
        material,
        config,
    })
}

fn open(
    ready: crate::boot::Ready,
    config: &ServerConfig,
    platform: &Arc<dyn Platform>,
) -> anyhow::Result<Open> {
    let vault = Arc::new(RwLock::new(ready.vault));
    let theirs = platform.clone();
    let committer = Committer::start(
        vault.clone(),
        ready.log,
        Box::new(move || reading(&*theirs)),
        config.limits.snapshot_records,
        ready.shelf.clone(),
    )?;
    Ok(Open {
        vault,
        shelf: ready.shelf,
        committer,
        pace: Pace::new(&config.rates.limits()),
    })
}

fn announce(
    shared: &Shared,
    address: std::net::SocketAddr,
    platform_id: Option<&str>,
) -> std::io::Result<()> {
    let locked = shared.state.as_ref().err();
    let ready = serde_json::json!({
        "ready": true,
        "addr": address.to_string(),
        "vault_id": shared.vault_id.to_string(),
        "platform_id": platform_id,
        "measurement": hex(&shared.platform.measurement()),
        "locked": locked.map(Locked::told),
        "locked_code": locked.map(Locked::code),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()
}
