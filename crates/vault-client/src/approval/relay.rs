//! A relay: somebody untrusted who carries bundles to managers, and their answers back. What it
//! brings is held to the statements, which vaults made; it can withhold, delay and read.

use super::Gesture;
use crate::error::{Error, ErrorCode, Result, foreign};
use crate::token::{TrustedRoots, connector};
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use vault_approval::{ApprovalAnswer, MAX_BUNDLE};
use vault_encoding::Hash;

/// An answer is no longer than a bundle, or than the answers of as many managers as a call takes.
const LONGEST: usize = 2 * MAX_BUNDLE;

/// Where bundles and answers wait.
#[derive(Clone, Debug)]
pub struct Relay {
    base: Uri,
    timeout: Duration,
}

/// A request that waits in a mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// Unix seconds, by the relay's clock.
    pub expires_at: u64,
}

#[derive(Deserialize)]
struct Listed {
    requests: Vec<Waiting>,
}

#[derive(Deserialize)]
struct Posted {
    id: String,
}

#[derive(Deserialize)]
struct Answers {
    answers: Vec<serde_json::Value>,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    message: String,
}

impl Relay {
    /// The relay at this URL, `https://` or `http://`. Over http whoever is in between reads along;
    /// what is carried is checked by wallets and vaults either way.
    pub fn new(url: &str, timeout: Duration) -> Result<Self> {
        let base: Uri = url
            .trim_end_matches('/')
            .parse()
            .map_err(|error| invalid(format_args!("{url}: {error}")))?;
        let known = matches!(base.scheme_str(), Some("http" | "https"));
        match known && base.host().is_some() {
            true => Ok(Self { base, timeout }),
            false => Err(invalid(format_args!("{url}: not an http or https URL"))),
        }
    }

    /// Leaves a bundle in these mailboxes; gives its id.
    pub async fn post(&self, gesture: &Gesture, mailboxes: &[Hash], ttl: u64) -> Result<String> {
        let mailboxes: Vec<_> = mailboxes.iter().map(Hash::to_string).collect();
        let bundle: serde_json::Value = read(&gesture.bundle().to_json())?;
        let body = serde_json::json!({ "mailboxes": mailboxes, "bundle": bundle, "ttl": ttl });
        let posted: Posted = read(
            &self
                .call(Method::POST, "/v1/requests", body.to_string())
                .await?,
        )?;
        Ok(posted.id)
    }

    /// What waits in a mailbox. What has no id is left out, as nobody could fetch it.
    pub async fn waiting(&self, mailbox: &Hash) -> Result<Vec<Waiting>> {
        let path = format!("/v1/mailboxes/{mailbox}");
        listed(&self.get(&path).await?)
    }

    /// A bundle.
    pub async fn bundle(&self, id: &str) -> Result<Gesture> {
        Gesture::parse(&self.get(&format!("/v1/requests/{}", checked(id)?)).await?)
    }

    /// Leaves an answer.
    pub async fn answer(&self, id: &str, answer: &ApprovalAnswer) -> Result<()> {
        let path = format!("/v1/requests/{}/answers", checked(id)?);
        let body = String::from_utf8_lossy(&answer.to_json()).into_owned();
        self.call(Method::POST, &path, body).await.map(drop)
    }

    /// The answers so far. What is none is left out: anybody may leave anything.
    pub async fn answers(&self, id: &str) -> Result<Vec<ApprovalAnswer>> {
        let path = format!("/v1/requests/{}/answers", checked(id)?);
        answered(&self.get(&path).await?)
    }

    async fn get(&self, path: &str) -> Result<Bytes> {
        self.call(Method::GET, path, String::new()).await
    }

