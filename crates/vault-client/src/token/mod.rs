//! Where access tokens come from. A token is fetched when needed, kept until shortly before its
//! expiry, and never printed. Where the issuer binds it to a key (DPoP), every call proves that
//! key, so that a vault that keeps the token can use it nowhere else.

mod command;
mod connection;
mod credentials;
mod https;
mod kept;
mod proof;

pub use command::TokenCommand;
pub(crate) use connection::{ConnectionProofs, bound_token};
pub use credentials::ClientCredentials;
pub use https::TrustedRoots;
pub(crate) use https::connector;
pub use kept::Kept;
pub use proof::{ProofKey, ProofOf};

use crate::error::{Error, ErrorCode, Result};
use http::HeaderValue;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use vault_policy::VaultId;
use zeroize::Zeroizing;

/// The scheme of tokens that need a proof.
const DPOP: &str = "DPoP";
/// The header in which the other end says which nonce it wants.
const DPOP_NONCE: &str = "dpop-nonce";

/// An access token. Its text is shown to nobody but the vault.
#[derive(Clone)]
pub struct AccessToken {
    text: Zeroizing<String>,
    lifetime: Option<Duration>,
    is_bound: bool,
}

impl AccessToken {
    /// A bearer token and how long it is valid from now on, if that is known.
    pub fn new(text: impl Into<String>, lifetime: Option<Duration>) -> Self {
        Self {
            text: Zeroizing::new(text.into()),
            lifetime,
            is_bound: false,
        }
    }

    /// The same token, bound to its source's [`TokenSource::proof_key_for`] the vault: sent as
    /// `DPoP`, with a proof.
    #[must_use]
    pub fn bound(mut self) -> Self {
        self.is_bound = true;
        self
    }

    /// Whether it needs a proof.
    pub fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// The `authorization` header. Marked sensitive: neither printed nor kept by HTTP/2.
    pub(crate) fn header(&self) -> Result<HeaderValue> {
        let scheme = if self.is_bound { DPOP } else { "Bearer" };
        let value = Zeroizing::new(format!("{scheme} {}", *self.text));
        let mut header = HeaderValue::from_str(&value).map_err(|_| {
            Error::new(ErrorCode::Unauthenticated).detail("the token is not one line of text")
        })?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// Its text, for whoever sends it by other means. Whoever reads it may use it, unless it is
    /// bound.
    pub fn danger_text(&self) -> &str {
        &self.text
    }

    /// How long it was valid when it was issued.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// A token on its way.
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<AccessToken>> + Send + 'a>>;

/// A source of access tokens.
pub trait TokenSource: Send + Sync {
    /// A token that is valid now.
    fn token(&self) -> TokenFuture<'_>;

    /// A token to be shown to this vault.
    fn token_for(&self, _vault: VaultId) -> TokenFuture<'_> {
        self.token()
    }

    /// Whether the token of one vault is good for no other.
    fn is_per_vault(&self) -> bool {
        false
    }

    /// The key that its bound tokens are bound to.
    fn proof_key(&self) -> Option<ProofKey> {
        None
    }

    /// The key that its bound tokens for this vault are bound to.
    fn proof_key_for(&self, _vault: VaultId) -> Option<ProofKey> {
        self.proof_key()
    }

    /// Forgets a token that a vault refused, so that the next one is new.
    fn forget(&self) {}
}

/// One token, as it is. For tests and for tools that bring their own.
#[derive(Clone, Debug)]
pub struct FixedToken(pub AccessToken);

impl TokenSource for FixedToken {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

/// One token that is bound to a key, and that key.
#[derive(Clone, Debug)]
pub struct BoundToken {
    /// Sent as `DPoP`, whatever it says of itself.
    pub token: AccessToken,
    /// Proves each call.
    pub key: ProofKey,
}

impl TokenSource for BoundToken {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok(self.token.clone().bound()) })
    }

    fn proof_key(&self) -> Option<ProofKey> {
        Some(self.key.clone())
    }
}
