//! ScheduleDeletion: a tombstone at once, or a window in which the deletion can be cancelled. The owner.

use crate::api::{Code, Refusal, ScheduleDeletion};
use crate::authorize::Call;
use crate::change::Alteration;
use crate::ops::change::Effect;
use crate::state::LiveKey;
use crate::stop::Stop;
use vault_policy::{UnixSeconds, VaultTime};

/// Where a refusal says that the policy asks for a longer window.
const FIELD: &str = "lifecycle.deletion_window";

pub(crate) fn effect(
    call: &Call<'_>,
    deletion: &ScheduleDeletion,
    key: &LiveKey,
) -> Result<Effect, Stop> {
    let least = key.policy.fields().lifecycle.deletion_window;
    let window = deletion.window;
    match window {
        _ if window < least => Err(too_short(key, least)),
        0 => Ok(Effect::Destroy),
        _ => {
            // Counted from the latest second that it can be, so that the window is at least as long.
            let VaultTime::Known { hi, .. } = call.time else {
                return Err(Stop::Plain(Refusal::new(Code::TimeUnknown)));
            };
            let due_at = UnixSeconds(hi.0.saturating_add(window));
            Ok(Effect::Alter(Alteration::Schedule(due_at)))
        }
    }
}

fn too_short(key: &LiveKey, least: u64) -> Stop {
    let mut stop = Stop::principal(Code::PolicyDenied, &key.subject(), "deletion_window");
    if let Stop::Principal { refusal, .. } = &mut stop {
        refusal.condition = Some(FIELD.to_owned());
    }
    stop.because(format!(
        "the policy asks for a window of at least {least} seconds"
    ))
}