    async fn call(&self, method: Method, path: &str, body: String) -> Result<Bytes> {
        let host = self
            .base
            .authority()
            .map_or("", http::uri::Authority::as_str);
        let prefix = self.base.path().trim_end_matches('/');
        let request = Request::builder()
            .method(method)
            .uri(format!("{prefix}{path}"))
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(invalid)?;
        let (status, body) = tokio::time::timeout(self.timeout, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(self.failed(&"no answer in time")))?;
        match status.is_success() {
            true => Ok(body),
            false => Err(self.refused(status, &body)),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        let host = self.base.host().unwrap_or_default();
        let secure = self.base.scheme_str() == Some("https");
        let port = self
            .base
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let bare = host.trim_matches(['[', ']']);
        let tcp = TcpStream::connect((bare, port))
            .await
            .map_err(|error| self.failed(&error))?;
        if !secure {
            return self.send(tcp, request).await;
        }
        let name = ServerName::try_from(bare.to_owned()).map_err(invalid)?;
        let tls = connector(&TrustedRoots::System)?
            .connect(name, tcp)
            .await
            .map_err(|error| self.failed(&error))?;
        self.send(tls, request).await
    }

    async fn send<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.failed(&error))?;
        let driver = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|error| self.failed(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        driver.abort();
        Ok((
            status,
            body.map_err(|error| self.failed(&error))?.to_bytes(),
        ))
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Error {
        Error::new(ErrorCode::Unavailable)
            .blame(crate::error::Blame::Upstream)
            .detail(format_args!("relay {}: {why}", self.base))
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Error {
        let refused: Refused = serde_json::from_slice(body).unwrap_or_default();
        let code = match status {
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            StatusCode::TOO_MANY_REQUESTS => ErrorCode::RateLimited,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
            status if status.is_server_error() => ErrorCode::Unavailable,
            _ => ErrorCode::InvalidArgument,
        };
        let said = foreign(&refused.message);
        let error = match code {
            ErrorCode::NotFound => Error::new(code).summary("the relay has no such request"),
            _ => Error::new(code).summary("the relay does not accept this request"),
        };
        error.detail(format_args!("relay {}: {said} ({status})", self.base))
    }
}

fn listed(body: &[u8]) -> Result<Vec<Waiting>> {
    let mut listed: Listed = read(body)?;
    listed
        .requests
        .retain(|waiting| checked(&waiting.id).is_ok());
    Ok(listed.requests)
}

fn answered(body: &[u8]) -> Result<Vec<ApprovalAnswer>> {
    let answers: Answers = read(body)?;
    let answers = answers.answers.into_iter();
    Ok(answers
        .filter_map(|answer| ApprovalAnswer::parse(answer.to_string().as_bytes()).ok())
        .collect())
}

/// What is made of a relay's answer, for the fuzzer.
#[cfg(feature = "fuzzing")]
pub enum Relayed {
    /// It refuses.
    Refused(Error),
    /// A mailbox.
    Waiting(Result<Vec<Waiting>>),
    /// Answers to a request.
    Answers(Result<Vec<ApprovalAnswer>>),
    /// A bundle.
    Bundle(Result<Gesture>),
}

/// An answer of this status over HTTP, for the fuzzer.
#[cfg(feature = "fuzzing")]
pub fn relayed(status: u16, body: &[u8]) -> Option<Relayed> {
    let relay = Relay::new("https://relay.test", Duration::ZERO).ok()?;
    Some(match status {
        200 => Relayed::Waiting(listed(body)),
        201 => Relayed::Answers(answered(body)),
        202 => Relayed::Bundle(Gesture::parse(body)),
        _ => Relayed::Refused(relay.refused(StatusCode::from_u16(status).ok()?, body)),
    })
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|_| Error::new(ErrorCode::Unavailable).detail("not an answer of a relay"))
}

/// Ids are base32: nothing that changes a path.
fn checked(id: &str) -> Result<&str> {
    match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(id),
        false => Err(invalid(format_args!("{id}: not the id of a request"))),
    }
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidArgument).detail(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_without_an_id_is_left_out_and_reaches_no_terminal() {
        let body = br#"{"requests":[{"id":"aaaqeayeaudaocajbifqydiob4","expires_at":9},
            {"id":"\u001b[2J","expires_at":9},{"id":"","expires_at":9},{"id":"a/../b","expires_at":9}]}"#;
        let ids: Vec<_> = listed(body)
            .unwrap()
            .into_iter()
            .map(|one| one.id)
            .collect();
        assert_eq!(ids, ["aaaqeayeaudaocajbifqydiob4"]);
        assert!(listed(b"{}").is_err());
    }
}
