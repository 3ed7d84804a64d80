//! One file per operation: how it is judged, and what it does with its permit.

pub(crate) mod begin_approval;
pub(crate) mod change;
pub(crate) mod create_key;
mod delete_key;
mod get_key;
mod get_policy;
mod get_public_key;
mod issue_approval;
mod list_keys;
mod list_profiles;
mod mac;
mod mac_verify;
mod promote_profile;
mod prove;
mod read_log;
mod reconstruct;
mod revoke_profile;
mod sign;
mod simulate;
mod stage_profile;
mod unwrap;
mod update_policy;
mod verify;
mod whoami;
mod wrap;

use crate::api::{Answer, Request};
use crate::authorize::{Call, Step};
use crate::vault::Vault;
use vault_keys::{KeyError, ParsedKey, Rng};
use vault_policy::Permit;

/// Judges any request.
pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, request: Request) -> Step {
    match request {
        Request::CreateKey(create) => create_key::authorize(vault, call, create),
        Request::GetKey { key } => get_key::authorize(vault, call, key),
        Request::ListKeys(list) => list_keys::authorize(vault, call, &list),
        Request::Sign(sign) => sign::authorize(vault, call, sign),
        Request::Verify(verify) => verify::authorize(vault, call, verify),
        Request::Wrap(wrap) => wrap::authorize(vault, call, wrap),
        Request::Unwrap(unwrap) => unwrap::authorize(vault, call, unwrap),
        Request::Mac(mac) => mac::authorize(vault, call, mac),
        Request::MacVerify(check) => mac_verify::authorize(vault, call, check),
        Request::GetPublicKey { key, version } => {
            get_public_key::authorize(vault, call, key, version)
        }
        Request::Reconstruct { key } => reconstruct::authorize(vault, call, key),
        Request::GetPolicy { key } => get_policy::authorize(vault, call, key),
        Request::ListProfiles { key } => list_profiles::authorize(vault, call, key),
        Request::BeginApproval {
            key,
            request,
            valid_for,
        } => begin_approval::authorize(vault, call, key, request, valid_for),
        Request::IssueApproval { key, statement } => {
            issue_approval::authorize(vault, call, key, statement)
        }
        Request::Simulate { key, request } => simulate::authorize(vault, call, key, request),
        request @ (Request::ScheduleDeletion(_)
        | Request::CancelDeletion { .. }
        | Request::UpdatePolicy(_)
        | Request::StageProfile(_)
        | Request::PromoteProfile(_)
        | Request::RevokeProfile(_)) => change::authorize(vault, call, &request),
        Request::ReadLog { from, to } => read_log::authorize(vault, call, from, to),
        Request::GetCheckpoint => Step::ready(Answer::GetCheckpoint, 0),
        Request::ProveInclusion { index, size } => prove::inclusion(vault, index, size),
        Request::ProveConsistency { old_size, new_size } => {
            prove::consistency(vault, old_size, new_size)
        }
        Request::WhoAmI => whoami::authorize(call),
    }
}

/// Does the work of an operation on a key.
pub(crate) fn run(
    request: &Request,
    permit: Permit,
    key: &ParsedKey,
    rng: &mut dyn Rng,
) -> Result<Answer, KeyError> {
    match request {
        Request::Sign(sign) => sign::run(sign, permit, key),
        Request::Verify(verify) => verify::run(verify, permit, key),
        Request::Wrap(wrap) => wrap::run(wrap, permit, key, rng),
        Request::Unwrap(unwrap) => unwrap::run(unwrap, permit, key),
        Request::Mac(mac) => mac::run(mac, permit, key),
        Request::MacVerify(check) => mac_verify::run(check, permit, key),
        Request::GetPublicKey { .. } => get_public_key::run(permit, key),
        Request::Reconstruct { .. } => reconstruct::run(permit, key),
        Request::CreateKey(_)
        | Request::GetKey { .. }
        | Request::ListKeys(_)
        | Request::ScheduleDeletion(_)
        | Request::GetPolicy { .. }
        | Request::BeginApproval { .. }
        | Request::IssueApproval { .. }
        | Request::Simulate { .. }
        | Request::UpdatePolicy(_)
        | Request::StageProfile(_)
        | Request::ListProfiles { .. }
        | Request::PromoteProfile(_)
        | Request::RevokeProfile(_)
        | Request::CancelDeletion { .. }
        | Request::ReadLog { .. }
        | Request::GetCheckpoint
        | Request::ProveInclusion { .. }
        | Request::ProveConsistency { .. }
        | Request::WhoAmI => Err(KeyError::PermitForOtherKey),
    }
}

impl Step {
    /// An answer that is not logged.
    pub(crate) fn ready(answer: Answer, needs: u64) -> Self {
        Self::Ready {
            answer,
            needs,
            leaf: None,
        }
    }
}
