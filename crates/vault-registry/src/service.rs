//! `RegistryService`.

use crate::book::{Beat, Book, Entry, Place};
use crate::config::{ConfigError, RegistryConfig};
use crate::dial::Dialler;
use crate::endpoint::Endpoint;
use crate::pace::{Dial, Pace};
use crate::refused::Refused;
use crate::source::Source;
use connectrpc::{ConnectError, RequestContext, Response, ServiceRequest, ServiceResult};
use ratls::tls::Clock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use vault_policy::{UnixSeconds, VaultId};
use vault_proto::v1::{self, RegistryService};

/// Implements the service.
#[derive(Clone)]
pub(crate) struct Service(Arc<State>);

struct State {
    book: Mutex<Book>,
    dialler: Dialler,
    pace: Arc<Pace>,
    page: u32,
    now: Clock,
}

impl Service {
    pub(crate) fn new(
        config: &RegistryConfig,
        pace: Arc<Pace>,
        now: Clock,
    ) -> Result<Self, ConfigError> {
        let limits = config.limits;
        let longest = Duration::from_secs(limits.dial_seconds);
        let dialler = Dialler::new(config.trust()?, longest, pace.clone(), now.clone());
        let book = Book::new(limits, config.ttl_seconds, config.appraisal_seconds);
        Ok(Self(Arc::new(State {
            book: Mutex::new(book),
            dialler,
            pace,
            page: limits.page,
            now,
        })))
    }

    /// Who asks, if it may.
    fn admit(&self, rpc: &RequestContext) -> Result<Source, Refused> {
        let source = rpc.extensions().get::<Source>().copied();
        let source = source.ok_or(Refused::Internal)?;
        match self.0.pace.admits(source, self.now()) {
            true => Ok(source),
            false => Err(Refused::Pace),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> UnixSeconds {
        (self.0.now)()
    }

    async fn register(&self, endpoint: &str, source: Source) -> Result<(Entry, u64), Refused> {
        let endpoint = Endpoint::parse(endpoint).ok_or(Refused::Endpoint)?;
        let room = self.book().has_room(source, self.now());
        if room.is_err() && !self.book().lists(&endpoint, self.now()) {
            return Err(Refused::Full);
        }
        let entry = self
            .appraise(endpoint, None, Dial::Announced, source)
            .await?;
        Ok((entry, self.book().ttl()))
    }

    async fn beat(&self, vault: &[u8], endpoint: &str, source: Source) -> Result<u64, Refused> {
        let hash = vault_proto::hash("vault_id", vault).map_err(|_| Refused::VaultId)?;
        let vault = VaultId(hash);
        let endpoint = Endpoint::parse(endpoint).ok_or(Refused::Endpoint)?;
        let beat = self.book().beat(vault, &endpoint, self.now());
        match beat {
            Beat::Extended => {}
            Beat::Unknown => return Err(Refused::Unknown),
            Beat::Elsewhere => {
                self.appraise(endpoint, Some(vault), Dial::Announced, source)
                    .await?;
            }
            Beat::Again => self.again(vault, endpoint, source).await?,
        }
        Ok(self.book().ttl())
    }

    /// Dials a listed endpoint again. That there is no turn is not the vault's fault.
    async fn again(
        &self,
        vault: VaultId,
        endpoint: Endpoint,
        source: Source,
    ) -> Result<(), Refused> {
        let dialled = self.appraise(endpoint.clone(), Some(vault), Dial::Listed, source);
        match dialled.await {
            Err(Refused::Pace) if self.book().spare(vault, &endpoint, self.now()) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn appraise(
        &self,
        endpoint: Endpoint,
        vault: Option<VaultId>,
        dial: Dial,
        source: Source,
    ) -> Result<Entry, Refused> {
        let found = self.0.dialler.find(&endpoint, vault, dial, source).await?;
        let now = self.now();
        let put = self.book().put(endpoint, found, source, now);
        let entry = put.map_err(|_| Refused::Full)?;
        tracing::debug!(vault = %found.vault_id, "listed");
        Ok(entry)
    }

    fn list(&self, request: &v1::ListVaultsRequest) -> Result<v1::ListVaultsResponse, Refused> {
        let size = match request.page_size {
            0 => self.0.page,
            asked if asked <= vault_proto::PAGE => asked,
            _ => return Err(Refused::Page),
        };
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(place(token).ok_or(Refused::Page)?),
        };
        let (page, more) = self.book().page(after, size as usize, self.now());
        let last = page.last().filter(|_| more);
        Ok(v1::ListVaultsResponse {
            next_page_token: last.map_or_else(String::new, token),
            vaults: page.iter().map(wire).collect(),
            ..Default::default()
        })
    }
}

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl RegistryService for Service {
    async fn register_vault(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::RegisterVaultRequest>,
    ) -> ServiceResult<v1::RegisterVaultResponse> {
        let source = self.admit(&rpc)?;
        let (entry, ttl) = self.register(request.endpoint, source).await?;
        Response::ok(v1::RegisterVaultResponse {
            entry: wire(&entry).into(),
            ttl,
            ..Default::default()
        })
    }

    async fn heartbeat(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::HeartbeatRequest>,
    ) -> ServiceResult<v1::HeartbeatResponse> {
        let source = self.admit(&rpc)?;
        let ttl = self
            .beat(request.vault_id, request.endpoint, source)
            .await?;
        Response::ok(v1::HeartbeatResponse {
            ttl,
            ..Default::default()
        })
    }

    async fn list_vaults(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ListVaultsRequest>,
    ) -> ServiceResult<v1::ListVaultsResponse> {
        self.admit(&rpc)?;
        let listed = self.list(&request.to_owned_message());
        Response::ok(listed.map_err(ConnectError::from)?)
    }
}

/// Says behind which entry the next page begins.
fn token(last: &Entry) -> String {
    format!("{}/{}", last.found.vault_id, last.endpoint)
}

fn place(token: &str) -> Option<Place> {
    let (vault, endpoint) = token.split_once('/')?;
    Some((vault.parse().ok()?, Endpoint::parse(endpoint)?))
}

/// A token, written again, for the fuzzer.
#[cfg(feature = "fuzzing")]
pub fn reread(token: &str) -> Option<String> {
    place(token).map(|(vault, endpoint)| format!("{vault}/{endpoint}"))
}

fn wire(entry: &Entry) -> v1::VaultEntry {
    let found = &entry.found;
    v1::VaultEntry {
        endpoint: entry.endpoint.to_string(),
        vault_id: found.vault_id.0.as_bytes().to_vec(),
        measurement: found.measurement.0.as_bytes().to_vec(),
        platform_id: found.platform_id.0.as_bytes().to_vec(),
        expires_at: entry.expires_at.0,
        ..Default::default()
    }
}
