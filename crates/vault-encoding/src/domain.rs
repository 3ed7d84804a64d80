//! Domain separation: the closed set of what is hashed or signed.

use crate::text;
use sha2::{Digest, Sha256, Sha512};
use std::fmt;

/// A SHA-256 hash. Prints as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// From 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        text::unhex(text).map(Self)
    }

    /// From exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a hash or a signature is for. No two uses share a tag, and no tag is a prefix of
/// another one followed by a zero byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Domain {
    /// A key's policy, in canonical form.
    KeyPolicy,
    /// An attestation profile, in canonical form.
    AttestationProfile,
    /// A key's lineage: origin vault id and RFC 6962 hash of its creation leaf.
    Lineage,
    /// A vault's id: the SPKI of its identity key.
    VaultId,
    /// A platform's id: its platform instance id, else its PPID.
    PlatformId,
    /// The request inside an audit leaf: salt, then the canonical request.
    LogRequest,
    /// The change inside an audit leaf: salt, then the change's bytes.
    LogChange,
    /// The salt of the request, from a record's own salt.
    LogRequestSalt,
    /// The salt of the change, from a record's own salt.
    LogChangeSalt,
    /// The claims that an RA-TLS leaf commits to.
    RatlsClaims,
    /// report_data of the evidence inside an RA-TLS leaf (SHA-512).
    RatlsLeaf,
    /// One connection's binding of the attestation preamble (SHA-512).
    RatlsPreamble,
    /// report_data over the Merkle root of one batch of preambles (SHA-512).
    RatlsBatch,
    /// A leaf of the configuration tree of entries that carry trust.
    ConfigTrust,
    /// A leaf of the configuration tree of entries that carry none.
    ConfigOperational,
    /// The idempotency digest of a request.
    Idempotency,
    /// The state digest that simulations compare.
    State,
    /// A version of a constellation's manifest, signed by the governance keys.
    Manifest,
    /// A change of a vault's trust configuration, signed by the governance keys.
    Reconfigure,
    /// The key under which one share's metadata are sealed, from the owner key.
    ShareSeal,
    /// The handle of one share, from the owner key.
    ShareHandle,
    /// What authenticates an owner's record of the members of one set.
    SecretSet,
    /// The nonce that a vault asks for in DPoP proofs of one connection.
    DpopNonce,
    /// The id of an owner key, from the owner key.
    OwnerKey,
    /// The digest inside the payload that is shared.
    SharePayload,
    /// The key of one vault's ciphertext of a large secret, from the key that is shared.
    ShareBody,
    /// What an authenticator signs: the root over the statements of one gesture.
    Approval,
    /// A vault's word that a manager approved one statement with a token.
    ApprovalToken,
    /// Who approved, in a log entry.
    Approver,
    /// Where a relay keeps what waits for one credential.
    Mailbox,
}

impl Domain {
    /// The ASCII tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::KeyPolicy => "enclave-vaults/key-policy/v1",
            Self::AttestationProfile => "enclave-vaults/attestation-profile/v1",
            Self::Lineage => "enclave-vaults/lineage/v1",
            Self::VaultId => "enclave-vaults/vault-id/v1",
            Self::PlatformId => "enclave-vaults/platform-id/v1",
            Self::LogRequest => "enclave-vaults/log-request/v1",
            Self::LogChange => "enclave-vaults/log-change/v1",
            Self::LogRequestSalt => "enclave-vaults/log-request-salt/v1",
            Self::LogChangeSalt => "enclave-vaults/log-change-salt/v1",
            Self::RatlsClaims => "enclave-vaults/ratls-claims/v1",
            Self::RatlsLeaf => "enclave-vaults/ratls-leaf/v1",
            Self::RatlsPreamble => "enclave-vaults/ratls-preamble/v1",
            Self::RatlsBatch => "enclave-vaults/ratls-batch/v1",
            Self::ConfigTrust => "enclave-vaults/config-trust/v1",
            Self::ConfigOperational => "enclave-vaults/config-operational/v1",
            Self::Idempotency => "enclave-vaults/idempotency/v1",
            Self::State => "enclave-vaults/state/v1",
            Self::Manifest => "enclave-vaults/manifest/v1",
            Self::Reconfigure => "enclave-vaults/reconfigure/v1",
            Self::ShareSeal => "enclave-vaults/share-seal/v1",
            Self::ShareHandle => "enclave-vaults/share-handle/v1",
            Self::SecretSet => "enclave-vaults/secret-set/v1",
            Self::DpopNonce => "enclave-vaults/dpop-nonce/v1",
            Self::OwnerKey => "enclave-vaults/owner-key/v1",
            Self::SharePayload => "enclave-vaults/share-payload/v1",
            Self::ShareBody => "enclave-vaults/share-body/v1",
            Self::Approval => "enclave-vaults/approval/v1",
            Self::ApprovalToken => "enclave-vaults/approval-token/v1",
            Self::Approver => "enclave-vaults/approver/v1",
            Self::Mailbox => "enclave-vaults/mailbox/v1",
        }
    }

    /// SHA-256 over tag, zero byte and the fields in order. INVARIANT: every field but the last
    /// is of fixed width, so that no two lists of fields give the same bytes.
    pub fn hash(self, fields: &[&[u8]]) -> Hash {
        let mut digest = Sha256::new();
        digest.update(self.tag());
        digest.update([0]);
        for field in fields {
            digest.update(field);
        }
        Hash(digest.finalize().into())
    }

    /// SHA-512 by the same rule as [`Domain::hash`]; the width of SGX report_data.
    pub fn hash_wide(self, fields: &[&[u8]]) -> [u8; 64] {
        let mut digest = Sha512::new();
        digest.update(self.tag());
        digest.update([0]);
        for field in fields {
            digest.update(field);
        }
        digest.finalize().into()
    }

    /// Tag, zero byte and the fields: the message that is signed under this domain, or the data
    /// of a Merkle leaf.
    pub fn message(self, fields: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::from(self.tag().as_bytes());
        out.push(0);
        for field in fields {
            out.extend_from_slice(field);
        }
        out
    }
}

/// Plain SHA-256, for values that other standards define (SPKI hashes, digests to be signed).
pub fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// Plain SHA-512.
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    Sha512::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_tag_zero_byte_and_fields() {
        let message = Domain::Lineage.message(&[b"ab", b"c"]);
        assert_eq!(message, b"enclave-vaults/lineage/v1\0abc");
        assert_eq!(Domain::Lineage.hash(&[b"ab", b"c"]), sha256(&message));
        assert_eq!(Domain::Lineage.hash_wide(&[b"abc"]), sha512(&message));
    }
}
