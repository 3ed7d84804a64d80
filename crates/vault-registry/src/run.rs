//! The process from start to end.

use crate::config::RegistryConfig;
use crate::listen::{self, Door};
use crate::pace::Pace;
use crate::service::Service;
use ratls::tls::Clock;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing_subscriber::filter::EnvFilter;
use vault_policy::UnixSeconds;

/// A registry that has its address and does not answer yet.
pub struct Registry {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
}

impl Registry {
    /// Reads the root and takes the address.
    pub async fn bind(config: &RegistryConfig) -> anyhow::Result<Self> {
        Self::bind_at(config, Arc::new(host_time)).await
    }

    /// The same, by another clock.
    pub async fn bind_at(config: &RegistryConfig, now: Clock) -> anyhow::Result<Self> {
        config.check()?;
        let pace = Pace::new(&config.limits);
        let service = Service::new(config, pace.clone(), now)?;
        let listener = TcpListener::bind(config.listen).await?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            door: Door::new(service, pace, &config.limits),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready; then finishes what is in flight and returns.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let served = listen::serve(self.listener, self.door, stopped);
        tokio::pin!(served);
        tokio::select! {
            () = &mut served => return,
            () = shutdown => {}
        }
        stop.send_replace(true);
        served.await;
    }
}

/// Runs a registry until `shutdown` is ready. Prints one line of JSON on stdout when it accepts
/// connections: `{"ready":true,"addr":…}`.
pub async fn run(
    config: RegistryConfig,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    log(&config.log.level);
    let registry = Registry::bind(&config).await?;
    announce(registry.addr())?;
    registry.serve(shutdown).await;
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
    let filter = EnvFilter::new(format!("error,vault_registry={level}"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// A clock before 1970 makes all evidence not yet valid.
fn host_time() -> UnixSeconds {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixSeconds(since.as_secs())
}
