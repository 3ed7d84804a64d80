//! The process from start to end.

use crate::accept::{self, Door};
use crate::boot::{Booted, Roots, boot};
use crate::channel::{self, Says};
use crate::clock::reading;
use crate::committer::Committer;
use crate::config::{Material, ServerConfig, operational, trust};
use crate::jwks::Issuers;
use crate::shared::{Open, Shared};
use std::future::Future;
use std::io::Write;
use std::sync::{Arc, RwLock};
use tokio::net::TcpListener;
use tokio::sync::watch;
use vault_encoding::text::hex;
use vault_policy::UnixSeconds;
use vault_tee::Platform;

/// Runs a vault until `shutdown` is ready; then answers what is in flight and returns. Prints
/// one line of JSON on stdout when it accepts connections:
/// `{"ready":true,"addr":…,"vault_id":…,"platform_id":…,"measurement":…,"locked":…}`;
/// `locked` is the reason, or null.
///
/// Ends the process, and does not return, if the log cannot be made durable.
pub async fn run(
    config: ServerConfig,
    platform: Arc<dyn Platform>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    config.check()?;
    crate::logging::start(&config.log.level);
    crate::stop::harden();
    let listener = TcpListener::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let theirs = platform.clone();
    let started = tokio::task::spawn_blocking(move || start(config, theirs));
    let Started {
        door,
        shared,
        platform_id,
    } = {
        // The endpoint spawns its tasks on this runtime.
        started.await??.open_door()?
    };
    let fresh = tokio::spawn(shared.issuers.clone().keep_fresh());
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(accept::serve(listener, door, stopped));
    announce(&shared, address, platform_id.as_deref())?;
    shutdown.await;
    tracing::info!("stopping");
    stop.send_replace(true);
    serving.await?;
    fresh.abort();
    if let Ok(open) = &shared.state {
        open.committer.stop();
    }
    Ok(())
}

/// Everything but the endpoint, which needs the runtime.
struct Prepared {
    config: ServerConfig,
    material: Material,
    says: Says,
    shared: Arc<Shared>,
    platform_id: Option<String>,
}

struct Started {
    door: Arc<Door>,
    shared: Arc<Shared>,
    platform_id: Option<String>,
}

impl Prepared {
    fn open_door(self) -> anyhow::Result<Started> {
        let platform = &self.shared.platform;
        let limits = self.config.limits;
        let endpoint = channel::endpoint(platform, self.says, &self.material, &limits)?;
        Ok(Started {
            door: Door::new(self.shared.clone(), endpoint, limits),
            shared: self.shared,
            platform_id: self.platform_id,
        })
    }
}

/// Reads files, opens the store and asks for quotes: all that blocks.
fn start(config: ServerConfig, platform: Arc<dyn Platform>) -> anyhow::Result<Prepared> {
    let material = Material::load(&config)?;
    let (trust, operational) = (trust(&config, &material)?, operational(&config)?);
    let roots = Roots {
        trust: trust.root(),
        operational: operational.root(),
    };
    let Booted {
        identity,
        boot_id,
        sealed: _,
        outcome,
    } = boot(&config, &material, roots, &*platform)?;
    if let Err(reason) = &outcome {
        tracing::error!(%reason, "locked");
    }
    let state = match outcome {
        Ok(ready) => Ok(open(ready, &config, &platform)?),
        Err(locked) => Err(locked),
    };
    let theirs = platform.clone();
    let skew = config.time.skew;
    let upper_bound = move || Some(UnixSeconds(theirs.host_time().ok()?.checked_add(skew)?));
    let issuers = Issuers::new(
        &material.issuers,
        config.limits.cached_tokens,
        Box::new(upper_bound),
    )?;
    let says = Says::new(&identity, roots, boot_id);
    let platform_id = channel::platform_id(&*platform, &says, &material);
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
    )?;
    Ok(Open { vault, committer })
}

fn announce(
    shared: &Shared,
    address: std::net::SocketAddr,
    platform_id: Option<&str>,
) -> std::io::Result<()> {
    let locked = shared.state.as_ref().err().map(ToString::to_string);
    let ready = serde_json::json!({
        "ready": true,
        "addr": address.to_string(),
        "vault_id": shared.vault_id.to_string(),
        "platform_id": platform_id,
        "measurement": hex(&shared.platform.measurement()),
        "locked": locked,
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()
}
