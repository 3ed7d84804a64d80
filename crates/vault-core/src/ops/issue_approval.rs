//! IssueApprovalToken: a manager whose token the policy names. The vault signs that they approve a statement of
//! its own that waits. Logged.

use crate::api::{Answer, Code, KeyRef, Refusal, Request};
use crate::approve::subjects;
use crate::authorize::{Call, Step};
use crate::request_form;
use crate::stop::Stop;
use crate::vault::Vault;
use vault_approval::{ApprovalFault, OidcApproval, Statement, token_message};
use vault_policy::{Action, KeySubject};

const RPC: &str = "issue_approval";

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, key: KeyRef, statement: Vec<u8>) -> Step {
    let judged = judge(vault, call, &key, &statement);
    let text = request_form::canonical(&Request::IssueApproval { key, statement });
    match judged {
        Ok((subject, statement, token)) => Step::Say {
            answer: Answer::IssueApproval(token),
            subject: Box::new(subject),
            outcome: format!("statement {}", statement.hash()),
            draft: Box::new(call.draft(RPC, Some(subject), text)),
        },
        Err(stop) => call.refuse(stop, RPC, text),
    }
}

fn judge(
    vault: &Vault,
    call: &Call<'_>,
    key: &KeyRef,
    statement: &[u8],
) -> Result<(KeySubject, Statement, OidcApproval), Stop> {
    let statement = Statement::parse(statement).map_err(|error| {
        let refusal = Refusal::new(Code::InvalidArgument);
        Stop::Plain(refusal.because(format!("statement: {error}")))
    })?;
    let permitted = vault.permit(call, key, Action::IssueApproval)?;
    let (live, subject) = (&permitted.key, permitted.key.subject());
    if statement.vault_id != vault.vault_id || !statement.is_about(&subject) {
        return Err(Stop::approval(ApprovalFault::OtherRequest, &subject));
    }
    let hash = statement.hash();
    if !vault.nonces().waits(&statement.nonce, &hash, call.time) {
        return Err(Stop::approval(ApprovalFault::Nonce, &subject));
    }
    let by = call.caller.subject();
    let named = subjects(&live.policy);
    let named = named.into_iter().find(|(_, known)| Some(*known) == by);
    let (manager, by) =
        named.ok_or_else(|| Stop::approval(ApprovalFault::UnknownCredential, &subject))?;
    let message = token_message(&hash, &vault.vault_id, manager, by);
    let signature = vault.signer.sign(&message);
    let signature = signature.map_err(|_| Stop::principal(Code::Internal, &subject, "internal"))?;
    let token = OidcApproval {
        manager: manager.to_owned(),
        by: by.clone(),
        signature: signature.to_vec(),
    };
    Ok((subject, statement, token))
}
