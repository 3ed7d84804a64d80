//! Asking for approvals, and giving them by token.

use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::key::{KeyName, malformed};
use crate::receipt::Answer;
use vault_approval::{Approval, ApprovalRequest, Assertion, OidcApproval, Proof, Statement};
use vault_policy::OidcSubject;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::approval_proof::Proof as WireProof;

impl Client {
    /// What managers are to sign, so that this caller may make exactly this request once. The vault
    /// remembers it for so many seconds (0: an hour), and not over a restart.
    pub async fn begin_approval(
        &self,
        key: KeyName,
        request: &ApprovalRequest,
        valid_for: u64,
    ) -> Result<Answer<Statement>> {
        let message = v1::BeginApprovalRequest {
            key: self.key_ref(key)?.into(),
            request: request.canonical_bytes(),
            valid_for,
            ..Default::default()
        };
        let answer = self.call(message).await?;
        answer.try_map(|answer| {
            let statement =
                Statement::parse(&answer.statement).map_err(|_| malformed("statement"))?;
            let asked = statement.vault_id == self.vault_id()
                && statement.handle == key.handle
                && statement.request == *request;
            match asked {
                true => Ok(statement),
                false => Err(malformed("statement")),
            }
        })
    }

    /// This vault's word that the caller, a manager by their token, approves its statement.
    pub async fn issue_approval_token(
        &self,
        statement: &Statement,
    ) -> Result<Answer<OidcApproval>> {
        if statement.vault_id != self.vault_id() {
            let why = "the statement is another vault's";
            return Err(Error::new(ErrorCode::InvalidArgument).detail(why));
        }
        let key = KeyName {
            handle: statement.handle,
            lineage: Some(statement.lineage),
        };
        let message = v1::IssueApprovalTokenRequest {
            key: self.key_ref(key)?.into(),
            statement: statement.canonical_bytes(),
            ..Default::default()
        };
        let answer = self.call(message).await?;
        answer.try_map(|answer| {
            let given = answer.approval.into_option();
            let given = given.ok_or_else(|| malformed("approval"))?;
            Ok(OidcApproval {
                manager: given.manager,
                by: OidcSubject {
                    issuer: given.issuer,
                    subject: given.subject,
                },
                signature: given.signature,
            })
        })
    }
}

/// An approval as it travels in a call's context.
pub(crate) fn to_wire(approval: &Approval) -> v1::Approval {
    let Approval {
        nonce,
        salt,
        index,
        path,
        proofs,
    } = approval;
    v1::Approval {
        nonce: nonce.0.to_vec(),
        salt: salt.to_vec(),
        index: *index,
        path: path.iter().map(|hash| hash.0.to_vec()).collect(),
        proofs: proofs.iter().map(proof).collect(),
        ..Default::default()
    }
}

fn proof(proof: &Proof) -> v1::ApprovalProof {
    let proof = match proof {
        Proof::Fido2(Assertion {
            credential_id,
            authenticator_data,
            client_data_json,
            signature,
        }) => WireProof::Fido2(Box::new(v1::Fido2Assertion {
            credential_id: credential_id.clone(),
            authenticator_data: authenticator_data.clone(),
            client_data_json: client_data_json.clone(),
            signature: signature.clone(),
            ..Default::default()
        })),
        Proof::Oidc(OidcApproval {
            manager,
            by,
            signature,
        }) => WireProof::Oidc(Box::new(v1::OidcApproval {
            manager: manager.clone(),
            issuer: by.issuer.clone(),
            subject: by.subject.clone(),
            signature: signature.clone(),
            ..Default::default()
        })),
    };
    v1::ApprovalProof {
        proof: Some(proof),
        ..Default::default()
    }
}
