//! The change of one vault's trust configuration.

use crate::fields::Fields;
use crate::{
    ConstellationId, FormatError, GovernanceError, GovernanceKey, GovernanceSignature, Quorum,
};
use vault_encoding::{Canonical, Domain, Hash, Limits, sha256, text};
use vault_policy::VaultId;

/// Bytes of a statement.
pub const MAX_STATEMENT: usize = 1024;

const LIMITS: Limits = Limits {
    bytes: MAX_STATEMENT,
    depth: 1,
    nodes: 16,
};

/// "This vault goes from this trust root to that one." Good for one vault and one nonce.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reconfiguration {
    /// The vault's constellation.
    pub constellation: ConstellationId,
    /// The vault.
    pub vault_id: VaultId,
    /// The trust root that is sealed.
    pub old_trust_root: Hash,
    /// The trust root that is to be sealed.
    pub new_trust_root: Hash,
    /// What the vault gave out for this one change.
    pub nonce: [u8; 32],
}

/// What a vault holds a statement to. The nonce is the vault's own affair.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The vault.
    pub vault_id: VaultId,
    /// As sealed.
    pub constellation: ConstellationId,
    /// As sealed.
    pub trust_root: Hash,
    /// As sealed.
    pub governance: &'a Quorum,
}

impl Reconfiguration {
    const FORMAT: &str = "enclave-vaults/reconfigure/v1";

    /// The one text of this statement.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let Self {
            constellation,
            vault_id,
            old_trust_root,
            new_trust_root,
            nonce,
        } = self;
        Canonical::map([
            ("constellation", Canonical::text(constellation)),
            ("format", Canonical::text(Self::FORMAT)),
            ("new_trust_root", Canonical::text(new_trust_root)),
            ("nonce", Canonical::text(text::hex(nonce))),
            ("old_trust_root", Canonical::text(old_trust_root)),
            ("vault_id", Canonical::text(vault_id)),
        ])
        .to_bytes()
    }

    /// Reads the canonical text, and no other spelling of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let value = Canonical::from_bytes(bytes, LIMITS)?;
        let mut fields = Fields::of(&value, "statement")?;
        fields.format(Self::FORMAT)?;
        let hash = |text: &str, name| Hash::from_hex(text).ok_or(FormatError::Malformed(name));
        let statement = Self {
            constellation: fields.parsed("constellation")?,
            vault_id: fields.parsed("vault_id")?,
            old_trust_root: hash(fields.text("old_trust_root")?, "old_trust_root")?,
            new_trust_root: hash(fields.text("new_trust_root")?, "new_trust_root")?,
            nonce: hash(fields.text("nonce")?, "nonce")?.0,
        };
        fields.end()?;
        if statement.old_trust_root == statement.new_trust_root {
            return Err(FormatError::SameRoot);
        }
        Ok(statement)
    }

    /// SHA-256 of the canonical text.
    pub fn hash(&self) -> Hash {
        sha256(&self.canonical_bytes())
    }

    /// What the governance keys sign.
    pub fn message(&self) -> Vec<u8> {
        Domain::Reconfigure.message(&[self.hash().as_bytes()])
    }

    /// One signature, made by whoever holds the private half of `key`.
    pub fn signature(
        &self,
        key: GovernanceKey,
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> GovernanceSignature {
        let signature = sign(&self.message());
        GovernanceSignature { key, signature }
    }

    /// Whether the statement is for this vault, starts from what is sealed, and is signed by the
    /// sealed quorum; gives the signers, sorted.
    pub fn verify(
        &self,
        expected: &Expected<'_>,
        signatures: &[GovernanceSignature],
    ) -> Result<Vec<GovernanceKey>, GovernanceError> {
        if self.constellation != expected.constellation {
            return Err(GovernanceError::WrongConstellation {
                expected: expected.constellation,
                found: self.constellation,
            });
        }
        if self.vault_id != expected.vault_id {
            return Err(GovernanceError::WrongVault {
                expected: expected.vault_id,
                found: self.vault_id,
            });
        }
        if self.old_trust_root != expected.trust_root {
            return Err(GovernanceError::WrongOldRoot);
        }
        expected.governance.verify(&self.message(), signatures)
    }
}
