//! The claims of a token, each read as its one JSON type.

use super::confirmation::{self, Confirmation};
use super::{Claim, TokenError};
use unicode_normalization::is_nfc;
use vault_encoding::{Json, JsonError, Limits};
use vault_policy::UnixSeconds;

const LIMITS: Limits = Limits {
    bytes: super::LONGEST,
    depth: 8,
    // A small object takes 640 bytes of memory: so many take 8 times the longest token.
    nodes: 400,
};
const LONGEST_NAME: usize = 256;
const MOST_AUDIENCES: usize = 16;
const MOST_ROLES: usize = 256;

pub(super) struct Claims(Json);

impl Claims {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        match Json::parse(bytes, LIMITS) {
            Ok(json @ Json::Map(_)) => Ok(Self(json)),
            Err(JsonError::DuplicateName(_)) => Err(TokenError::DuplicateName),
            Ok(_) | Err(_) => Err(TokenError::ClaimsMalformed),
        }
    }

    pub(super) fn issuer(&self) -> Result<&str, TokenError> {
        self.name(Claim::Iss)
    }

    pub(super) fn subject(&self) -> Result<&str, TokenError> {
        self.name(Claim::Sub)
    }

    /// One string or an array of strings (RFC 7519, section 4.1.3).
    pub(super) fn audiences(&self) -> Result<Vec<&str>, TokenError> {
        let wrong = TokenError::ClaimType(Claim::Aud);
        match self.get(Claim::Aud.name()) {
            None => Err(TokenError::ClaimMissing(Claim::Aud)),
            Some(Json::Text(one)) => Ok(vec![one]),
            Some(Json::List(many)) if many.len() <= MOST_AUDIENCES => many
                .iter()
                .map(|entry| entry.as_text().ok_or(wrong))
                .collect(),
            Some(_) => Err(wrong),
        }
    }

    pub(super) fn required_time(&self, claim: Claim) -> Result<UnixSeconds, TokenError> {
        self.time(claim)?.ok_or(TokenError::ClaimMissing(claim))
    }

    /// A whole number of seconds.
    pub(super) fn time(&self, claim: Claim) -> Result<Option<UnixSeconds>, TokenError> {
        match self.get(claim.name()) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(seconds) => Ok(Some(UnixSeconds(seconds))),
                None => Err(TokenError::ClaimType(claim)),
            },
        }
    }

    /// An array of strings; none where the claim is absent.
    pub(super) fn roles(&self, claim: &str) -> Result<Vec<&str>, TokenError> {
        let wrong = TokenError::ClaimType(Claim::Roles);
        match self.get(claim) {
            None => Ok(Vec::new()),
            Some(Json::List(roles)) if roles.len() <= MOST_ROLES => roles
                .iter()
                .map(|entry| entry.as_text().ok_or(wrong))
                .collect(),
            Some(_) => Err(wrong),
        }
    }

    /// Who may use the token.
    pub(super) fn confirmation(&self) -> Result<Confirmation, TokenError> {
        confirmation::parse(self.get("cnf"))
    }

    fn name(&self, claim: Claim) -> Result<&str, TokenError> {
        let text = match self.get(claim.name()) {
            None => return Err(TokenError::ClaimMissing(claim)),
            Some(Json::Text(text)) => text,
            Some(_) => return Err(TokenError::ClaimType(claim)),
        };
        let fine = (1..=LONGEST_NAME).contains(&text.len())
            && !text.chars().any(char::is_control)
            && is_nfc(text);
        fine.then_some(text.as_str())
            .ok_or(TokenError::ClaimNotAllowed(claim))
    }

    fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }
}
