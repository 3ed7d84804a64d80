//! From path and method to answer, and the headers that every answer carries.

use crate::files::Files;
use crate::pace::Pace;
use crate::post::{Listed, Post, RequestId};
use crate::read;
use crate::refused::Refused;
use crate::run::Clock;
use crate::source::Source;
use aws_lc_rs::rand;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use std::error::Error;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use vault_encoding::{Hash, text};

/// Longest time for a body.
const BODY: Duration = Duration::from_secs(30);
const JSON: &str = "application/json";

/// What pages may do: run the wallet's own files, talk to this origin, and nothing else. No
/// inline script, no frame, no string that becomes code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types wallet";

/// On every answer. No CORS: other origins get nothing.
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), \
         geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// What connections share.
pub(crate) struct Desk {
    pub(crate) post: Mutex<Post>,
    pub(crate) files: Files,
    pub(crate) pace: Arc<Pace>,
    pub(crate) hosts: Hosts,
    pub(crate) proxy: Option<IpAddr>,
    pub(crate) about: String,
    pub(crate) now: Clock,
}

/// Which `Host` headers are answered: a page of another site that has its name led here is not.
pub(crate) enum Hosts {
    /// Whatever is asked for.
    Any,
    /// `localhost`, `127.0.0.1`, `[::1]`, with any port.
    Loopback,
    /// These.
    Named(Vec<String>),
}

impl Hosts {
    fn answers(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named(names) => names.iter().any(|name| name == host),
            Self::Loopback => {
                let port = |rest: &str| {
                    rest.is_empty()
                        || rest
                            .strip_prefix(':')
                            .is_some_and(|port| port.parse::<u16>().is_ok())
                };
                let names = ["localhost", "127.0.0.1", "[::1]"];
                names
                    .iter()
                    .any(|name| host.strip_prefix(name).is_some_and(port))
            }
        }
    }
}

impl Desk {
    /// Answers one request. Whatever is refused has the same headers as what is not.
    pub(crate) async fn answer<B>(
        &self,
        source: Source,
        request: Request<B>,
    ) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut response = match self.serve(source, request).await {
            Ok(response) => response,
            Err(refused) => refusal(refused),
        };
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        response
    }

    async fn serve<B>(
        &self,
        source: Source,
        request: Request<B>,
    ) -> Result<Response<Full<Bytes>>, Refused>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if !self.pace.admits(source, (self.now)()) {
            return Err(Refused::TooMany(1));
        }
        self.check(request.headers(), request.uri().authority())?;
        let path = request.uri().path().to_owned();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (segments.as_slice(), request.method()) {
            (["v1", "requests"], &Method::POST) => {
                let body = self.body(source, request, read::POSTING).await?;
                self.post(source, &body)
            }
            (["v1", "requests", id, "answers"], &Method::POST) => {
                let id = read::request_id(id).ok_or(Refused::NotFound)?;
                let answer = read::answer(&self.body(source, request, read::ANSWER).await?)?;
                self.held().answer(&id, answer, source, (self.now)())?;
                Ok(response(StatusCode::NO_CONTENT, None, Bytes::new()))
            }
            (segments, &Method::GET | &Method::HEAD) => self.get(source, segments, &path),
            _ => Err(Refused::Method),
        }
    }

    async fn body<B>(
        &self,
        source: Source,
        request: Request<B>,
        longest: usize,
    ) -> Result<Bytes, Refused>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let _turn = self.pace.body(source).ok_or(Refused::TooMany(1))?;
        body(request, longest).await
    }

    fn check(
        &self,
        headers: &HeaderMap,
        authority: Option<&http::uri::Authority>,
    ) -> Result<(), Refused> {
        let of = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let host = authority
            .map(http::uri::Authority::as_str)
            .or_else(|| of(header::HOST));
        if !host.is_some_and(|host| self.hosts.answers(host)) {
            return Err(Refused::Host);
        }
        // Browsers say where a request comes from; programs say nothing.
        match of(HeaderName::from_static("sec-fetch-site")) {
            Some("cross-site" | "same-site")
                if of(HeaderName::from_static("sec-fetch-mode")) != Some("navigate") =>
            {
                Err(Refused::CrossSite)
            }
            _ => Ok(()),
        }
    }

    fn post(&self, source: Source, body: &[u8]) -> Result<Response<Full<Bytes>>, Refused> {
        let posting = read::posting(body)?;
        let listed = self
            .held()
            .put(fresh_id()?, posting, source, (self.now)())?;
        tracing::info!(expires_at = listed.expires_at, "a request was taken");
        Ok(response(
            StatusCode::CREATED,
            Some(JSON),
            told(&listed).to_string().into(),
        ))
    }

    fn get(
        &self,
        source: Source,
        segments: &[&str],
        path: &str,
    ) -> Result<Response<Full<Bytes>>, Refused> {
        let now = (self.now)();
        let id = |segment| read::request_id(segment).ok_or(Refused::NotFound);
        let body: Bytes = match segments {
            ["v1", "about"] => self.about.clone().into(),
            ["v1", "mailboxes", mailbox] => {
                let mailbox = Hash::from_hex(mailbox).ok_or(Refused::NotFound)?;
                let listed = self.held().list(&mailbox, now);
                let requests: Vec<_> = listed.iter().map(told).collect();
                serde_json::json!({ "requests": requests })
                    .to_string()
                    .into()
            }
            ["v1", "requests", segment] => self.held().bundle(&id(segment)?, now)?,
            ["v1", "requests", segment, "answers"] => {
                let answers = self.held().answers(&id(segment)?, now)?;
                [&b"{\"answers\":["[..], &answers.join(&b","[..]), b"]}"]
                    .concat()
                    .into()
            }
            ["v1", ..] => return Err(Refused::NotFound),
            _ => return self.file(path),
        };
        let body = self.pace.written(body, source);
        let body = body.ok_or(Refused::TooMany(1))?;
        Ok(response(StatusCode::OK, Some(JSON), body))
    }

    fn file(&self, path: &str) -> Result<Response<Full<Bytes>>, Refused> {
        let file = self.files.at(path).ok_or(Refused::NotFound)?;
        let mut response = response(StatusCode::OK, Some(file.media), file.bytes);
        let revalidated = HeaderValue::from_static("no-cache");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, revalidated);
        Ok(response)
    }

    fn held(&self) -> MutexGuard<'_, Post> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(listed: &Listed) -> serde_json::Value {
    serde_json::json!({ "id": text::base32(&listed.id.0), "expires_at": listed.expires_at })
}

