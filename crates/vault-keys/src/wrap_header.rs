//! The header of a ciphertext. Frozen; docs/keys.md has it byte by byte.

use crate::error::KeyError;
use crate::xaes;
use vault_encoding::Hash;
use vault_policy::{KeyVersion, Lineage};

const FORMAT: u8 = 1;
const XAES_256_GCM: u8 = 1;
const VERSION_AT: usize = 34;

/// By how much a ciphertext is longer than its plaintext: header, nonce and tag.
pub const WRAP_OVERHEAD: usize = WrapHeader::LEN + xaes::NONCE_LEN + xaes::TAG_LEN;

/// Which version of which key made a ciphertext.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WrapHeader {
    /// The key's lineage.
    pub lineage: Lineage,
    /// The key's version.
    pub version: KeyVersion,
}

impl WrapHeader {
    /// Format version, algorithm, lineage, key version.
    pub const LEN: usize = 1 + 1 + 32 + 4;

    /// The header at the start of a ciphertext, unauthenticated: good for choosing the version
    /// to ask a permit for, and for nothing else.
    pub fn parse(ciphertext: &[u8]) -> Result<Self, KeyError> {
        if ciphertext.len() < WRAP_OVERHEAD {
            return Err(KeyError::NotWrapped);
        }
        let header = ciphertext
            .first_chunk::<{ Self::LEN }>()
            .ok_or(KeyError::NotWrapped)?;
        let [FORMAT, XAES_256_GCM, fields @ ..] = header else {
            return Err(KeyError::NotWrapped);
        };
        let (lineage, version) = fields.split_at(VERSION_AT - 2);
        let lineage = Hash::from_slice(lineage).ok_or(KeyError::NotWrapped)?;
        let version = version.try_into().map_err(|_| KeyError::NotWrapped)?;
        Ok(Self {
            lineage: Lineage(lineage),
            version: KeyVersion(u32::from_be_bytes(version)),
        })
    }

    /// The header's bytes.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let fields = [FORMAT, XAES_256_GCM]
            .into_iter()
            .chain(*self.lineage.0.as_bytes())
            .chain(self.version.0.to_be_bytes());
        for (slot, byte) in bytes.iter_mut().zip(fields) {
            *slot = byte;
        }
        bytes
    }
}
