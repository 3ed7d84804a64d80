//! One call: sent with what was seen, judged by what comes back.

use super::effects::did_nothing;
use super::repeat::{Failed, Fate, Sendings};
use super::stream::{self, Lost};
use super::{Client, random};
use crate::calls::rpc::{Repeat, Rpc};
use crate::error::{Error, ErrorCode, Result, wire};
use crate::heads::SeenHead;
use crate::key::malformed;
use crate::receipt::{self, Answer, Asked};
use crate::session::Session;
use connectrpc::ConnectError;
use connectrpc::client::CallOptions;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;
use vault_audit::Found;
use vault_encoding::{Hash, text};
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;

/// An answer whose receipt was verified and whose head was accepted.
pub(crate) struct Accepted<A> {
    answer: A,
    receipt: receipt::Receipt,
}

impl<A> Accepted<A> {
    pub(super) fn new(answer: A, receipt: receipt::Receipt) -> Self {
        Self { answer, receipt }
    }

    pub(crate) fn try_map<T>(self, map: impl FnOnce(A) -> Result<T>) -> Result<Answer<T>> {
        Ok(Answer {
            value: map(self.answer)?,
            receipt: self.receipt,
        })
    }
}

/// An error instead of an answer.
pub(super) struct Unsent {
    error: ConnectError,
    /// Whether the vault may have seen the call.
    taken: bool,
}

impl Unsent {
    pub(super) fn unknown(error: ConnectError) -> Self {
        Self { error, taken: true }
    }
}

fn answer<R: Rpc>(outcome: Outcome) -> Result<R::Answer, Unsent> {
    match outcome {
        Outcome::Error(error) => Err(Unsent::unknown(stream::error(*error))),
        outcome => R::outcome(outcome).ok_or_else(|| {
            Unsent::unknown(ConnectError::internal("the answer is one to another call"))
        }),
    }
}

impl Client {
    /// Makes one call, repeating it where that is safe.
    pub(crate) async fn call<R: Rpc>(&self, mut request: R) -> Result<Accepted<R::Answer>> {
        let deadline = self.deadline();
        let repeat = self.repeat_of(R::REPEAT);
        let idempotency_key = match repeat {
            Repeat::Keyed => text::hex(&random::<16>()?),
            Repeat::Reads | Repeat::Uses => String::new(),
        };
        let mut sendings = Sendings::default();
        loop {
            let sent_before = sendings.unsure();
            let asked = self.attempt(&mut request, &idempotency_key, sent_before, deadline);
            match self.counted(repeat, asked).await {
                Ok(accepted) => return Ok(accepted),
                Err(failed) => self.pause(repeat, failed, &mut sendings, deadline).await?,
            }
        }
    }

    /// The first call that a vault takes spends the approval that it carries.
    fn repeat_of(&self, repeat: Repeat) -> Repeat {
        match repeat {
            Repeat::Reads if self.approval.is_some() => Repeat::Uses,
            other => other,
        }
    }

    /// Makes one attempt, and counts it as an effect unless it certainly had none.
    pub(super) async fn counted<T>(
        &self,
        repeat: Repeat,
        attempt: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        if repeat == Repeat::Reads {
            return attempt.await;
        }
        self.effects.begin();
        let result = attempt.await;
        if matches!(&result, Err(failed) if !failed.fate.may_be_done()) {
            self.effects.undo();
        }
        result
    }

    async fn attempt<R: Rpc>(
        &self,
        request: &mut R,
        idempotency_key: &str,
        sent_before: bool,
        deadline: Instant,
    ) -> Result<Accepted<R::Answer>, Failed> {
        let ready = self.ready_to_use(deadline).await;
        let (session, options) = ready.map_err(Failed::before_sending)?;
        let seen = self.seen().await;
        request.set_context(v1::CallContext {
            idempotency_key: idempotency_key.to_owned(),
            want_proof: true,
            approval: self.approval.as_deref().cloned().into(),
            ..self.context(seen.as_ref())
        });
        let answer = match self.send(&session, request, options, deadline).await {
            Ok(answer) => answer,
            Err(unsent) => return Err(self.unsent(&session, seen, unsent, deadline).await),
        };
        let asked = Asked {
            form: request.form(),
            logs: R::REPEAT != Repeat::Reads,
            sent_before,
        };
        let judged = self
            .judge(
                &session,
                seen.as_ref(),
                R::receipt(&answer),
                &asked,
                deadline,
            )
            .await;
        let receipt = judged.map_err(|error| Failed {
            error,
            fate: Fate::Answered,
        })?;
        Ok(Accepted { answer, receipt })
    }

