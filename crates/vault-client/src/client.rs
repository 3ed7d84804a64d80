//! The client of one vault: sessions, tokens, deadlines, repeats, and the judgement of answers.

use crate::calls::rpc::{Repeat, Rpc};
use crate::config::ClientConfig;
use crate::error::{Error, ErrorCode, Result, Retry, wire};
use crate::heads::{HeadStore, SeenHead};
use crate::key::malformed;
use crate::receipt::{self, Answer};
use crate::session::{Peer, Session};
use crate::track::Tracker;
use connectrpc::ConnectError;
use connectrpc::client::CallOptions;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use vault_encoding::{Hash, text};
use vault_policy::VaultId;
use vault_proto::v1;

/// Sendings of one call, the first included.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// One vault, attested. Cheap to clone; clones share the session and the memory.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    config: ClientConfig,
    tracker: Tracker,
    session: Mutex<Option<Arc<Session>>>,
}

/// Why one sending failed.
struct Failed {
    error: Error,
    /// Whether the vault may have seen the call.
    sent: bool,
    /// Whether the vault itself answered.
    answered: bool,
}

impl Failed {
    fn before_sending(error: Error) -> Self {
        Self {
            error,
            sent: false,
            answered: false,
        }
    }
}

/// An answer whose receipt was verified and whose head was accepted.
pub(crate) struct Accepted<A> {
    answer: A,
    receipt: receipt::Receipt,
}

