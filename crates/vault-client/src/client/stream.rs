//! The hot calls of one session over one `Operate` stream: many share a write, a TLS record and a
//! read. A stream belongs to the token that it was opened with.

use connectrpc::client::{BidiRecvHalf, BidiSendHalf, CallOptions};
use connectrpc::{ConnectError, ErrorCode as Rpc};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use hyper::body::Incoming;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;
use vault_proto::v1::__buffa::view::OperateResponseView;

type Answered = oneshot::Receiver<Option<Outcome>>;
type Receive = BidiRecvHalf<Incoming, OperateResponseView<'static>>;

/// Why a call has no outcome.
#[derive(Clone, Debug)]
pub(crate) enum Lost {
    /// The vault serves no such stream now; it has not taken the call.
    NotServed,
    /// The vault has not taken the call.
    NotTaken(ConnectError),
    /// It may have had its effect.
    Unknown(ConnectError),
}

/// One open stream.
pub(crate) struct Operating {
    authorization: Option<HeaderValue>,
    sending: tokio::sync::Mutex<BidiSendHalf<v1::OperateRequest>>,
    /// A vault takes so many without an answer. What it does not take must not wait in its
    /// buffers: HTTP/2 ends connections on which many short frames are not read.
    turns: Semaphore,
    calls: Arc<Calls>,
    reader: AbortHandle,
}

/// Calls without an answer.
#[derive(Default)]
struct Calls {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Option<Outcome>>>,
    /// Whether any call was answered.
    served: bool,
    ended: Option<Lost>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> Result<(u64, Answered), Lost> {
        let mut state = self.lock();
        if let Some(ended) = &state.ended {
            // What was not sent is certainly not taken.
            return Err(match ended.clone() {
                Lost::Unknown(error) => Lost::NotTaken(error),
                ended => ended,
            });
        }
        let id = state.next;
        state.next += 1;
        let (answer, answered) = oneshot::channel();
        state.waiting.insert(id, answer);
        Ok((id, answered))
    }

    /// Answers of calls that nobody waits for any more are dropped.
    fn answer(&self, response: v1::OperateResponse) {
        let mut state = self.lock();
        state.served = true;
        let waiting = state.waiting.remove(&response.id);
        drop(state);
        if let Some(waiting) = waiting {
            let _ = waiting.send(response.outcome);
        }
    }

    fn end(&self, ended: Lost) {
        let mut state = self.lock();
        state.ended = Some(ended);
        state.waiting.clear();
    }

    fn ended(&self) -> Option<Lost> {
        self.lock().ended.clone()
    }
}

/// A call that forgets its id when nobody waits for it any more.
struct Entered<'a> {
    calls: &'a Calls,
    id: u64,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.calls.lock().waiting.remove(&self.id);
    }
}

impl Operating {
    /// Opens a stream with the token of `options`. Nothing is waited for: a refusal is what the
    /// first calls get.
    pub(crate) async fn open<T>(
        client: &v1::CryptoServiceClient<T>,
        options: &CallOptions,
    ) -> Result<Self, ConnectError>
    where
        T: connectrpc::client::ClientTransport<ResponseBody = Incoming>,
    {
        let authorization = options.headers().get(AUTHORIZATION).cloned();
        let opening = match &authorization {
            // The deadline is that of one call.
            Some(token) => CallOptions::default().with_header(AUTHORIZATION, token.clone()),
            None => CallOptions::default(),
        };
        let stream = client.operate_with_options(opening).await?;
        let (sending, receiving) = stream.into_split();
        let calls = Arc::<Calls>::default();
        let reader = tokio::spawn(read(receiving, calls.clone())).abort_handle();
        Ok(Self {
            authorization,
            sending: tokio::sync::Mutex::new(sending),
            turns: Semaphore::new(vault_proto::OPERATE_CALLS),
            calls,
            reader,
        })
    }

    /// Whether calls with the token of `options` may go over it.
    pub(crate) fn is_for(&self, options: &CallOptions) -> bool {
        let same = self.authorization.as_ref() == options.headers().get(AUTHORIZATION);
        same && self.calls.ended().is_none()
    }

    /// Makes one call; gives up after `longest`.
    pub(crate) async fn call(&self, call: Call, longest: Duration) -> Result<Outcome, Lost> {
        let (id, answered) = self.calls.enter()?;
        let entered = Entered {
            calls: &self.calls,
            id,
        };
        let outcome = timeout(longest, self.exchange(id, call, answered)).await;
        drop(entered);
        outcome.unwrap_or_else(|_| {
            let late = ConnectError::deadline_exceeded("no answer in time");
            Err(Lost::Unknown(late))
        })
    }

