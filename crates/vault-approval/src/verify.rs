//! The decision whether what a call brings approves this very call.

use crate::tree::{PATH, challenge_of, root_of, statement_leaf};
use crate::webauthn::verify_assertion;
use crate::{ApprovalFault, Approved, Approver, Assertion, Fido2Credential, Nonce, OidcApproval};
use crate::{Opened, Statement};
use vault_encoding::{Canonical, Domain, Hash, text::base64url};
use vault_policy::{OidcSubject, VaultTime};

/// Proofs of one approval.
pub const MOST_PROOFS: usize = 16;

/// What a call brings: where its statement stands in the tree that was signed, and who signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approval {
    /// Of the vault that is called.
    pub nonce: Nonce,
    /// Of the leaf.
    pub salt: [u8; 32],
    /// Of the leaf.
    pub index: u32,
    /// From the leaf to the root.
    pub path: [Hash; PATH],
    /// 1 to 16.
    pub proofs: Vec<Proof>,
}

/// One manager's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// A signature by an authenticator.
    Fido2(Assertion),
    /// This vault's word.
    Oidc(OidcApproval),
}

/// What a vault holds an approval to.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The statement, built anew from the call, the key, the caller and the opened nonce.
    pub statement: &'a Statement,
    /// Every FIDO2 credential that the key's policy names.
    pub credentials: &'a [&'a Fido2Credential],
    /// Every manager with a subject that the key's policy names: id and subject.
    pub subjects: &'a [(&'a str, &'a OidcSubject)],
    /// The vault's identity key (Ed25519).
    pub vault_key: &'a [u8; 32],
    /// Now.
    pub now: VaultTime,
}

/// Approvals that were verified over one exact request. Made by [`verify_approval`] only.
///
/// ```compile_fail,E0451
/// fn forge(approved: Vec<vault_approval::Approved>) -> vault_approval::Approvals {
///     let statement = vault_encoding::Hash([0; 32]);
///     vault_approval::Approvals { approved, statement, counters: Vec::new() }
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approvals {
    approved: Vec<Approved>,
    statement: Hash,
    counters: Vec<(Hash, u32)>,
}

impl Approvals {
    /// Who approved, in the order of the proofs.
    pub fn approved(&self) -> &[Approved] {
        &self.approved
    }

    /// Hash of the statement that was approved.
    pub fn statement(&self) -> Hash {
        self.statement
    }

    /// Digests of the credentials, with the counters that their authenticators showed.
    pub fn counters(&self) -> &[(Hash, u32)] {
        &self.counters
    }

    /// What the log says of it: the statement's hash, then the digest of each approver.
    pub fn logged(&self) -> Vec<Hash> {
        let approvers = self.approved.iter().map(|approved| digest(&approved.by));
        std::iter::once(self.statement).chain(approvers).collect()
    }
}

/// Who approved, as the log names them: who has the policy can tell which credential it is.
pub fn digest(approver: &Approver) -> Hash {
    let value = match approver {
        Approver::Fido2 {
            credential_id,
            public_key,
        } => Canonical::map([(
            "fido2",
            Canonical::map([
                ("credential_id", Canonical::text(base64url(credential_id))),
                ("public_key", Canonical::text(base64url(public_key))),
            ]),
        )]),
        Approver::Oidc(OidcSubject { issuer, subject }) => Canonical::map([(
            "oidc",
            Canonical::map([
                ("issuer", Canonical::text(issuer)),
                ("subject", Canonical::text(subject)),
            ]),
        )]),
    };
    Domain::Approver.hash(&[&value.to_bytes()])
}

/// Whether the approval is of the statement that `held` leads to. It takes what was opened with it, so that
/// nothing is verified twice. One proof that is not good refuses all.
pub fn verify_approval(
    approval: &Approval,
    opened: Opened,
    held: &Held<'_>,
) -> Result<Approvals, ApprovalFault> {
    if !(1..=MOST_PROOFS).contains(&approval.proofs.len()) {
        return Err(ApprovalFault::Proofs);
    }
    if held.now.is_before(opened.not_after()) != Some(true) {
        return Err(ApprovalFault::Expired);
    }
    let text = held.statement.canonical_bytes();
    let statement = vault_encoding::sha256(&text);
    if statement != opened.statement() {
        return Err(ApprovalFault::OtherRequest);
    }
    let leaf = statement_leaf(&approval.salt, &text);
    let root = root_of(leaf, approval.index, &approval.path).ok_or(ApprovalFault::Index)?;
    let challenge = challenge_of(&root);
    let mut approvals = Approvals {
        approved: Vec::new(),
        statement,
        counters: Vec::new(),
    };
    for proof in &approval.proofs {
        let by = match proof {
            Proof::Fido2(assertion) => {
                let (by, counter) = by_credential(assertion, held, &challenge)?;
                approvals.counters.push((digest(&by), counter));
                by
            }
            Proof::Oidc(token) => by_token(token, held, &statement)?,
        };
        let begun = opened.begun();
        approvals.approved.push(Approved { by, begun });
    }
    Ok(approvals)
}

/// A policy may name one credential id twice, as a manager's and as the owner's second factor.
fn by_credential(
    assertion: &Assertion,
    held: &Held<'_>,
    challenge: &Hash,
) -> Result<(Approver, u32), ApprovalFault> {
    let mut fault = ApprovalFault::UnknownCredential;
    let named = held.credentials.iter();
    for credential in named.filter(|known| known.credential_id == assertion.credential_id) {
        match verify_assertion(assertion, credential, challenge) {
            Ok(counter) => {
                let by = Approver::Fido2 {
                    credential_id: credential.credential_id.clone(),
                    public_key: credential.public_key.clone(),
                };
                return Ok((by, counter));
            }
            Err(other) => fault = other,
        }
    }
    Err(fault)
}

fn by_token(
    token: &OidcApproval,
    held: &Held<'_>,
    statement: &Hash,
) -> Result<Approver, ApprovalFault> {
    let named = (token.manager.as_str(), &token.by);
    if !held.subjects.contains(&named) {
        return Err(ApprovalFault::UnknownCredential);
    }
    match token.is_signed(statement, &held.statement.vault_id, held.vault_key) {
        true => Ok(Approver::Oidc(token.by.clone())),
        false => Err(ApprovalFault::Signature),
    }
}
