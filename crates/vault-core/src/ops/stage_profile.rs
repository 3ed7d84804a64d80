//! StagePendingProfile: the owner, or whom a rule for `stage_profile` names. Authorises nothing.

use crate::api::{Code, Refusal, StageProfile};
use crate::authorize::Call;
use crate::change::Alteration;
use crate::leaf;
use crate::limits::POLICY_BYTES;
use crate::state::Staged;
use crate::stop::Stop;
use vault_policy::{AttestationProfile, VaultTime};

pub(crate) fn alteration(call: &Call<'_>, stage: &StageProfile) -> Result<Alteration, Stop> {
    if stage.profile.len() > POLICY_BYTES {
        return Err(Stop::Plain(Refusal::new(Code::TooLarge)));
    }
    AttestationProfile::from_canonical(&stage.profile).map_err(|error| {
        Stop::Plain(Refusal::new(Code::PolicyInvalid).because(error.to_string()))
    })?;
    let at = match call.time {
        VaultTime::Known { lo, .. } => Some(lo),
        VaultTime::Unknown => None,
    };
    let by = leaf::principals(call.caller).into_iter().next();
    let by = by.ok_or_else(|| Stop::Plain(Refusal::new(Code::Unauthenticated)))?;
    Ok(Alteration::Stage(Staged::new(&stage.profile, at, by)))
}
