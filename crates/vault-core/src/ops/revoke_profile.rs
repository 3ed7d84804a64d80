//! RevokePendingProfile: the owner, or who proposed it and could propose it still.

use crate::api::RevokeProfile;
use crate::authorize::{Call, Permitted};
use crate::leaf;
use crate::stop::Stop;
use crate::vault::Vault;
use vault_policy::{Action, Operation};

pub(crate) fn permit(
    vault: &Vault,
    call: &Call<'_>,
    revoke: &RevokeProfile,
) -> Result<Permitted, Stop> {
    let refused = match vault.permit(call, &revoke.key, Action::RevokeProfile) {
        Ok(permitted) => return Ok(permitted),
        Err(stop) => stop,
    };
    let stage = Action::Operation(Operation::StageProfile);
    match vault.permit(call, &revoke.key, stage) {
        Ok(permitted) if is_own(call, revoke, &permitted) => Ok(permitted),
        _ => Err(refused),
    }
}

fn is_own(call: &Call<'_>, revoke: &RevokeProfile, permitted: &Permitted) -> bool {
    let proven = leaf::principals(call.caller);
    let mut staged = permitted.key.staged().iter();
    staged.any(|staged| staged.digest == revoke.digest && proven.contains(&staged.by))
}
