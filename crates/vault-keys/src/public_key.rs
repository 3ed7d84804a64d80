//! GetPublicKey.

use crate::error::KeyError;
use crate::parsed::ParsedKey;
use vault_policy::{Operation, Permit};

impl ParsedKey {
    /// Spends a permit for [`Operation::GetPublicKey`]. SubjectPublicKeyInfo in DER: RFC 5480
    /// with an uncompressed point for P-256, RFC 8410 for Ed25519.
    pub fn public_key(&self, permit: Permit) -> Result<Vec<u8>, KeyError> {
        self.spend(permit, Operation::GetPublicKey)?;
        self.spki()?
            .ok_or_else(|| self.not_of_type(Operation::GetPublicKey))
    }
}
