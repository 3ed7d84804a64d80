//! Where access tokens come from. A token is fetched when needed, kept until shortly before its
//! expiry, and never printed.

mod command;
mod credentials;
mod https;
mod kept;

pub use command::TokenCommand;
pub use credentials::ClientCredentials;
pub use https::TrustedRoots;
pub use kept::Kept;

use crate::error::{Error, ErrorCode, Result};
use http::HeaderValue;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use zeroize::Zeroizing;

/// A bearer token. Its text is shown to nobody but the vault.
#[derive(Clone)]
pub struct AccessToken {
    text: Zeroizing<String>,
    lifetime: Option<Duration>,
}

impl AccessToken {
    /// A token and how long it is valid from now on, if that is known.
    pub fn new(text: impl Into<String>, lifetime: Option<Duration>) -> Self {
        Self {
            text: Zeroizing::new(text.into()),
            lifetime,
        }
    }

    /// The `authorization` header. Marked sensitive: neither printed nor kept by HTTP/2.
    pub(crate) fn header(&self) -> Result<HeaderValue> {
        let bearer = Zeroizing::new(format!("Bearer {}", *self.text));
        let mut header = HeaderValue::from_str(&bearer).map_err(|_| {
            Error::new(ErrorCode::Unauthenticated).detail("the token is not one line of text")
        })?;
        header.set_sensitive(true);
        Ok(header)
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
