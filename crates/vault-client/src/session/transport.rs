//! HTTP/2 over one attested stream. It never dials: when the stream ends, every call fails, and
//! only a new session with a new preamble brings calls back.

use connectrpc::ConnectError;
use connectrpc::client::{BoxFuture, ClientBody, ClientTransport};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The sending half of one HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Transport {
    sender: SendRequest<ClientBody>,
}

impl Transport {
    /// Begins HTTP/2 on `stream`; the connection is driven in the background until it ends.
    pub(crate) async fn begin<S>(stream: S) -> Result<Self, hyper::Error>
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
        Ok(Self { sender })
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
        request: Request<ClientBody>,
    ) -> BoxFuture<'static, Result<Response<Incoming>, ConnectError>> {
        let mut sender = self.sender.clone();
        Box::pin(async move {
            let lost = |error: hyper::Error| ConnectError::unavailable(error.to_string());
            sender.ready().await.map_err(lost)?;
            sender.send_request(request).await.map_err(lost)
        })
    }
}
