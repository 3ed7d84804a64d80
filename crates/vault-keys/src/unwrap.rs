//! Unwrap: header, lineage and version first, then authentication.

use crate::error::KeyError;
use crate::parsed::{KeyIdentity, ParsedKey, Secret};
use crate::wrap::associated_data;
use crate::wrap_header::WrapHeader;
use crate::xaes::{NONCE_LEN, XaesKey};
use vault_policy::{Operation, Permit};
use zeroize::Zeroizing;

impl ParsedKey {
    /// Spends a permit for [`Operation::Unwrap`]. Nothing of the plaintext is released unless
    /// header, nonce, ciphertext and `aad` authenticate.
    pub fn unwrap(
        &self,
        permit: Permit,
        ciphertext: &[u8],
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.spend(permit, Operation::Unwrap)?;
        match &self.secret {
            Secret::Aes256Gcm(key) => open(key, self.identity(), ciphertext, aad),
            _ => Err(self.not_of_type(Operation::Unwrap)),
        }
    }
}

fn open(
    key: &XaesKey,
    identity: KeyIdentity,
    ciphertext: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let header = WrapHeader::parse(ciphertext)?;
    if header.lineage != identity.lineage {
        return Err(KeyError::WrappedByOtherKey);
    }
    if header.version != identity.version {
        return Err(KeyError::WrappedByOtherVersion {
            version: header.version,
        });
    }
    let sealed = ciphertext
        .get(WrapHeader::LEN..)
        .ok_or(KeyError::NotWrapped)?;
    let (nonce, sealed) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(KeyError::NotWrapped)?;
    key.open(nonce, &associated_data(&header.to_bytes(), aad), sealed)
}
