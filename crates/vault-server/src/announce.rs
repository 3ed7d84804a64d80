//! Tells registries where this vault is, for as long as it runs. A registry that does not answer,
//! or lies, costs a line in the log and nothing else: serving never waits for one.

use crate::config::RegistryConfig;
use connectrpc::ConnectError;
use connectrpc::client::{ClientConfig, HttpClient};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use vault_policy::VaultId;
use vault_proto::v1::{self, RegistryServiceClient};
use vault_proto::{code_name, detail_of};

/// Longest call: the registry dials back while it lasts.
const CALL: Duration = Duration::from_secs(90);
/// Longest answer.
const ANSWER: usize = 4 << 10;
/// The first wait after a failure; each next one is twice as long.
const SHORTEST_WAIT: u64 = 1;
/// The longest wait after a failure.
const LONGEST_WAIT: u64 = 60;
/// Longest time between two heartbeats, whatever the registry says of its TTL.
const LONGEST_BEAT: u64 = 3600;

/// Announces `vault` to every registry until the answer is dropped: at the configured endpoint, or
/// without one at `bound`, where it listens.
pub(crate) fn start(config: &RegistryConfig, bound: SocketAddr, vault: VaultId) -> JoinSet<()> {
    let mut announcing = JoinSet::new();
    let endpoint = config.endpoint.clone().unwrap_or_else(|| bound.to_string());
    for registry in &config.announce {
        match Announcement::new(registry, &endpoint, vault) {
            Some(announcement) => {
                announcing.spawn(announcement.keep());
            }
            None => tracing::warn!(registry, "is not the address of a registry"),
        }
    }
    announcing
}

/// One registry, and what it is told.
struct Announcement {
    registry: String,
    client: RegistryServiceClient<HttpClient>,
    endpoint: String,
    vault: VaultId,
}

/// Why a registry does not list this vault.
#[derive(Debug, thiserror::Error)]
enum Unlisted {
    #[error("no answer")]
    Silent,
    #[error("{0}")]
    Refused(String),
    #[error("another vault answers at the announced endpoint")]
    OtherVault,
}

impl Announcement {
    fn new(registry: &str, endpoint: &str, vault: VaultId) -> Option<Self> {
        let base: http::Uri = registry.parse().ok()?;
        if base.scheme_str() != Some("http") || base.host().is_none_or(str::is_empty) {
            return None;
        }
        let config = ClientConfig::new(base).with_default_max_message_size(ANSWER);
        Some(Self {
            registry: registry.to_owned(),
            client: RegistryServiceClient::new(HttpClient::plaintext(), config),
            endpoint: endpoint.to_owned(),
            vault,
        })
    }

    async fn keep(self) {
        let mut failures = 0;
        loop {
            let told = timeout(CALL, self.tell()).await;
            let wait = match told.unwrap_or(Err(Unlisted::Silent)) {
                Ok(ttl) => {
                    if failures > 0 {
                        tracing::info!(registry = self.registry, "listed again");
                    }
                    failures = 0;
                    between_beats(ttl)
                }
                Err(error) => {
                    // Once for each time that it is lost, not for each try.
                    if failures == 0 {
                        tracing::warn!(registry = self.registry, %error, "not listed");
                    }
                    failures += 1;
                    back_off(failures)
                }
            };
            sleep(wait).await;
        }
    }

    /// A heartbeat, or where the registry knows nothing of this vault, an announcement. The
    /// heartbeat comes first: it renews the entry even where there is no room for a new one.
    async fn tell(&self) -> Result<u64, Unlisted> {
        let beat = v1::HeartbeatRequest {
            vault_id: self.vault.0.as_bytes().to_vec(),
            endpoint: self.endpoint.clone(),
            ..Default::default()
        };
        match self.client.heartbeat(beat).await {
            Ok(answer) => return Ok(answer.into_owned().ttl),
            Err(error) if is_unknown(&error) => {}
            Err(error) => return Err(refused(&error)),
        }
        let announced = v1::RegisterVaultRequest {
            endpoint: self.endpoint.clone(),
            ..Default::default()
        };
        let answer = self.client.register_vault(announced).await;
        let answer = answer.map_err(|error| refused(&error))?.into_owned();
        let listed = answer.entry.as_option().map(|entry| &entry.vault_id[..]);
        match listed == Some(self.vault.0.as_bytes()) {
            true => Ok(answer.ttl),
            false => Err(Unlisted::OtherVault),
        }
    }
}

fn between_beats(ttl: u64) -> Duration {
    Duration::from_secs((ttl / 3).clamp(1, LONGEST_BEAT))
}

fn back_off(failures: u32) -> Duration {
    let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(0);
    let seconds = match doubled {
        0 => LONGEST_WAIT,
        doubled => (SHORTEST_WAIT * doubled.min(LONGEST_WAIT)).min(LONGEST_WAIT),
    };
    Duration::from_secs(seconds)
}

fn is_unknown(error: &ConnectError) -> bool {
    let code = detail_of(error).and_then(|detail| detail.code.as_known());
    code == Some(v1::ErrorCode::ERROR_CODE_NOT_FOUND)
}

/// By the name of its code: what the registry wrote beside it stays out of the log.
fn refused(error: &ConnectError) -> Unlisted {
    match detail_of(error).and_then(|detail| detail.code.as_known()) {
        Some(code) => Unlisted::Refused(code_name(code)),
        None => Unlisted::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_come_three_times_a_ttl_and_never_without_a_pause() {
        assert_eq!(between_beats(60), Duration::from_secs(20));
        assert_eq!(between_beats(0), Duration::from_secs(1));
        assert_eq!(between_beats(u64::MAX), Duration::from_secs(LONGEST_BEAT));
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits = [1, 2, 3, 6, 7, 64, 1000].map(|failures| back_off(failures).as_secs());
        assert_eq!(waits, [1, 2, 4, 32, 60, 60, 60]);
    }
}
