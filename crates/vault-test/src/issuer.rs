//! A DEVELOPMENT issuer of access tokens: an OpenID provider as small as it can be.
//!
//! It keeps its keys in plain files, knows its clients from a list, and has ends that rotate and
//! drop keys on demand. Good for tests and for `dev`; nobody should trust it with anything else.
//!
//! `GET /.well-known/openid-configuration`, `GET /jwks`, and `POST /token` with
//! `grant_type=client_credentials`, over TLS under a certificate authority of its own.
//!
//! A token request with a DPoP proof gets a token bound to the proof's key (RFC 9449); one with
//! `resource=https://<vault id>` (RFC 8707) a token for that vault only. Its TLS asks for no client
//! certificate: the form's `x5t#S256` names the one to bind to (RFC 8705 would take it from the
//! connection), which can only narrow what the token is good for.

mod binding;
mod dpop;
mod files;
mod form;
mod keys;
pub mod tls;
mod web;

pub use binding::Binding;
pub use keys::{Algorithm, SigningKey};

use keys::KeyRing;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;
use vault_encoding::text::base64url;

/// Who may ask for tokens. The subject of its tokens is its id.
#[derive(Clone)]
pub struct Client {
    /// `client_id`, and `sub` of its tokens.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
    /// The claim `roles` of its tokens.
    pub roles: Vec<String>,
}

impl Client {
    /// A client of this id, secret and roles.
    pub fn new(id: &str, secret: &str, roles: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }
}

/// What an issuer is started with.
#[derive(Clone)]
pub struct IssuerConfig {
    /// Where to listen; port 0 takes the port of the last start that `dir` remembers, else one
    /// that the system chooses.
    pub listen: SocketAddr,
    /// Where authority, keys and port are kept, so that a restart is the same issuer. `None`: in
    /// memory only.
    pub dir: Option<PathBuf>,
    /// `aud` of every token.
    pub audience: String,
    /// Seconds for which a token is valid.
    pub token_seconds: u64,
    /// Who may ask.
    pub clients: Vec<Client>,
    /// Whether `POST /test/rotate?alg=…` and `POST /test/drop?kid=…` are there.
    pub test_ends: bool,
}

impl IssuerConfig {
    /// On loopback, in memory, with tokens of five minutes.
    pub fn new(clients: Vec<Client>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            dir: None,
            audience: "https://vaults.dev.invalid".into(),
            token_seconds: 300,
            clients,
            test_ends: false,
        }
    }
}

/// A running issuer; ends when it is dropped.
pub struct Issuer {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

pub(crate) struct Shared {
    url: String,
    ca_pem: String,
    config: IssuerConfig,
    keys: Mutex<KeyRing>,
}

impl Issuer {
    /// Starts on the runtime of the caller.
    pub async fn start(config: IssuerConfig) -> anyhow::Result<Self> {
        let files = files::Files::new(config.dir.clone())?;
        let listener = files.listen(config.listen).await?;
        let address = listener.local_addr()?;
        let authority = files.authority()?;
        let acceptor = authority.acceptor()?;
        let shared = Arc::new(Shared {
            url: format!("https://localhost:{}", address.port()),
            ca_pem: authority.pem().to_owned(),
            keys: Mutex::new(files.keys()?),
            config,
        });
        let server = tokio::spawn(web::serve(listener, acceptor, shared.clone()));
        Ok(Self { shared, server })
    }

    /// `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Where its keys are.
    pub fn jwks_uri(&self) -> String {
        format!("{}/jwks", self.shared.url)
    }

    /// Where tokens are asked for.
    pub fn token_uri(&self) -> String {
        format!("{}/token", self.shared.url)
    }

    /// `aud` of its tokens.
    pub fn audience(&self) -> &str {
        &self.shared.config.audience
    }

    /// The certificate that its TLS leads to.
    pub fn ca_pem(&self) -> &str {
        &self.shared.ca_pem
    }

    /// A plain bearer token for this client, as `POST /token` gives it to who sends no proof;
    /// `None` if there is no such client.
    pub fn token(&self, client_id: &str) -> Option<String> {
        self.bound_token(client_id, &Binding::default())
    }

    /// The standard claims of a token for this client, to be altered by a test.
    pub fn claims(&self, client_id: &str) -> Option<serde_json::Value> {
        let client = self.shared.client(client_id)?;
        Some(self.shared.claims(client, &Binding::default()))
    }

    /// The key that signs tokens now.
    pub fn current_key(&self) -> Arc<SigningKey> {
        self.shared.ring().current()
    }

    /// A new key of this algorithm, published and used from now on. The old ones stay published.
    pub fn rotate(&self, algorithm: Algorithm) -> anyhow::Result<String> {
        self.shared.ring().rotate(algorithm)
    }

    /// Publishes this key no more. Whether there was one.
    pub fn drop_key(&self, kid: &str) -> bool {
        self.shared.ring().drop_key(kid)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn ring(&self) -> MutexGuard<'_, KeyRing> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token(&self, client: &Client, binding: &Binding) -> Option<String> {
        let key = self.ring().current();
        let header = format!(
            r#"{{"alg":"{}","kid":"{}","typ":"at+jwt"}}"#,
            key.algorithm().name(),
            key.kid()
        );
        Some(sign(
            &header,
            &self.claims(client, binding).to_string(),
            &key,
        ))
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A token of these texts, whatever they say, under this key.
pub fn sign(header: &str, claims: &str, key: &SigningKey) -> String {
    let signed = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(claims.as_bytes())
    );
    let signature = base64url(&key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Runs an issuer in a process of its own. Prints one line of JSON when it is ready:
/// `{"ready":true,"url":…,"jwks_uri":…,"token_uri":…,"audience":…,"ca_pem":…}`.
pub async fn run(
    config: IssuerConfig,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    use std::io::Write;
    let issuer = Issuer::start(config).await?;
    let ready = serde_json::json!({
        "ready": true,
        "url": issuer.url(),
        "jwks_uri": issuer.jwks_uri(),
        "token_uri": issuer.token_uri(),
        "audience": issuer.audience(),
        "ca_pem": issuer.ca_pem(),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()?;
    drop(out);
    shutdown.await;
    Ok(())
}

#[cfg(test)]
mod tests;
