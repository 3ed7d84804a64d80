//! Wrap: header ‖ nonce ‖ ciphertext ‖ tag.

use crate::error::KeyError;
use crate::parsed::{KeyIdentity, ParsedKey, Secret};
use crate::rng::Rng;
use crate::wrap_header::{WRAP_OVERHEAD, WrapHeader};
use crate::xaes::{NONCE_LEN, XaesKey};
use vault_policy::{Operation, Permit};

impl ParsedKey {
    /// Spends a permit for [`Operation::Wrap`]. The nonce is the vault's own; there is no way to
    /// give one. `aad` must be given again to unwrap.
    pub fn wrap(
        &self,
        permit: Permit,
        plaintext: &[u8],
        aad: &[u8],
        rng: &mut dyn Rng,
    ) -> Result<Vec<u8>, KeyError> {
        self.spend(permit, Operation::Wrap)?;
        match &self.secret {
            Secret::Aes256Gcm(key) => seal(key, self.identity(), plaintext, aad, rng),
            _ => Err(self.not_of_type(Operation::Wrap)),
        }
    }
}

fn seal(
    key: &XaesKey,
    identity: KeyIdentity,
    plaintext: &[u8],
    aad: &[u8],
    rng: &mut dyn Rng,
) -> Result<Vec<u8>, KeyError> {
    let header = WrapHeader {
        lineage: identity.lineage,
        version: identity.version,
    }
    .to_bytes();
    let mut nonce = [0; NONCE_LEN];
    rng.fill(&mut nonce);
    let mut out = Vec::with_capacity(plaintext.len().saturating_add(WRAP_OVERHEAD));
    out.extend_from_slice(&header);
    out.extend_from_slice(&nonce);
    key.seal_append(&nonce, &associated_data(&header, aad), plaintext, &mut out)?;
    Ok(out)
}

/// header ‖ caller's aad. The header is of fixed width, so no two pairs give the same bytes.
pub(crate) fn associated_data(header: &[u8; WrapHeader::LEN], aad: &[u8]) -> Vec<u8> {
    [header.as_slice(), aad].concat()
}