impl<A> Accepted<A> {
    pub(crate) fn try_map<T>(self, map: impl FnOnce(A) -> Result<T>) -> Result<Answer<T>> {
        Ok(Answer {
            value: map(self.answer)?,
            receipt: self.receipt,
        })
    }
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
            }),
        };
        let deadline = client.deadline();
        let mut attempt = 1;
        loop {
            match client.session(deadline).await {
                Ok(_) => return Ok(client),
                Err(error) => {
                    let failed = Failed::before_sending(error);
                    client
                        .pause(Repeat::Reads, failed, &mut attempt, deadline)
                        .await?;
                }
            }
        }
    }

    /// The vault.
    pub fn vault_id(&self) -> VaultId {
        self.shared.config.vault.vault_id
    }

    /// What the evidence of the session at hand says.
    pub async fn peer(&self) -> Result<Peer> {
        Ok(self.session(self.deadline()).await?.peer().clone())
    }

    /// The longest head seen of this vault.
    pub async fn seen(&self) -> Option<SeenHead> {
        self.shared.tracker.seen().await
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

    /// Makes one call, repeating it where that is safe.
    pub(crate) async fn call<R: Rpc>(&self, request: R) -> Result<Accepted<R::Answer>> {
        let deadline = self.deadline();
        let idempotency_key = match R::REPEAT {
            Repeat::Keyed => text::hex(&random::<16>()?),
            Repeat::Reads | Repeat::Uses => String::new(),
        };
        let mut attempt = 1;
        loop {
            match self
                .attempt(request.clone(), &idempotency_key, deadline)
                .await
            {
                Ok(accepted) => return Ok(accepted),
                Err(failed) => {
                    self.pause(R::REPEAT, failed, &mut attempt, deadline)
                        .await?
                }
            }
        }
    }

    async fn attempt<R: Rpc>(
        &self,
        mut request: R,
        idempotency_key: &str,
        deadline: Instant,
    ) -> Result<Accepted<R::Answer>, Failed> {
        let (session, options) = self.ready(deadline).await.map_err(Failed::before_sending)?;
        let seen = self.seen().await;
        request.set_context(v1::CallContext {
            idempotency_key: idempotency_key.to_owned(),
            want_proof: true,
            ..self.context(seen.as_ref())
        });
        let answer = match request.send(&session, options).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.failed(&session, seen, &error).await),
        };
        let judged = self
            .judge(&session, seen.as_ref(), R::receipt(&answer), deadline)
            .await;
        let receipt = judged.map_err(|error| Failed {
            error,
            sent: true,
            answered: true,
        })?;
        Ok(Accepted { answer, receipt })
    }

    /// The context of a call that carries `seen`.
    pub(crate) fn context(&self, seen: Option<&SeenHead>) -> v1::CallContext {
        let seen = seen.map(|seen| v1::SeenHead {
            vault_id: self.vault_id().0.0.to_vec(),
            size: seen.size,
            root: seen.root.0.to_vec(),
            ..Default::default()
        });
        v1::CallContext {
            seen: seen.into(),
            ..Default::default()
        }
    }

    async fn judge(
        &self,
        session: &Session,
        seen: Option<&SeenHead>,
        receipt: Option<&v1::Receipt>,
        deadline: Instant,
    ) -> Result<receipt::Receipt> {
        let receipt = receipt.ok_or_else(|| malformed("receipt"))?;
        let receipt = receipt::verify(receipt.clone(), session.peer())
            .map_err(|error| error.vault(self.vault_id()))?;
        let logged = receipt.logged.as_ref();
        self.accept(session, seen, receipt.head.clone(), logged, deadline)
            .await?;
        Ok(receipt)
    }

    /// Accepts a verified head, fetching consistency proofs on the same session.
    pub(crate) async fn accept(
        &self,
        session: &Session,
        seen: Option<&SeenHead>,
        head: SeenHead,
        logged: Option<&receipt::Logged>,
        deadline: Instant,
    ) -> Result<()> {
        let prove = |old, new| self.fetch_consistency(session, old, new, deadline);
        self.shared.tracker.accept(seen, head, logged, prove).await
    }

    pub(crate) async fn fetch_consistency(
        &self,
        session: &Session,
        old_size: u64,
        new_size: u64,
        deadline: Instant,
    ) -> Result<Vec<Hash>> {
        let request = v1::ProveConsistencyRequest {
            context: self.context(None).into(),
            old_size,
            new_size,
            ..Default::default()
        };
        let options = self.options(deadline).await?;
        let client = v1::AuditServiceClient::new(session.transport(), session.rpc_config());
        let answer = client
            .prove_consistency_with_options(request, options)
            .await
            .map_err(|error| wire::failure(&error).error.vault(self.vault_id()))?
            .into_owned();
        answer
            .proof
            .iter()
            .map(|hash| crate::key::hash(hash, "proof"))
            .collect()
    }

    /// Makes a call that carries no context, such as those that need no token. It reads only.
    pub(crate) async fn plain<A, F, Fut>(&self, send: F) -> Result<A>
    where
        F: Fn(Arc<Session>, CallOptions) -> Fut,
        Fut: Future<Output = Result<A, ConnectError>>,
    {
        let deadline = self.deadline();
        let mut attempt = 1;
        loop {
            let failed = match self.ready(deadline).await {
                Ok((session, options)) => match send(session.clone(), options).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => self.failed(&session, None, &error).await,
                },
                Err(error) => Failed::before_sending(error),
            };
            self.pause(Repeat::Reads, failed, &mut attempt, deadline)
                .await?;
        }
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
                let token = tokens.token().await?;
                options
                    .try_with_header("authorization", format!("Bearer {}", token.secret_text()))
                    .map_err(|_| {
                        Error::new(ErrorCode::Unauthenticated).detail("the token is not one line")
                    })?
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
        if let Some(session) = held.as_ref().filter(|session| !session.is_closed()) {
            return Ok(session.clone());
        }
        *held = None;
        let dial = Session::dial(&self.shared.config);
        let session = tokio::time::timeout(self.left(deadline)?, dial)
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorCode::Timeout)))
            .map_err(|error| error.vault(self.vault_id()))?;
        let session = Arc::new(session);
        *held = Some(session.clone());
        Ok(session)
    }

    async fn failed(
        &self,
        session: &Arc<Session>,
        seen: Option<SeenHead>,
        error: &ConnectError,
    ) -> Failed {
        let failure = wire::failure(error);
        if !failure.answered {
            self.drop_session(session).await;
        }
        let error = failure.error.vault(self.vault_id());
        let rolled = matches!(
            error.code,
            ErrorCode::RollbackDetected | ErrorCode::ForkDetected
        );
        let head = failure
            .head
            .filter(|_| rolled)
            .map(|head| receipt::head(head, session.peer()));
        let error = match (head, seen) {
            (Some(Ok(answered)), Some(seen)) => self
                .shared
                .tracker
                .contradiction(error.code, seen, answered),
            (Some(Err(unsigned)), _) => error.detail(unsigned.message()),
            _ => error,
        };
        Failed {
            error,
            sent: true,
            answered: failure.answered,
        }
    }

    async fn drop_session(&self, session: &Arc<Session>) {
        let mut held = self.shared.session.lock().await;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, session)) {
            *held = None;
        }
    }

    /// Waits where the call may be sent again, and fails where it may not.
    async fn pause(
        &self,
        repeat: Repeat,
        failed: Failed,
        attempt: &mut u32,
        deadline: Instant,
    ) -> Result<()> {
        let wait = FIRST_PAUSE * 3u32.pow(*attempt - 1);
        let wait = failed.error.retry_after.map_or(wait, Duration::from_secs);
        let first = *attempt == 1;
        *attempt += 1;
        let again = *attempt <= ATTEMPTS && may_repeat(repeat, &failed, first);
        if !again || Instant::now() + wait >= deadline {
            return Err(failed.error);
        }
        if failed.error.retry == Retry::Reauthenticate {
            if let Some(tokens) = &self.shared.config.tokens {
                tokens.forget();
            }
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

fn may_repeat(repeat: Repeat, failed: &Failed, first: bool) -> bool {
    match failed.error.retry {
        Retry::Never => false,
        Retry::Reauthenticate => first && failed.answered,
        // A refusal has no effect; a lost answer may have had one.
        Retry::Later => {
            let lost = failed.sent && !failed.answered;
            let late = failed.error.code == ErrorCode::Timeout;
            !late && failed.error.code != ErrorCode::Internal && (!lost || repeat != Repeat::Uses)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: ErrorCode, sent: bool, answered: bool) -> Failed {
        Failed {
            error: Error::new(code),
            sent,
            answered,
        }
    }

    #[test]
    fn a_use_of_a_key_is_not_repeated_when_its_answer_was_lost() {
        let lost = failed(ErrorCode::Unavailable, true, false);
        assert!(!may_repeat(Repeat::Uses, &lost, true));
        assert!(may_repeat(Repeat::Reads, &lost, true));
        assert!(may_repeat(Repeat::Keyed, &lost, true));
        let unsent = failed(ErrorCode::Unavailable, false, false);
        assert!(may_repeat(Repeat::Uses, &unsent, true));
        let refused = failed(ErrorCode::RateLimited, true, true);
        assert!(may_repeat(Repeat::Uses, &refused, true));
    }

    #[test]
    fn a_new_token_is_tried_once_and_a_refusal_never_again() {
        let expired = failed(ErrorCode::TokenExpired, true, true);
        assert!(may_repeat(Repeat::Uses, &expired, true));
        assert!(!may_repeat(Repeat::Uses, &expired, false));
        let denied = failed(ErrorCode::PolicyDenied, true, true);
        assert!(!may_repeat(Repeat::Reads, &denied, true));
    }
}
