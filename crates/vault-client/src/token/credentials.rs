//! OAuth 2.0 client credentials (RFC 6749, 4.4) over HTTPS.

use super::https::{self, TrustedRoots};
use super::{AccessToken, TokenFuture, TokenSource};
use crate::error::{Error, ErrorCode, Result};
use base64::Engine;
use bytes::Bytes;
use http::header;
use http_body_util::Full;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// A client of a token endpoint. The secret stays in its file, which is read for each token.
#[derive(Clone)]
pub struct ClientCredentials {
    /// `https://…`.
    pub endpoint: http::Uri,
    /// The client's name.
    pub client_id: String,
    /// A file that holds the secret, and perhaps a line feed behind it.
    pub secret_file: PathBuf,
    /// `scope`, if the issuer wants one.
    pub scope: Option<String>,
    /// `audience`, if the issuer wants one.
    pub audience: Option<String>,
    /// Who may have certified the endpoint.
    pub roots: TrustedRoots,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ClientCredentials({} at {})",
            self.client_id, self.endpoint
        )
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl ClientCredentials {
    async fn fetch(&self) -> Result<AccessToken> {
        let (status, body) = https::send(self.request()?, &self.roots).await?;
        if !status.is_success() {
            return Err(self.refusal(status, &body));
        }
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| {
            Error::new(ErrorCode::IssuerUnavailable)
                .detail(format_args!("{}: not a token answer", self.endpoint))
        })?;
        Ok(AccessToken::new(
            granted.access_token,
            granted.expires_in.map(Duration::from_secs),
        ))
    }

    fn request(&self) -> Result<http::Request<Full<Bytes>>> {
        if self.endpoint.scheme_str() != Some("https") {
            return Err(Error::new(ErrorCode::ConfigInvalid)
                .detail(format_args!("{} is not an https address", self.endpoint)));
        }
        let secret = std::fs::read_to_string(&self.secret_file).map(Zeroizing::new);
        let secret = secret.map_err(|error| {
            Error::new(ErrorCode::FileInaccessible)
                .detail(format_args!("{}: {error}", self.secret_file.display()))
        })?;
        // RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        let pair = format!("{}:{}", encode(&self.client_id), encode(secret.trim_end()));
        let pair = base64::engine::general_purpose::STANDARD.encode(pair);
        let mut form = String::from("grant_type=client_credentials");
        for (name, value) in [("scope", &self.scope), ("audience", &self.audience)] {
            if let Some(value) = value {
                form.push_str(&format!("&{name}={}", encode(value)));
            }
        }
        let host = self
            .endpoint
            .authority()
            .map_or("", http::uri::Authority::as_str);
        http::Request::post(self.endpoint.clone())
            .header(header::HOST, host)
            .header(header::AUTHORIZATION, format!("Basic {pair}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Full::new(Bytes::from(form)))
            .map_err(|error| Error::new(ErrorCode::ConfigInvalid).detail(error))
    }

    fn refusal(&self, status: http::StatusCode, body: &[u8]) -> Error {
        let refused: Refused = serde_json::from_slice(body).unwrap_or_default();
        let code = if status.is_server_error() {
            ErrorCode::IssuerUnavailable
        } else {
            ErrorCode::Unauthenticated
        };
        Error::new(code).detail(format_args!(
            "{} refuses client {} ({status}) {} {}",
            self.endpoint, self.client_id, refused.error, refused.error_description
        ))
    }
}

impl TokenSource for ClientCredentials {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.fetch())
    }
}

/// application/x-www-form-urlencoded, with everything but unreserved characters escaped.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(endpoint: &str, secret_file: PathBuf) -> ClientCredentials {
        ClientCredentials {
            endpoint: endpoint.parse().unwrap(),
            client_id: "own er".to_owned(),
            secret_file,
            scope: None,
            audience: Some("vault".to_owned()),
            roots: TrustedRoots::System,
        }
    }

    #[test]
    fn refuses_plain_http() {
        let request = credentials("http://localhost/token", PathBuf::new()).request();
        assert_eq!(request.unwrap_err().code, ErrorCode::ConfigInvalid);
    }

    #[test]
    fn encodes_both_parts_of_the_credentials() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "s:1\n").unwrap();
        let request = credentials("https://localhost/token", path)
            .request()
            .unwrap();
        let expected = base64::engine::general_purpose::STANDARD.encode("own%20er:s%3A1");
        assert_eq!(
            request.headers()[header::AUTHORIZATION],
            format!("Basic {expected}")
        );
    }

    #[test]
    fn debug_shows_no_secret_file_contents() {
        let shown = format!(
            "{:?}",
            credentials("https://localhost/token", PathBuf::from("f"))
        );
        assert_eq!(
            shown,
            "ClientCredentials(own er at https://localhost/token)"
        );
    }
}