    async fn exchange(&self, id: u64, call: Call, answered: Answered) -> Result<Outcome, Lost> {
        let message = v1::OperateRequest {
            id,
            call: Some(call),
            ..Default::default()
        };
        // Never closed.
        let _turn = self.turns.acquire().await.ok();
        let sent = self.sending.lock().await.send(message).await;
        // When sending fails the stream has ended, and its reader says why.
        let unsent = sent.is_err();
        match (answered.await, self.calls.ended()) {
            (Ok(Some(outcome)), _) => Ok(outcome),
            // Answered, with nothing: however the stream ends after that.
            (Ok(None), _) => Err(Lost::Unknown(ConnectError::internal("an empty answer"))),
            (Err(_), Some(Lost::Unknown(error))) if unsent => Err(Lost::NotTaken(error)),
            (Err(_), Some(ended)) => Err(ended),
            (Err(_), None) => Err(Lost::Unknown(ConnectError::unavailable("no answer"))),
        }
    }
}

impl Drop for Operating {
    /// Nobody waits for anything any more.
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(mut receiving: Receive, calls: Arc<Calls>) {
    let ended = loop {
        match receiving.message::<v1::OperateResponse>().await {
            Ok(Some(response)) => calls.answer(response.to_owned_message()),
            // A vault that ends a stream says why.
            Ok(None) => break Lost::Unknown(ConnectError::unavailable("the stream ended")),
            Err(error) => break lost(error, calls.lock().served),
        }
    };
    calls.end(ended);
}

/// A vault that ends a stream says why, and has answered what it took.
fn lost(error: ConnectError, served: bool) -> Lost {
    if error.code == Rpc::Unimplemented && !served {
        return Lost::NotServed;
    }
    let Some(detail) = vault_proto::detail_of(&error) else {
        return Lost::Unknown(error);
    };
    let refused = matches!(
        detail.code.as_known(),
        Some(v1::ErrorCode::ERROR_CODE_INVALID_ARGUMENT | v1::ErrorCode::ERROR_CODE_RATE_LIMITED)
    );
    match refused && !served {
        true => Lost::NotServed,
        false => Lost::NotTaken(error),
    }
}

/// The error of one call, as a call of its own would have got it.
pub(crate) fn error(error: v1::OperateError) -> ConnectError {
    match error.detail.into_option() {
        Some(detail) => vault_proto::to_connect_error(&detail, &error.message),
        None => {
            let code = Rpc::from_grpc_code(error.grpc_code).unwrap_or(Rpc::Unknown);
            ConnectError::new(code, error.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: v1::ErrorCode) -> ConnectError {
        let detail = v1::ErrorDetail {
            code: code.into(),
            ..Default::default()
        };
        vault_proto::to_connect_error(&detail, "no")
    }

    #[test]
    fn only_a_vault_that_says_why_a_stream_ends_has_not_taken_what_it_has_not_answered() {
        for served in [false, true] {
            let cut = lost(ConnectError::unavailable("reset"), served);
            assert!(matches!(cut, Lost::Unknown(_)), "{cut:?}");
            let ended = lost(said(v1::ErrorCode::ERROR_CODE_TOKEN_EXPIRED), served);
            assert!(matches!(ended, Lost::NotTaken(_)), "{ended:?}");
        }
    }

    #[test]
    fn what_a_vault_has_answered_calls_on_it_serves() {
        let refusals = || {
            [
                ConnectError::unimplemented("no such method"),
                said(v1::ErrorCode::ERROR_CODE_INVALID_ARGUMENT),
                said(v1::ErrorCode::ERROR_CODE_RATE_LIMITED),
            ]
        };
        for refusal in refusals() {
            assert!(matches!(lost(refusal, false), Lost::NotServed));
        }
        for refusal in refusals() {
            assert!(!matches!(lost(refusal, true), Lost::NotServed));
        }
    }

    #[tokio::test]
    async fn an_empty_answer_is_an_answer_however_the_stream_ends_then() {
        let calls = Calls::default();
        let (id, answered) = calls.enter().unwrap();
        calls.answer(v1::OperateResponse {
            id,
            ..Default::default()
        });
        calls.end(Lost::NotTaken(ConnectError::unavailable("later")));
        assert!(answered.await.unwrap().is_none());
        assert!(matches!(calls.enter(), Err(Lost::NotTaken(_))));
    }
}
