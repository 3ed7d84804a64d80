//! What a quote commits to: this connection, this key, these claims.

use vault_encoding::{Domain, Hash};

/// Label of the TLS exporter (RFC 8446, 7.5); the nonce is its context, 32 bytes its length.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-enclave-vaults-attest-v1";

/// Which end of the connection evidence speaks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The end that accepted.
    Server,
    /// The end that connected.
    Caller,
}

impl Role {
    /// Its byte in a binding.
    pub fn byte(self) -> u8 {
        match self {
            Self::Server => 1,
            Self::Caller => 2,
        }
    }
}

/// The connection at hand, as one role's evidence must name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection {
    /// Which end the evidence speaks for.
    pub role: Role,
    /// The other end's nonce.
    pub nonce: [u8; 32],
    /// [`EXPORTER_LABEL`] with that nonce as context.
    pub exporter: [u8; 32],
    /// SHA-256 of the SubjectPublicKeyInfo that this role proved in the handshake.
    pub spki_hash: Hash,
}

/// One connection's 64 bytes. Has no other constructor, so that nobody chooses what is quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Binding([u8; 64]);

impl Binding {
    /// SHA-512 over domain, role byte, nonce, exporter, SPKI hash and hash of the claims.
    pub fn new(connection: &Connection, claims_hash: &Hash) -> Self {
        let Connection { role, nonce, exporter, spki_hash } = connection;
        Self(Domain::RatlsPreamble.hash_wide(&[
            &[role.byte()],
            nonce,
            exporter,
            spki_hash.as_bytes(),
            claims_hash.as_bytes(),
        ]))
    }

    /// The 64 bytes: a leaf of the batch's tree.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}
