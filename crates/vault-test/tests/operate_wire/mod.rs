//! A client of a vault's wire that sends what it is told to: calls of their own, batches, and
//! streams.

use connectrpc::client::{BidiRecvHalf, BidiSendHalf, BoxFuture, CallOptions, ClientBody};
use connectrpc::client::{ClientConfig, ClientTransport};
use connectrpc::{ConnectError, Protocol};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratls::tls::{self, ExpectedVault, Trust};
use ratls::{AppraisalPolicy, TrustRoot};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use vault_client::KeyName;
use vault_policy::UnixSeconds;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;
use vault_proto::v1::__buffa::oneof::sign_request::Input;
use vault_proto::v1::__buffa::view::OperateResponseView;
use vault_proto::{detail_of, v1};
use vault_test::process::VaultProcess;

pub(crate) fn key_ref(key: KeyName) -> v1::KeyRef {
    v1::KeyRef {
        handle: key.handle.to_string(),
        lineage: key
            .lineage
            .map_or_else(Vec::new, |lineage| lineage.0.0.to_vec()),
        ..Default::default()
    }
}

pub(crate) fn sign(key: KeyName, message: &[u8]) -> v1::SignRequest {
    v1::SignRequest {
        key: key_ref(key).into(),
        input: Some(Input::Message(message.to_vec())),
        format: v1::SignatureFormat::SIGNATURE_FORMAT_P1363.into(),
        ..Default::default()
    }
}

pub(crate) fn public_key(key: KeyName) -> v1::GetPublicKeyRequest {
    v1::GetPublicKeyRequest {
        key: key_ref(key).into(),
        ..Default::default()
    }
}

pub(crate) fn mac(key: KeyName, message: &[u8]) -> v1::MacRequest {
    v1::MacRequest {
        key: key_ref(key).into(),
        message: message.to_vec(),
        ..Default::default()
    }
}

pub(crate) fn numbered(id: u64, call: Call) -> v1::OperateRequest {
    v1::OperateRequest {
        id,
        call: Some(call),
        ..Default::default()
    }
}

const WINDOW: u32 = 64 << 10;

/// HTTP/2 behind the preamble.
#[derive(Clone)]
pub(crate) struct Wire {
    send: SendRequest<ClientBody>,
}

impl ClientTransport for Wire {
    type ResponseBody = Incoming;
    type Error = ConnectError;

    fn send(
        &self,
        request: Request<ClientBody>,
    ) -> BoxFuture<'static, Result<Response<Incoming>, ConnectError>> {
        let mut send = self.send.clone();
        Box::pin(async move {
            let sent = send.send_request(request).await;
            sent.map_err(|error| ConnectError::unavailable(error.to_string()))
        })
    }
}

impl Wire {
    pub(crate) async fn connect(vault: &VaultProcess) -> Self {
        let ready = vault.ready().unwrap();
        let root = std::fs::read(vault.dir().join("root.der")).unwrap();
        let trust = Trust {
            root: TrustRoot::from_der(&root).unwrap(),
            policy: AppraisalPolicy::strict(),
        };
        let now: tls::Clock = Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            UnixSeconds(since.as_secs())
        });
        let expected = ExpectedVault::vault(ready.pins.vault_id);
        let config = tls::ClientConfig::new(trust, expected, now);
        let tcp = TcpStream::connect(&ready.addr).await.unwrap();
        let stream = tls::connect_tcp(tcp, &config).await.unwrap().stream;
        let io = TokioIo::new(stream);
        // Small windows: what the client has not read stays with the vault.
        let (send, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(io)
            .await
            .unwrap();
        tokio::spawn(connection);
        Self { send }
    }

    pub(crate) fn crypto(&self) -> v1::CryptoServiceClient<Self> {
        let config = ClientConfig::new("http://vault".parse().unwrap())
            .with_protocol(Protocol::Connect)
            .with_default_max_message_size(8 << 20)
            .with_default_element_memory_limit(8 << 20);
        v1::CryptoServiceClient::new(self.clone(), config)
    }

    pub(crate) async fn open(&self, token: Option<&str>) -> Stream {
        let stream = self.crypto().operate_with_options(bearer(token)).await;
        let (sending, receiving) = stream.unwrap().into_split();
        Stream { sending, receiving }
    }
}

pub(crate) fn bearer(token: Option<&str>) -> CallOptions {
    let options = CallOptions::default();
    match token {
        Some(token) => options.with_header("authorization", format!("Bearer {token}")),
        None => options,
    }
}

/// One `Operate` stream.
pub(crate) struct Stream {
    pub(crate) sending: BidiSendHalf<v1::OperateRequest>,
    pub(crate) receiving: BidiRecvHalf<Incoming, OperateResponseView<'static>>,
}

impl Stream {
    pub(crate) async fn call(&mut self, id: u64, call: Call) {
        self.sending.send(numbered(id, call)).await.unwrap();
    }

    /// The next answer; `None` at a good end.
    pub(crate) async fn next(&mut self) -> Result<Option<(u64, Outcome)>, ConnectError> {
        let answer = self.receiving.message::<v1::OperateResponse>().await?;
        Ok(answer.map(|answer| {
            let answer = answer.to_owned_message();
            (answer.id, answer.outcome.expect("an outcome"))
        }))
    }
}

/// What a refusal says, however it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refused {
    pub(crate) grpc_code: u32,
    pub(crate) message: String,
    pub(crate) code: v1::ErrorCode,
    pub(crate) retry: i32,
    pub(crate) blame: i32,
    pub(crate) rule: String,
    pub(crate) logged: bool,
}

impl Refused {
    pub(crate) fn of(error: &ConnectError) -> Self {
        let detail = detail_of(error).unwrap_or_else(|| panic!("no detail: {error:?}"));
        let message = error.message.clone().unwrap_or_default();
        Self::new(error.code.grpc_code(), message, &detail)
    }

    pub(crate) fn of_outcome(error: &v1::OperateError) -> Self {
        let detail = error.detail.as_option().expect("a detail");
        Self::new(error.grpc_code, error.message.clone(), detail)
    }

    fn new(grpc_code: u32, message: String, detail: &v1::ErrorDetail) -> Self {
        Self {
            grpc_code,
            message,
            code: detail.code.as_known().unwrap(),
            retry: detail.retry.to_i32(),
            blame: detail.blame.to_i32(),
            rule: detail.rule.clone(),
            logged: detail.leaf.is_set(),
        }
    }
}
