//! OAuth 2.0 client credentials (RFC 6749, 4.4) over HTTPS.

use super::https::{self, TrustedRoots};
use super::proof::{self, ProofKey, ProofOf};
use super::{AccessToken, DPOP, DPOP_NONCE, TokenFuture, TokenSource};
use crate::error::{Error, ErrorCode, Result, foreign};
use base64::Engine;
use bytes::Bytes;
use http::header;
use http_body_util::Full;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use vault_policy::VaultId;
use zeroize::Zeroizing;

/// A client of a token endpoint. The secret stays in its file, which is read for each token.
/// Every request carries a DPoP proof: an issuer that knows DPoP binds its tokens to the key that
/// made it, and one that does not ignores it.
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
    /// Whether to ask for a token of each vault's own: `resource` is `https://<vault id>`
    /// (RFC 8707), `audience` the vault's id.
    pub per_vault: bool,
    /// What tokens are bound to where the issuer does that: with `per_vault` the key of each vault
    /// ([`ProofKey::for_vault`]), else this one.
    pub sender: ProofKey,
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
    token_type: String,
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
    async fn fetch(&self, vault: Option<VaultId>) -> Result<AccessToken> {
        let vault = vault.filter(|_| self.per_vault);
        let answer = https::send(self.request(vault, None)?, &self.roots).await?;
        // RFC 9449, section 8: the issuer's own nonce is asked for once.
        let nonce = answer.headers().get(DPOP_NONCE);
        let nonce = nonce.and_then(|nonce| nonce.to_str().ok());
        match nonce.filter(|_| wants_nonce(&answer)) {
            Some(nonce) => {
                let request = self.request(vault, Some(nonce))?;
                self.granted(&https::send(request, &self.roots).await?)
            }
            None => self.granted(&answer),
        }
    }

    /// The key for a token of this vault's own, or of one that is for all.
    fn key(&self, vault: Option<VaultId>) -> ProofKey {
        match vault {
            Some(vault) => self.sender.for_vault(vault),
            None => self.sender.clone(),
        }
    }

    fn granted(&self, answer: &http::Response<Bytes>) -> Result<AccessToken> {
        if !answer.status().is_success() {
            return Err(self.refusal(answer.status(), answer.body()));
        }
        let strange = || {
            Error::new(ErrorCode::IssuerUnavailable)
                .detail(format_args!("{}: not a token answer", self.endpoint))
        };
        let granted: Granted = serde_json::from_slice(answer.body()).map_err(|_| strange())?;
        let lifetime = granted.expires_in.map(Duration::from_secs);
        let token = AccessToken::new(granted.access_token, lifetime);
        // RFC 6749, section 5.1: the type is case-insensitive.
        if granted.token_type.eq_ignore_ascii_case(DPOP) {
            Ok(token.bound())
        } else if granted.token_type.eq_ignore_ascii_case("bearer") {
            Ok(token)
        } else {
            Err(strange())
        }
    }

    /// The header that an endpoint's answer gives, and whether it is asked again with its nonce, for the fuzzer.
    #[cfg(feature = "fuzzing")]
    pub fn header_of(&self, answer: &http::Response<Bytes>) -> (Result<http::HeaderValue>, bool) {
        let header = self.granted(answer).and_then(|token| token.header());
        (header, wants_nonce(answer))
    }

    fn request(
        &self,
        vault: Option<VaultId>,
        nonce: Option<&str>,
    ) -> Result<http::Request<Full<Bytes>>> {
        if self.endpoint.scheme_str() != Some("https") {
            return Err(Error::new(ErrorCode::ConfigInvalid)
                .detail(format_args!("{} is not an https address", self.endpoint)));
        }
        let host = self
            .endpoint
            .authority()
            .map_or("", http::uri::Authority::as_str);
        let uri = format!("https://{host}{}", self.endpoint.path());
        let proof = self.key(vault).prove(&ProofOf {
            uri: &uri,
            token: None,
            nonce,
        })?;
        http::Request::post(self.endpoint.clone())
            .header(header::HOST, host)
            .header(header::AUTHORIZATION, self.authorization()?)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header("dpop", proof::header(&proof)?)
            .body(Full::new(Bytes::from(self.form(vault))))
            .map_err(|error| Error::new(ErrorCode::ConfigInvalid).detail(error))
    }

    /// Id and secret (RFC 6749, 2.3.1: both are form-encoded before they are joined).
    fn authorization(&self) -> Result<String> {
        let secret = std::fs::read_to_string(&self.secret_file).map(Zeroizing::new);
        let secret = secret.map_err(|error| {
            Error::new(ErrorCode::FileInaccessible)
                .detail(format_args!("{}: {error}", self.secret_file.display()))
        })?;
        let pair = format!("{}:{}", encode(&self.client_id), encode(secret.trim_end()));
        let pair = base64::engine::general_purpose::STANDARD.encode(pair);
        Ok(format!("Basic {pair}"))
    }

    fn form(&self, vault: Option<VaultId>) -> String {
        let mut form = String::from("grant_type=client_credentials");
        let resource = vault.map(|vault| format!("https://{vault}"));
        let audience = match vault {
            Some(vault) => Some(vault.to_string()),
            None => self.audience.clone(),
        };
        for (name, value) in [
            ("scope", &self.scope),
            ("resource", &resource),
            ("audience", &audience),
        ] {
            if let Some(value) = value {
                form.push_str(&format!("&{name}={}", encode(value)));
            }
        }
        form
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
            self.endpoint,
            self.client_id,
            foreign(&refused.error),
            foreign(&refused.error_description)
        ))
    }
}

