//! Dials an endpoint and appraises what answers, as any client does.

use crate::book::Found;
use crate::endpoint::Endpoint;
use crate::pace::{Dial, Pace, Turn};
use crate::refused::Refused;
use crate::source::Source;
use ratls::tls::{self, Clock, ExpectedVault, Trust};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep_until, timeout_at};
use vault_policy::VaultId;

/// Dials for sources.
pub(crate) struct Dialler {
    trust: Trust,
    limit: Duration,
    pace: Arc<Pace>,
    now: Clock,
}

impl Dialler {
    pub(crate) fn new(trust: Trust, limit: Duration, pace: Arc<Pace>, now: Clock) -> Self {
        Self {
            trust,
            limit,
            pace,
            now,
        }
    }

    /// What answers at `endpoint`, if it is a vault, and `vault` if that is named. A dial that
    /// fails is answered when the time for it is over, however early it failed and whatever of,
    /// and takes its turn until then: neither words nor time nor the room that it leaves tell a
    /// closed port from an open one.
    pub(crate) async fn find(
        &self,
        endpoint: &Endpoint,
        vault: Option<VaultId>,
        dial: Dial,
        source: Source,
    ) -> Result<Found, Refused> {
        let turn = Arc::new(self.pace.dial(dial, source).ok_or(Refused::Pace)?);
        let deadline = Instant::now() + self.limit;
        let found = timeout_at(deadline, self.appraise(endpoint, vault, turn.clone())).await;
        let found = match found {
            Ok(Some(found)) => Ok(found),
            Ok(None) | Err(_) => {
                sleep_until(deadline).await;
                Err(Refused::NoVault)
            }
        };
        drop(turn);
        found
    }

    async fn appraise(
        &self,
        endpoint: &Endpoint,
        vault: Option<VaultId>,
        turn: Arc<Turn>,
    ) -> Option<Found> {
        let addresses = resolve(endpoint.clone(), turn).await?;
        let tcp = TcpStream::connect(&addresses[..]).await.ok()?;
        let expected = match vault {
            Some(vault) => ExpectedVault::vault(vault),
            None => ExpectedVault::danger_any_vault(),
        };
        let config = tls::ClientConfig {
            handshake_timeout: self.limit,
            preamble_timeout: self.limit,
            ..tls::ClientConfig::new(self.trust.clone(), expected, self.now.clone())
        };
        match tls::connect_tcp(tcp, &config).await {
            Ok(attested) => {
                let seen = attested.facts.evidence.claims();
                Some(Found {
                    vault_id: attested.facts.vault_id,
                    measurement: seen.mrenclave()?,
                    platform_id: seen.platform_id,
                })
            }
            Err(error) => {
                tracing::debug!(code = error.code(), "what was announced is no vault");
                None
            }
        }
    }
}

/// The addresses of an endpoint. A look-up cannot be cancelled, and holds its turn until it ends:
/// slow name servers of a stranger's choosing take no more threads than there are turns.
async fn resolve(endpoint: Endpoint, turn: Arc<Turn>) -> Option<Vec<SocketAddr>> {
    let looking = tokio::spawn(async move {
        let addresses = lookup_host(endpoint.as_str()).await;
        drop(turn);
        Some(addresses.ok()?.collect())
    });
    looking.await.ok()?
}
