//! UpdatePolicy: the owner, and whoever the policy that stands asks for.

use crate::api::{Code, Refusal, UpdatePolicy};
use crate::authorize::Call;
use crate::change::Alteration;
use crate::limits::POLICY_BYTES;
use crate::state::LiveKey;
use crate::stop::Stop;
use crate::vault::Vault;
use vault_policy::{KeyPolicy, PolicyVersion, UpdateDeny, judge_update};

pub(crate) fn alteration(
    vault: &Vault,
    call: &Call<'_>,
    update: &UpdatePolicy,
    key: &LiveKey,
) -> Result<Alteration, Stop> {
    let version = next(key, update.expected_version)?;
    if update.policy.len() > POLICY_BYTES {
        return Err(Stop::Plain(Refusal::new(Code::TooLarge)));
    }
    let policy = KeyPolicy::from_canonical(&update.policy).map_err(|error| {
        Stop::Plain(Refusal::new(Code::PolicyInvalid).because(error.to_string()))
    })?;
    let facts = call.facts();
    judge_update(&key.policy, &policy, key.key_type(), facts, call.time)
        .map_err(|deny| refused(&deny, key))?;
    Ok(Alteration::Policy {
        version,
        policy: vault.state.shared_policy(policy),
    })
}

/// The version that follows the one that the caller names, which has to be the one that stands.
pub(super) fn next(key: &LiveKey, expected: PolicyVersion) -> Result<PolicyVersion, Stop> {
    match expected.0.checked_add(1) {
        Some(next) if expected == key.policy_version => Ok(PolicyVersion(next)),
        _ => Err(Stop::version_conflict(&key.subject())
            .because(format!("the policy is of version {}", key.policy_version.0))),
    }
}

/// The field stands where other refusals have a condition.
pub(super) fn refused(deny: &UpdateDeny, key: &LiveKey) -> Stop {
    let mut stop = Stop::principal(Code::UpdateRefused, &key.subject(), deny.code());
    if let Stop::Principal { refusal, .. } = &mut stop {
        refusal.condition = deny.field().map(str::to_owned);
    }
    stop.because(deny.to_string())
}