fn fresh_id() -> Result<RequestId, Refused> {
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(|_| Refused::TooMany(1))?;
    Ok(RequestId(id))
}

/// A page of another site cannot send this media type without asking first, and is not answered.
async fn body<B>(request: Request<B>, longest: usize) -> Result<Bytes, Refused>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let media = request.headers().get(header::CONTENT_TYPE);
    let media = media
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if media.split(';').next().map(str::trim) != Some(JSON) {
        return Err(Refused::MediaType);
    }
    if request.body().size_hint().lower() > longest as u64 {
        return Err(Refused::TooLong);
    }
    let limited = std::pin::pin!(Limited::new(request.into_body(), longest));
    match timeout(BODY, limited.collect()).await {
        Err(_) => Err(Refused::TooSlow),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refused::TooLong),
        Ok(Err(_)) => Err(Refused::Body("the body broke off")),
    }
}

fn refusal(refused: Refused) -> Response<Full<Bytes>> {
    let said = serde_json::json!({ "error": refused.code(), "message": refused.message() });
    let mut response = response(refused.status(), Some(JSON), said.to_string().into());
    if let Refused::TooMany(seconds) = refused {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn response(status: StatusCode, media: Option<&'static str>, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(media) = media {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_loopback_are_answered_there() {
        for host in [
            "localhost",
            "localhost:7480",
            "127.0.0.1:1",
            "[::1]:1",
            "[::1]",
        ] {
            assert!(Hosts::Loopback.answers(host), "{host}");
        }
        for host in [
            "",
            "localhost.evil.example",
            "127.0.0.1.evil.example:1",
            "evil.example",
            "localhost:x",
            "localhost:",
        ] {
            assert!(!Hosts::Loopback.answers(host), "{host}");
        }
        let named = Hosts::Named(vec!["approve.example.com".into()]);
        assert!(named.answers("approve.example.com") && !named.answers("approve.example.com:1"));
    }
}
