//! The header of a token.

use super::{TokenError, TokenType};
use crate::authn::jwks::{Algorithm, LONGEST_KID};
use vault_encoding::{Json, JsonError, Limits};

const LIMITS: Limits = Limits {
    bytes: 2048,
    depth: 2,
    nodes: 8,
};

/// A header of the three members that are allowed.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    typ: Option<String>,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let json = Json::parse(bytes, LIMITS).map_err(|error| match error {
            JsonError::DuplicateName(_) => TokenError::DuplicateName,
            _ => TokenError::HeaderMalformed,
        })?;
        let Json::Map(members) = &json else {
            return Err(TokenError::HeaderMalformed);
        };
        if members
            .keys()
            .any(|name| !matches!(name.as_str(), "alg" | "kid" | "typ"))
        {
            return Err(TokenError::HeaderNotAllowed);
        }
        let algorithm = text(&json, "alg")?
            .and_then(Algorithm::from_name)
            .ok_or(TokenError::AlgorithmNotAllowed)?;
        let kid = text(&json, "kid")?
            .filter(|kid| (1..=LONGEST_KID).contains(&kid.len()))
            .ok_or(TokenError::KidMissing)?;
        Ok(Self {
            algorithm,
            kid: kid.to_owned(),
            typ: text(&json, "typ")?.map(str::to_owned),
        })
    }

    /// By the bytes of `typ`: no other spelling is another name of the same type.
    pub(super) fn token_type(&self) -> Result<TokenType, TokenError> {
        match self.typ.as_deref() {
            None => Ok(TokenType::Absent),
            Some("at+jwt") => Ok(TokenType::AccessToken),
            Some("JWT") => Ok(TokenType::Jwt),
            Some(_) => Err(TokenError::TypeNotAllowed),
        }
    }
}

fn text<'a>(json: &'a Json, name: &str) -> Result<Option<&'a str>, TokenError> {
    match json.get(name) {
        None => Ok(None),
        Some(Json::Text(value)) => Ok(Some(value)),
        Some(_) => Err(TokenError::HeaderMalformed),
    }
}
