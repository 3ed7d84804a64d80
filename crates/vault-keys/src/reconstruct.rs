//! Reconstruct: the share as it was stored.

use crate::error::KeyError;
use crate::parsed::{ParsedKey, Secret};
use vault_policy::{Operation, Permit};
use zeroize::Zeroizing;

impl ParsedKey {
    /// Spends a permit for [`Operation::Reconstruct`]. The one operation that gives material
    /// away, and only that of a share, which is opaque here and was made elsewhere.
    pub fn reconstruct(&self, permit: Permit) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.spend(permit, Operation::Reconstruct)?;
        match &self.secret {
            Secret::RawShare(bytes) => Ok(Zeroizing::new(bytes.to_vec())),
            _ => Err(self.not_of_type(Operation::Reconstruct)),
        }
    }
}
