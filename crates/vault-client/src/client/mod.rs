//! The client of one vault: its session, its tokens, its memory.

mod batch;
mod call;
mod effects;
mod hold;
mod repeat;
pub(crate) mod stream;

use crate::calls::approval_to_wire;
use crate::calls::rpc::Repeat;
use crate::config::ClientConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::{HeadStore, SeenHead};
use crate::session::{Peer, Session};
use crate::track::Tracker;
use connectrpc::client::CallOptions;
pub(crate) use effects::{Effects, did_nothing};
use repeat::{Failed, Sendings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use vault_approval::Approval;
use vault_policy::VaultId;
use vault_proto::v1;

/// One vault, attested. Cheap to clone; clones share the session and the memory.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    effects: Effects,
    approval: Option<Arc<v1::Approval>>,
}

struct Shared {
    config: ClientConfig,
    tracker: Tracker,
    session: Mutex<Option<Arc<Session>>>,
    attestations: AtomicU64,
    /// The number of the newest session.
    newest: AtomicU64,
}

impl Client {
    /// Connects, appraises the vault's evidence on this connection, and compares it with what is
    /// pinned. There is no other way to a client.
    pub async fn connect(config: ClientConfig) -> Result<Self> {
        let tracker = Tracker::open(config.vault.vault_id, config.heads.clone())?;
        let client = Self {
            shared: Arc::new(Shared {
                config,
                tracker,
                session: Mutex::new(None),
                attestations: AtomicU64::new(0),
                newest: AtomicU64::new(0),
            }),
            effects: Effects::default(),
            approval: None,
        };
        let deadline = client.deadline();
        let mut sendings = Sendings::default();
        loop {
            match client.session(deadline).await {
                Ok(_) => return Ok(client),
                Err(error) => {
                    let failed = Failed::before_sending(error);
                    client
                        .pause(Repeat::Reads, failed, &mut sendings, deadline)
                        .await?;
                }
            }
        }
    }

    /// The vault.
    pub fn vault_id(&self) -> VaultId {
        self.shared.config.vault.vault_id
    }

    /// Where it is reached.
    pub fn endpoint(&self) -> &str {
        &self.shared.config.endpoint
    }

    /// Whether its session stands, without making a new one or waiting for one that is being made.
    pub(crate) fn is_live(&self) -> bool {
        match self.shared.session.try_lock() {
            Ok(held) => held.as_ref().is_some_and(|session| !session.is_over()),
            Err(_) => true,
        }
    }

    /// What the evidence of the session at hand says.
    pub async fn peer(&self) -> Result<Peer> {
        Ok(self.session(self.deadline()).await?.peer().clone())
    }

    /// How often the vault was attested: once for each connection. It rises when a lost connection
    /// is replaced, which is never done without a new appraisal.
    pub fn attestations(&self) -> u64 {
        self.shared.attestations.load(Ordering::Relaxed)
    }

    /// Tells its newest session apart from every other one of this process.
    pub(crate) fn session_number(&self) -> u64 {
        self.shared.newest.load(Ordering::Relaxed)
    }

    /// The longest head seen of this vault.
    pub async fn seen(&self) -> Option<SeenHead> {
        self.shared.tracker.seen().await
    }

    /// The same client, with a count of its own of what it may have changed.
    pub(crate) fn watched(&self) -> (Self, Effects) {
        let effects = Effects::default();
        let watched = Self {
            shared: self.shared.clone(),
            effects: effects.clone(),
            approval: self.approval.clone(),
        };
        (watched, effects)
    }

    /// The same client, whose next call carries this approval. The approval is of one exact call, and
    /// the vault takes it once: a second call with it is refused, and so is any other.
    #[must_use]
    pub fn approved(&self, approval: &Approval) -> Self {
        Self {
            approval: Some(Arc::new(approval_to_wire(approval))),
            ..self.clone()
        }
    }

    pub(crate) fn heads(&self) -> &HeadStore {
        &self.shared.config.heads
    }

    pub(crate) fn tracker(&self) -> &Tracker {
        &self.shared.tracker
    }

    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.shared.config.timeout
    }

    /// An attested session, and options with deadline and token.
    pub(crate) async fn ready(&self, deadline: Instant) -> Result<(Arc<Session>, CallOptions)> {
        let options = self.options(deadline).await?;
        let session = self.session(deadline).await?;
        Ok((session, options))
    }

    async fn options(&self, deadline: Instant) -> Result<CallOptions> {
        let options = CallOptions::default();
        let options = match &self.shared.config.tokens {
            Some(tokens) => {
                let fetched =
                    tokio::time::timeout(self.left(deadline)?, tokens.token_for(self.vault_id()))
                        .await;
                let token = fetched.unwrap_or_else(|_| {
                    Err(Error::new(ErrorCode::Timeout).detail("no token in time"))
                })?;
                options.with_header(http::header::AUTHORIZATION, token.header()?)
            }
            None => options,
        };
        Ok(options.with_timeout(self.left(deadline)?))
    }

    fn left(&self, deadline: Instant) -> Result<Duration> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::new(ErrorCode::Timeout).vault(self.vault_id()));
        }
        Ok(left)
    }

    /// The session at hand, or a new one: connection, preamble and appraisal anew.
    async fn session(&self, deadline: Instant) -> Result<Arc<Session>> {
        let mut held = self.shared.session.lock().await;
        if let Some(session) = held.as_ref().filter(|session| !session.is_over()) {
            return Ok(session.clone());
        }
        *held = None;
        let dial = Session::dial(&self.shared.config);
        let session = tokio::time::timeout(self.left(deadline)?, dial)
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorCode::Timeout)))
            .map_err(|error| error.vault(self.vault_id()))?;
        self.shared.attestations.fetch_add(1, Ordering::Relaxed);
        self.shared
            .newest
            .store(session.number(), Ordering::Relaxed);
        self.shared.tracker.read_again();
        let session = Arc::new(session);
        *held = Some(session.clone());
        Ok(session)
    }

    async fn drop_session(&self, session: &Arc<Session>) {
        let mut held = self.shared.session.lock().await;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, session)) {
            *held = None;
        }
    }
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::new(ErrorCode::Internal).detail("no randomness"))?;
    Ok(bytes)
}