impl TokenSource for ClientCredentials {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.fetch(None))
    }

    fn token_for(&self, vault: VaultId) -> TokenFuture<'_> {
        Box::pin(self.fetch(Some(vault)))
    }

    fn is_per_vault(&self) -> bool {
        self.per_vault
    }

    fn proof_key(&self) -> Option<ProofKey> {
        Some(self.key(None))
    }

    fn proof_key_for(&self, vault: VaultId) -> Option<ProofKey> {
        Some(self.key(Some(vault).filter(|_| self.per_vault)))
    }
}

fn wants_nonce(answer: &http::Response<Bytes>) -> bool {
    let refused: Refused = serde_json::from_slice(answer.body()).unwrap_or_default();
    answer.status().is_client_error() && refused.error == "use_dpop_nonce"
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
            per_vault: false,
            sender: ProofKey::default(),
            roots: TrustedRoots::System,
        }
    }

    #[test]
    fn refuses_plain_http() {
        let request = credentials("http://localhost/token", PathBuf::new()).request(None, None);
        assert_eq!(request.unwrap_err().code, ErrorCode::ConfigInvalid);
    }

    #[test]
    fn encodes_both_parts_of_the_credentials() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "s:1\n").unwrap();
        let request = credentials("https://localhost/token", path)
            .request(None, None)
            .unwrap();
        let expected = base64::engine::general_purpose::STANDARD.encode("own%20er:s%3A1");
        assert_eq!(
            request.headers()[header::AUTHORIZATION],
            format!("Basic {expected}")
        );
    }

    #[test]
    fn a_vault_is_asked_for_by_name_only_where_each_has_a_token_of_its_own() {
        let vault = VaultId(vault_encoding::Hash([0xab; 32]));
        let credentials = credentials("https://localhost/token", PathBuf::new());
        let form = credentials.form(None);
        assert_eq!(form, "grant_type=client_credentials&audience=vault");
        let form = credentials.form(Some(vault));
        let hex = "ab".repeat(32);
        assert_eq!(
            form,
            format!("grant_type=client_credentials&resource=https%3A%2F%2F{hex}&audience={hex}")
        );
    }

    #[test]
    fn vaults_see_different_keys_where_each_has_a_token_of_its_own_and_else_one() {
        for per_vault in [false, true] {
            let source = ClientCredentials {
                per_vault,
                ..credentials("https://localhost/token", PathBuf::new())
            };
            let key = |number| {
                let vault = VaultId(vault_encoding::Hash([number; 32]));
                source.proof_key_for(vault).unwrap().thumbprint().unwrap()
            };
            assert_eq!(key(1), key(1));
            assert_eq!(key(1) != key(2), per_vault);
        }
    }

    #[test]
    fn the_type_of_the_answer_says_whether_the_token_is_bound() {
        let credentials = credentials("https://localhost/token", PathBuf::new());
        let granted = |kind: &str| {
            let body = format!(r#"{{"access_token":"t","token_type":"{kind}"}}"#);
            credentials.granted(&http::Response::new(Bytes::from(body)))
        };
        assert!(granted("dpop").unwrap().is_bound());
        assert!(!granted("Bearer").unwrap().is_bound());
        let error = granted("mac").unwrap_err();
        assert_eq!(error.code, ErrorCode::IssuerUnavailable);
    }

    #[test]
    fn what_an_issuer_says_moves_no_terminal_and_has_an_end() {
        let credentials = credentials("https://localhost/token", PathBuf::new());
        let long = "x".repeat(5000);
        let body = format!(r#"{{"error":"no\u001b[2J","error_description":"\u202e\r{long}"}}"#);
        let mut answer = http::Response::new(Bytes::from(body));
        *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
        let shown = credentials.granted(&answer).unwrap_err().to_string();
        let moves = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!shown.contains(moves), "{shown:?}");
        assert!(shown.contains(" no[2J xxx") && shown.len() < 1000);
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
