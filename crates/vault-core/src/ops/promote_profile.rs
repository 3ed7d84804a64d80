//! PromotePendingProfile: the owner and, where the policy names managers, their quorum too.

use super::update_policy::{next, refused};
use crate::api::{Code, PromoteProfile, Refusal};
use crate::authorize::Call;
use crate::change::Alteration;
use crate::state::LiveKey;
use crate::stop::Stop;
use crate::vault::Vault;
use vault_policy::{AttestationProfile, promote};

pub(crate) fn alteration(
    vault: &Vault,
    call: &Call<'_>,
    asked: &PromoteProfile,
    key: &LiveKey,
) -> Result<Alteration, Stop> {
    let version = next(key, asked.expected_version)?;
    let mut staged = key.staged().iter();
    let staged = staged
        .find(|staged| staged.digest == asked.digest)
        .ok_or_else(|| Stop::no_such_profile(&key.subject()))?;
    let profile = AttestationProfile::from_canonical(&staged.profile)
        .map_err(|_| Stop::Plain(Refusal::new(Code::Internal)))?;
    let facts = call.facts();
    let policy = promote(&key.policy, &profile, key.key_type(), facts, call.time)
        .map_err(|deny| refused(&deny, key))?;
    Ok(Alteration::Promote {
        digest: asked.digest,
        version,
        policy: vault.state.shared_policy(policy),
    })
}
