//! MacVerify: recompute the tag and compare in constant time.

use crate::error::KeyError;
use crate::mac;
use crate::parsed::{ParsedKey, Secret};
use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use vault_policy::{Operation, Permit};

impl ParsedKey {
    /// Spends a permit for [`Operation::MacVerify`]. `Ok(false)` for any other tag, shortened
    /// ones included. The time depends on the lengths of message and tag only.
    pub fn mac_verify(&self, permit: Permit, message: &[u8], tag: &[u8]) -> Result<bool, KeyError> {
        self.spend(permit, Operation::MacVerify)?;
        match &self.secret {
            Secret::HmacSha256(key) => is_valid(key, message, tag),
            _ => Err(self.not_of_type(Operation::MacVerify)),
        }
    }
}

pub(crate) fn is_valid(key: &hmac::Key, message: &[u8], given: &[u8]) -> Result<bool, KeyError> {
    Ok(mac::tag(key, message)?.as_slice().ct_eq(given).into())
}
