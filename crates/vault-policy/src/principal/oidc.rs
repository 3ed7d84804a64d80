//! The subject of an access token.

use crate::facts::Facts;

/// A subject of an issuer, both compared byte for byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OidcSubject {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
}

impl OidcSubject {
    /// Whether the call's token is this subject's.
    pub fn proven(&self, facts: &Facts) -> bool {
        facts
            .token
            .as_ref()
            .is_some_and(|token| token.issuer == self.issuer && token.subject == self.subject)
    }
}
