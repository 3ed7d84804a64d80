//! One request to several vaults under one decision of managers.

use super::{Constellation, Outcomes};
use crate::approval::Gesture;
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::key::KeyName;
use std::collections::BTreeMap;
use std::future::Future;
use vault_approval::{Approval, ApprovalAnswer, ApprovalRequest, Context, Decision};
use vault_approval::{OidcApproval, Statement};
use vault_policy::VaultId;

/// A request that managers may now decide on.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Of the vaults that answered.
    pub gesture: Gesture,
    /// What became of it on each vault.
    pub outcomes: Outcomes<Statement>,
}

/// A manager's decision by token.
#[derive(Clone, Debug)]
pub struct Issued {
    /// For whoever asked.
    pub answer: ApprovalAnswer,
    /// What became of it on each vault.
    pub outcomes: Outcomes<OidcApproval>,
}

impl Constellation {
    /// Begins one request on each of these vaults, all at once, and puts the statements of those that
    /// answered together. Fails if none did, or if they are not one request.
    pub async fn begin_approval(
        &self,
        keys: &[(VaultId, KeyName)],
        request: &ApprovalRequest,
        valid_for: u64,
        context: Context,
    ) -> Result<Begun> {
        let vaults: Vec<_> = keys.iter().map(|(vault, _)| *vault).collect();
        let outcomes = self
            .each(&vaults, |client| async move {
                let key = keys.iter().find(|(vault, _)| *vault == client.vault_id());
                let (_, key) = key.ok_or_else(|| Error::new(ErrorCode::Internal))?;
                Ok(client.begin_approval(*key, request, valid_for).await?.value)
            })
            .await;
        let statements: Vec<_> = outcomes
            .succeeded()
            .map(|(_, statement)| statement.clone())
            .collect();
        if statements.is_empty() {
            return Err(failure(&outcomes));
        }
        let gesture = Gesture::new(statements, context)?;
        Ok(Begun { gesture, outcomes })
    }

    /// Has each vault of a gesture say that the caller, a manager by their token, approves.
    pub async fn approve_by_token(&self, gesture: &Gesture) -> Result<Issued> {
        let vaults: Vec<_> = gesture.statements().map(|each| each.vault_id).collect();
        let outcomes = self
            .each(&vaults, |client| async move {
                let mut statements = gesture.statements();
                let own = statements.find(|each| each.vault_id == client.vault_id());
                let own = own.ok_or_else(|| Error::new(ErrorCode::Internal))?;
                Ok(client.issue_approval_token(own).await?.value)
            })
            .await;
        let tokens: Vec<_> = outcomes
            .succeeded()
            .map(|(vault, token)| (vault, token.clone()))
            .collect();
        if tokens.is_empty() {
            return Err(failure(&outcomes));
        }
        let answer = ApprovalAnswer {
            challenge: gesture.challenge()?,
            decision: Decision::ApproveByToken(tokens),
        };
        Ok(Issued { answer, outcomes })
    }

    /// Makes `call` on each vault that there is an approval for, all at once, with the vault's own
    /// approval in its next call.
    pub async fn each_approved<T, F, R>(
        &self,
        approvals: &BTreeMap<VaultId, Approval>,
        call: F,
    ) -> Outcomes<T>
    where
        F: Fn(Client) -> R,
        R: Future<Output = Result<T>>,
    {
        let vaults: Vec<_> = approvals.keys().copied().collect();
        self.each(&vaults, |client| {
            let approved = match approvals.get(&client.vault_id()) {
                Some(approval) => client.approved(approval),
                None => client,
            };
            call(approved)
        })
        .await
    }
}

fn failure<T>(outcomes: &Outcomes<T>) -> Error {
    let nobody = || Error::new(ErrorCode::InvalidArgument).detail("no vault was named");
    outcomes.error(1).unwrap_or_else(nobody)
}
