//! A connection to the vault below the SDK, so that the driver costs little: HTTP/2 behind the
//! preamble, with bodies that are encoded once.

use crate::process::VaultProcess;
use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::Request;
use hyper::body::{Body, Frame};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratls::tls::{self, ExpectedVault, Trust};
use ratls::{AppraisalPolicy, TrustRoot};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use vault_policy::{UnixSeconds, VaultId};

/// A body of one piece, or one that goes on.
pub(crate) type AnyBody = Either<Full<Bytes>, Pieces>;
pub(crate) type Connection = SendRequest<AnyBody>;

/// A body that is sent piece by piece, each in a frame of its own, as the SDK does.
pub(crate) struct Pieces(pub(super) mpsc::Receiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// Where a vault is, and which one it must be.
#[derive(Clone)]
pub(crate) struct Target {
    addr: String,
    vault_id: VaultId,
    root: Vec<u8>,
}

impl Target {
    pub(crate) fn of(vault: &VaultProcess) -> Result<Self> {
        let ready = vault.ready().context("the vault does not run")?;
        Ok(Self {
            addr: ready.addr.clone(),
            vault_id: ready.pins.vault_id,
            root: std::fs::read(vault.dir().join("root.der"))?,
        })
    }

    async fn attest(&self) -> Result<tls::ClientStream<TcpStream>> {
        let trust = Trust {
            root: TrustRoot::from_der(&self.root)?,
            policy: AppraisalPolicy::strict(),
        };
        let clock: tls::Clock = Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            UnixSeconds(since.map_or(0, |since| since.as_secs()))
        });
        let expected = ExpectedVault::vault(self.vault_id);
        let config = tls::ClientConfig::new(trust, expected, clock);
        let tcp = TcpStream::connect(&self.addr).await?;
        Ok(tls::connect_tcp(tcp, &config).await?.stream)
    }

    /// HTTP/2 on an attested stream.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let io = TokioIo::new(self.attest().await?);
        let (send, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
        tokio::spawn(connection);
        Ok(send)
    }
}

/// Connects, runs the preamble, appraises the vault.
pub(super) async fn attest(vault: &VaultProcess) -> Result<tls::ClientStream<TcpStream>> {
    Target::of(vault)?.attest().await
}

/// HTTP/2 on an attested stream.
pub(super) async fn connect(vault: &VaultProcess) -> Result<Connection> {
    Target::of(vault)?.connect().await
}

/// A call of `CryptoService` or `KeyService` by the Connect protocol.
pub(super) fn request(
    path: &str,
    content: &str,
    authorization: &str,
    body: AnyBody,
) -> Result<Request<AnyBody>> {
    Ok(
        Request::post(format!("http://vault/enclavevaults.v1.{path}"))
            .header("content-type", content)
            .header("connect-protocol-version", "1")
            .header("authorization", authorization)
            .body(body)?,
    )
}

/// The five bytes before each message of a stream: no flags, and the length.
pub(super) const ENVELOPE: usize = 5;

/// A message of a stream.
pub(super) fn envelope(message: &[&[u8]]) -> Bytes {
    let length: usize = message.iter().map(|part| part.len()).sum();
    let mut framed = Vec::with_capacity(ENVELOPE + length);
    framed.push(0);
    framed.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    message
        .iter()
        .for_each(|part| framed.extend_from_slice(part));
    framed.into()
}