    /// Over the session's stream where that is served, or as a call of its own.
    async fn send<R: Rpc>(
        &self,
        session: &Arc<Session>,
        request: &R,
        options: CallOptions,
        deadline: Instant,
    ) -> Result<R::Answer, Unsent> {
        if let Some(call) = request.operation()
            && let Some(open) = session.operating(&options).await.map_err(Unsent::unknown)?
        {
            let left = deadline.saturating_duration_since(Instant::now());
            match open.call(call, left).await {
                Ok(outcome) => return answer::<R>(outcome),
                Err(Lost::NotServed) => session.without_stream(),
                Err(Lost::NotTaken(error)) => {
                    return Err(Unsent {
                        error,
                        taken: false,
                    });
                }
                Err(Lost::Unknown(error)) => return Err(Unsent::unknown(error)),
            }
        }
        let sent = request.clone().send(session, options).await;
        sent.map_err(Unsent::unknown)
    }

    pub(super) async fn unsent(
        &self,
        session: &Arc<Session>,
        seen: Option<SeenHead>,
        unsent: Unsent,
        deadline: Instant,
    ) -> Failed {
        let mut failed = self.failed(session, seen, &unsent.error, deadline).await;
        if !unsent.taken && failed.error.code == ErrorCode::Unavailable {
            // The vault ends the connection.
            self.drop_session(session).await;
        }
        if !unsent.taken && failed.fate.may_be_done() {
            failed.fate = Fate::NotTaken;
        }
        failed
    }

    /// The context of a call that carries `seen`.
    pub(crate) fn context(&self, seen: Option<&SeenHead>) -> v1::CallContext {
        v1::CallContext {
            seen: self.told(seen).into(),
            ..Default::default()
        }
    }

    /// A head that was seen, as it goes out.
    pub(crate) fn told(&self, seen: Option<&SeenHead>) -> Option<v1::SeenHead> {
        seen.map(|seen| v1::SeenHead {
            vault_id: self.vault_id().0.0.to_vec(),
            size: seen.size,
            root: seen.root.0.to_vec(),
            ..Default::default()
        })
    }

    pub(super) async fn judge(
        &self,
        session: &Session,
        seen: Option<&SeenHead>,
        receipt: Option<&v1::Receipt>,
        asked: &Asked,
        deadline: Instant,
    ) -> Result<receipt::Receipt> {
        let receipt = receipt.ok_or_else(|| malformed("receipt"))?;
        let receipt = receipt::verify(receipt.clone(), session, asked)
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
        let (tracker, shown) = (&self.shared.tracker, session.showing());
        tracker.accept(seen, head, logged, &shown, prove).await
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

    /// Makes a call that reads, and whose answer carries no receipt. `seen` is what it carries.
    pub(crate) async fn plain<A, F, Fut>(&self, seen: Option<SeenHead>, send: F) -> Result<A>
    where
        F: Fn(Arc<Session>, CallOptions) -> Fut,
        Fut: Future<Output = Result<A, ConnectError>>,
    {
        let deadline = self.deadline();
        let mut sendings = Sendings::default();
        loop {
            let failed = match self.ready(deadline).await {
                Ok((session, options)) => match send(session.clone(), options).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => self.failed(&session, seen.clone(), &error, deadline).await,
                },
                Err(error) => Failed::before_sending(error),
            };
            self.pause(Repeat::Reads, failed, &mut sendings, deadline)
                .await?;
        }
    }

    /// What a failed sending means. The head that comes with an error is judged like any other.
    pub(crate) async fn failed(
        &self,
        session: &Arc<Session>,
        seen: Option<SeenHead>,
        error: &ConnectError,
        deadline: Instant,
    ) -> Failed {
        let failure = wire::failure(error);
        if !failure.answered {
            self.drop_session(session).await;
        }
        // Whatever comes of its head, it is the vault's own word that counts.
        let said = failure.error.code;
        let refused = failure.answered && did_nothing(said);
        let error = failure.error.vault(self.vault_id());
        let error = match failure.head {
            Some(head) => self.judge_head(session, seen, head, error, deadline).await,
            None => error,
        };
        let fate = match refused {
            true => Fate::Refused,
            false if error.code != said => Fate::Answered,
            false => Fate::Unknown,
        };
        Failed { error, fate }
    }

    async fn judge_head(
        &self,
        session: &Session,
        seen: Option<SeenHead>,
        head: v1::Head,
        error: Error,
        deadline: Instant,
    ) -> Error {
        let head = match session.head(head) {
            Ok(head) => head,
            Err(unsigned) => return error.detail(unsigned.message()),
        };
        let rolled = matches!(
            error.code,
            ErrorCode::RollbackDetected | ErrorCode::ForkDetected
        );
        match (rolled, seen) {
            (true, Some(seen)) => {
                let (tracker, shown) = (&self.shared.tracker, session.showing());
                tracker.contradiction(error.code, Found::Refusal, seen, head, &shown)
            }
            (true, None) => error,
            (false, seen) => {
                match self
                    .accept(session, seen.as_ref(), head, None, deadline)
                    .await
                {
                    Ok(()) => error,
                    Err(worse) => worse,
                }
            }
        }
    }
}
