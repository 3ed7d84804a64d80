//! HTTP/2 over one attested stream. It never dials: when the stream ends, every call fails, and
//! only a new session with a new preamble brings calls back. Requests whose token is bound to a
//! key get their proof here, where the path is known and every answer passes.

use crate::token::{ConnectionProofs, ProofKey, bound_token};
use bytes::Bytes;
use connectrpc::ConnectError;
use connectrpc::client::{BoxFuture, ClientBody, ClientTransport};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// What is asked, of whom needs no token, for the nonce in the answer's header.
const ASK: &str = "/enclavevaults.v1.VaultService/GetInfo";
/// More of that answer is not read.
const LONGEST_INFO: usize = 64 << 10;

/// The sending half of one HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Transport {
    sender: SendRequest<ClientBody>,
    proofs: Option<Arc<ConnectionProofs>>,
}

impl Transport {
    /// Begins HTTP/2 on `stream`; the connection is driven in the background until it ends.
    pub(crate) async fn begin<S>(stream: S, key: Option<ProofKey>) -> Result<Self, hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .handshake(TokioIo::new(stream))
            .await?;
        tokio::spawn(async move {
            // How it ended is seen by the calls that were in flight.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            proofs: key.map(ConnectionProofs::new).map(Arc::new),
        })
    }

    /// Whether calls can no longer be sent.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl ClientTransport for Transport {
    type ResponseBody = Incoming;
    type Error = ConnectError;

    fn send(
        &self,
        mut request: Request<ClientBody>,
    ) -> BoxFuture<'static, Result<Response<Incoming>, ConnectError>> {
        let this = self.clone();
        Box::pin(async move {
            match &this.proofs {
                Some(proofs) if bound_token(request.headers()).is_some() => {
                    this.ask_for_nonce(proofs, &request).await?;
                    let failed = |error: crate::Error| ConnectError::internal(error.to_string());
                    proofs.prove(&mut request).map_err(failed)?;
                    let answer = this.exchange(request).await?;
                    proofs.learn(answer.headers());
                    Ok(answer)
                }
                _ => this.exchange(request).await,
            }
        })
    }
}

impl Transport {
    async fn exchange(
        &self,
        request: Request<ClientBody>,
    ) -> Result<Response<Incoming>, ConnectError> {
        let mut sender = self.sender.clone();
        let lost = |error: hyper::Error| ConnectError::unavailable(error.to_string());
        sender.ready().await.map_err(lost)?;
        sender.send_request(request).await.map_err(lost)
    }

    /// Once for each connection: its nonce is asked for before anything is proven, so that neither
    /// a large request nor the opening of a stream is refused for the lack of it.
    async fn ask_for_nonce(
        &self,
        proofs: &ConnectionProofs,
        request: &Request<ClientBody>,
    ) -> Result<(), ConnectError> {
        if proofs.has_nonce() {
            return Ok(());
        }
        let _turn = proofs.asking.lock().await;
        if proofs.has_nonce() {
            return Ok(());
        }
        let authority = request.uri().authority().map_or("", |name| name.as_str());
        let nothing = Full::new(Bytes::new()).map_err(|never| match never {});
        let question = Request::post(format!("https://{authority}{ASK}"))
            .header(http::header::CONTENT_TYPE, "application/proto")
            .header("connect-protocol-version", "1")
            .body(nothing.boxed())
            .map_err(|error| ConnectError::internal(error.to_string()))?;
        let answer = self.exchange(question).await?;
        proofs.learn(answer.headers());
        // What it says is of no interest, and an answer that is too long is cut.
        let _ = Limited::new(answer.into_body(), LONGEST_INFO)
            .collect()
            .await;
        Ok(())
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
