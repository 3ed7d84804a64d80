//! What one end shows of itself: its claims, bound to a connection and quoted.

use super::batcher::Quoted;
use crate::preamble::{Binding, Proof};
use crate::report_data::Connection;
use crate::{Claims, Leaf, Role};
use vault_encoding::Hash;

/// The part of a leaf that a preamble repeats.
pub(super) struct Shown {
    claims: Vec<u8>,
    claims_hash: Hash,
    spki_hash: Hash,
    role: Role,
}

impl Shown {
    pub(super) fn new(leaf: &Leaf) -> Self {
        let Claims {
            role, spki_hash, ..
        } = leaf.claims;
        Self {
            claims: leaf.claims.to_bytes(),
            claims_hash: leaf.claims.hash(),
            spki_hash,
            role,
        }
    }

    /// What must be quoted for the other end's nonce on the connection with this exporter.
    pub(super) fn binding(&self, nonce: &[u8; 32], exporter: &[u8; 32]) -> Binding {
        let connection = Connection {
            role: self.role,
            nonce,
            exporter,
            spki_hash: &self.spki_hash,
        };
        Binding::new(&connection, &self.claims_hash)
    }

    /// The evidence as it goes into a frame.
    pub(super) fn proof(&self, quoted: Quoted) -> Proof {
        Proof {
            claims: self.claims.clone(),
            quote: quoted.evidence.quote.clone(),
            collateral: quoted.evidence.collateral.clone(),
            place: quoted.place,
        }
    }
}
