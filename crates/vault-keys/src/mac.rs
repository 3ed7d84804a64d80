//! Mac: HMAC-SHA-256 with its full tag.

use crate::error::KeyError;
use crate::parsed::{ParsedKey, Secret};
use aws_lc_rs::hmac;
use vault_policy::{Operation, Permit};

/// Length of a tag. Tags are never truncated.
pub const TAG_LEN: usize = 32;

/// An HMAC-SHA-256 tag.
pub type Tag = [u8; TAG_LEN];

impl ParsedKey {
    /// Spends a permit for [`Operation::Mac`].
    pub fn mac(&self, permit: Permit, message: &[u8]) -> Result<Tag, KeyError> {
        self.spend(permit, Operation::Mac)?;
        match &self.secret {
            Secret::HmacSha256(key) => tag(key, message),
            _ => Err(self.not_of_type(Operation::Mac)),
        }
    }
}

pub(crate) fn tag(key: &hmac::Key, message: &[u8]) -> Result<Tag, KeyError> {
    hmac::sign(key, message)
        .as_ref()
        .try_into()
        .map_err(|_| KeyError::Library)
}
