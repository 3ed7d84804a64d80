//! The process from start to end.

use crate::answer::{Desk, Hosts};
use crate::config::RelayConfig;
use crate::files::Files;
use crate::listen;
use crate::pace::Pace;
use crate::post::Post;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing_subscriber::filter::EnvFilter;

/// Unix seconds, by whom they are asked.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A relay that has its address and does not answer yet.
pub struct Relay {
    listener: TcpListener,
    address: SocketAddr,
    desk: Arc<Desk>,
    longest: Duration,
}

impl Relay {
    /// Reads the files and takes the address.
    pub async fn bind(config: &RelayConfig) -> anyhow::Result<Self> {
        Self::bind_at(config, Arc::new(host_time)).await
    }

    /// The same, by another clock.
    pub async fn bind_at(config: &RelayConfig, now: Clock) -> anyhow::Result<Self> {
        config.check()?;
        let files = Files::load(config.files.as_deref())?;
        let listener = TcpListener::bind(config.listen).await?;
        let about = serde_json::json!({
            "simulated": config.simulated,
            "longest_ttl": config.limits.longest_ttl,
        });
        let desk = Desk {
            post: Mutex::new(Post::new(config.limits)),
            files,
            pace: Pace::new(&config.limits),
            hosts: hosts(config),
            proxy: config.proxy,
            about: about.to_string(),
            now,
        };
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            desk: Arc::new(desk),
            longest: Duration::from_secs(config.limits.connection_seconds),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready; then finishes what is in flight and returns.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let served = listen::serve(self.listener, self.desk, self.longest, stopped);
        tokio::pin!(served);
        tokio::select! {
            () = &mut served => return,
            () = shutdown => {}
        }
        stop.send_replace(true);
        served.await;
    }
}

fn hosts(config: &RelayConfig) -> Hosts {
    if !config.hosts.is_empty() {
        Hosts::Named(config.hosts.clone())
    } else if config.listen.ip().is_loopback() {
        Hosts::Loopback
    } else {
        Hosts::Any
    }
}

/// Runs a relay until `shutdown` is ready. Prints one line of JSON on stdout when it accepts
/// connections: `{"ready":true,"addr":…}`.
pub async fn run(
    config: RelayConfig,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    log(&config.log.level);
    let relay = Relay::bind(&config).await?;
    announce(relay.addr())?;
    relay.serve(shutdown).await;
    Ok(())
}

fn announce(address: SocketAddr) -> std::io::Result<()> {
    let ready = serde_json::json!({ "ready": true, "addr": address.to_string() });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()
}

/// One line of JSON on stderr for each event; a second call in one process changes nothing.
fn log(level: &str) {
    let filter = EnvFilter::new(format!("error,vault_relay={level}"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// By a clock before 1970 nothing expires until it is set.
fn host_time() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_secs()
}
