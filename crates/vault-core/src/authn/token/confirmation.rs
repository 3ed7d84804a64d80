//! `cnf`: who may use a token (RFC 7800).

use super::TokenError;
use vault_encoding::{Hash, Json, text};

/// What the sender of a token has to prove beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confirmation {
    /// Nothing: there is no `cnf`.
    None,
    /// `jkt`: the private key of the JWK with this thumbprint (RFC 9449, section 6.1).
    Key(Hash),
    /// `x5t#S256`: the private key of the certificate with this SHA-256 (RFC 8705, section 3.1).
    Certificate(Hash),
}

/// Exactly one member: two would leave open which of them binds, and one that is not understood
/// cannot be checked.
pub(super) fn parse(cnf: Option<&Json>) -> Result<Confirmation, TokenError> {
    let Some(cnf) = cnf else {
        return Ok(Confirmation::None);
    };
    confirmation(cnf).ok_or(TokenError::ConfirmationUnsupported)
}

fn confirmation(cnf: &Json) -> Option<Confirmation> {
    let Json::Map(members) = cnf else { return None };
    let mut members = members.iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else {
        return None;
    };
    let hash = Hash::from_slice(&text::unbase64url(value.as_text()?)?)?;
    match name.as_str() {
        "jkt" => Some(Confirmation::Key(hash)),
        "x5t#S256" => Some(Confirmation::Certificate(hash)),
        _ => None,
    }
}
