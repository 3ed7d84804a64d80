//! Statements of several vaults that are one request, and what becomes of the answers.

use crate::client::random;
use crate::error::{Error, ErrorCode, Result};
use std::collections::BTreeMap;
use vault_approval::{
    Approval, ApprovalAnswer, Bundle, Context, Decision, LEAVES, Proof, Salted, Statement,
};
use vault_encoding::Hash;
use vault_policy::VaultId;

/// One request to several vaults, for one decision. INVARIANT: its statements are one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gesture(Bundle);

impl Gesture {
    /// Of these statements, each of another vault, with fresh salts and padding.
    pub fn new(statements: Vec<Statement>, context: Context) -> Result<Self> {
        let left = LEAVES.saturating_sub(statements.len());
        let salted = statements.into_iter().map(|statement| {
            let salt = random()?;
            Ok(Salted { statement, salt })
        });
        let salted = salted.collect::<Result<_>>()?;
        let padding = (0..left).map(|_| random()).collect::<Result<_>>()?;
        let bundle = Bundle::new(salted, padding, context).map_err(malformed)?;
        Self::of(bundle)
    }

    /// The bundle, if it is one request.
    pub fn of(bundle: Bundle) -> Result<Self> {
        if !bundle.is_one_request() {
            return Err(malformed("its statements are not one request"));
        }
        Ok(Self(bundle))
    }

    /// Reads a bundle.
    pub fn parse(json: &[u8]) -> Result<Self> {
        Self::of(Bundle::parse(json).map_err(malformed)?)
    }

    /// As it travels.
    pub fn bundle(&self) -> &Bundle {
        &self.0
    }

    /// The statements, in the order of their leaves.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.0.statements().iter().map(|salted| &salted.statement)
    }

    /// What a manager signs.
    pub fn challenge(&self) -> Result<Hash> {
        let tree = self.0.tree();
        let tree = tree.ok_or_else(|| malformed("it has no 16 leaves"))?;
        Ok(tree.challenge())
    }

    /// What each vault is given, once managers have answered. An answer of a vault's own word goes to
    /// that vault only; vaults without any proof are left out. A refusal among the answers is an
    /// error, and so is an answer to something else.
    pub fn approvals(&self, answers: &[ApprovalAnswer]) -> Result<BTreeMap<VaultId, Approval>> {
        let challenge = self.challenge()?;
        for answer in answers {
            if answer.challenge != challenge {
                return Err(refused("an answer is to another request"));
            }
            if answer.decision == Decision::Refuse {
                return Err(refused("a manager has refused"));
            }
        }
        let mut approvals = BTreeMap::new();
        for (index, statement) in (0u32..).zip(self.statements()) {
            let vault = statement.vault_id;
            let proofs: Vec<_> = answers
                .iter()
                .flat_map(|answer| proofs_for(&vault, &answer.decision))
                .collect();
            if proofs.is_empty() {
                continue;
            }
            let approval = self.0.approval(index, proofs);
            let approval = approval.ok_or_else(|| malformed("a statement has no place"))?;
            approvals.insert(vault, approval);
        }
        match approvals.is_empty() {
            true => Err(refused("nobody has answered")),
            false => Ok(approvals),
        }
    }
}

fn proofs_for(vault: &VaultId, decision: &Decision) -> Vec<Proof> {
    match decision {
        Decision::Approve(assertion) => vec![Proof::Fido2(assertion.clone())],
        Decision::ApproveByToken(tokens) => {
            let own = tokens.iter().filter(|(issued, _)| issued == vault);
            own.map(|(_, token)| Proof::Oidc(token.clone())).collect()
        }
        Decision::Refuse => Vec::new(),
    }
}

fn malformed(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidArgument).detail(format_args!("the bundle: {why}"))
}

fn refused(why: &str) -> Error {
    Error::new(ErrorCode::ApprovalRefused).detail(why)
}
