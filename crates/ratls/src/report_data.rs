//! The one place that says which 64 bytes are quoted. Nobody chooses them freely.
//!
//! Every value is SHA-512 over a domain tag, a zero byte and fixed-width fields.

use crate::claims::{Claims, Role};
use vault_encoding::{Domain, Hash};

/// What a preamble binds beside the claims.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection<'a> {
    /// Who proves.
    pub role: Role,
    /// The verifier's nonce.
    pub nonce: &'a [u8; 32],
    /// Keying material exported from the TLS connection, with the nonce as its context.
    pub exporter: &'a [u8; 32],
    /// SHA-256 of the SubjectPublicKeyInfo of the prover's certificate.
    pub spki_hash: &'a Hash,
}

/// report_data of the evidence inside a leaf.
pub fn leaf(claims_hash: &Hash) -> [u8; 64] {
    Domain::RatlsLeaf.hash_wide(&[claims_hash.as_bytes()])
}

/// The binding of one connection: a leaf of the batch's Merkle tree, not itself quoted.
pub fn preamble_binding(connection: &Connection<'_>, claims_hash: &Hash) -> [u8; 64] {
    Domain::RatlsPreamble.hash_wide(&[
        &[connection.role.byte()],
        connection.nonce,
        connection.exporter,
        connection.spki_hash.as_bytes(),
        claims_hash.as_bytes(),
    ])
}

/// report_data over the RFC 6962 root of the bindings of one batch of preambles.
pub fn batch(root: &Hash) -> [u8; 64] {
    Domain::RatlsBatch.hash_wide(&[root.as_bytes()])
}

/// The report data that evidence must carry, and the claims that it commits to.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub(crate) report_data: [u8; 64],
    pub(crate) claims: Option<&'a Claims>,
}

impl<'a> Expected<'a> {
    /// Evidence of a leaf with these claims.
    pub fn leaf(claims: &'a Claims) -> Self {
        Self {
            report_data: leaf(&claims.hash()),
            claims: Some(claims),
        }
    }

    /// Evidence of a batch of preambles. The caller must have found the binding of its own
    /// connection, with these claims, under `root`.
    pub fn batch(claims: &'a Claims, root: &Hash) -> Self {
        Self {
            report_data: batch(root),
            claims: Some(claims),
        }
    }

    /// Any 64 bytes. For quotes that were not made for this product, such as test vectors: what
    /// passes says nothing about who is on a connection.
    pub fn danger_raw(report_data: [u8; 64]) -> Self {
        Self {
            report_data,
            claims: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha512;

    #[test]
    fn each_value_is_sha_512_over_its_tag_and_fixed_width_fields() {
        let hash = Hash([7; 32]);
        let of = |tag: &str, fields: &[u8]| sha512(&[tag.as_bytes(), &[0], fields].concat());
        assert_eq!(leaf(&hash), of("enclave-vaults/ratls-leaf/v1", &[7; 32]));
        assert_eq!(batch(&hash), of("enclave-vaults/ratls-batch/v1", &[7; 32]));
        let connection = Connection {
            role: Role::Vault,
            nonce: &[1; 32],
            exporter: &[2; 32],
            spki_hash: &Hash([3; 32]),
        };
        let fields = [&[1u8][..], &[1; 32], &[2; 32], &[3; 32], &[7; 32]].concat();
        assert_eq!(
            preamble_binding(&connection, &hash),
            of("enclave-vaults/ratls-preamble/v1", &fields)
        );
    }
}
