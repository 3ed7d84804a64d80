//! An approval by token: the vault's own word that a manager asked for this, with a token of their own.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use vault_encoding::{Canonical, Domain, Hash};
use vault_policy::{OidcSubject, VaultId};

/// One vault's word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OidcApproval {
    /// The person's id in the policy.
    pub manager: String,
    /// Whose token it was.
    pub by: OidcSubject,
    /// Ed25519, by the vault's identity key.
    pub signature: Vec<u8>,
}

/// What the vault signs.
pub fn token_message(
    statement: &Hash,
    vault_id: &VaultId,
    manager: &str,
    by: &OidcSubject,
) -> Vec<u8> {
    let who = Canonical::map([
        ("issuer", Canonical::text(&by.issuer)),
        ("manager", Canonical::text(manager)),
        ("subject", Canonical::text(&by.subject)),
    ]);
    let fields: [&[u8]; 3] = [statement.as_bytes(), vault_id.0.as_bytes(), &who.to_bytes()];
    Domain::ApprovalToken.message(&fields)
}

impl OidcApproval {
    /// Whether the vault with this Ed25519 key signed this over the statement.
    pub fn is_signed(&self, statement: &Hash, vault_id: &VaultId, vault_key: &[u8; 32]) -> bool {
        let message = token_message(statement, vault_id, &self.manager, &self.by);
        UnparsedPublicKey::new(&ED25519, vault_key)
            .verify(&message, &self.signature)
            .is_ok()
    }
}
