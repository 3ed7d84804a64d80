//! What a quote commits to: this connection, this key, these claims.

use crate::report_data::{Connection, preamble_binding};
use vault_encoding::Hash;

/// Label of the TLS exporter (RFC 8446, 7.5); the nonce is its context, 32 bytes its length.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-enclave-vaults-attest-v1";

/// One connection's 64 bytes. Has no other constructor, so that nobody chooses what is quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Binding([u8; 64]);

impl Binding {
    /// SHA-512 over domain, role byte, nonce, exporter, SPKI hash and hash of the claims.
    pub fn new(connection: &Connection<'_>, claims_hash: &Hash) -> Self {
        Self(preamble_binding(connection, claims_hash))
    }

    /// The 64 bytes: a leaf of the batch's tree.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}
