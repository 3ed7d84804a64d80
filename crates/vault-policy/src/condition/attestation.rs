//! `attestation_matches`: the evidence of this connection matches a profile.

use super::Context;
use crate::truth::Truth;

pub(super) fn truth(profile: &str, context: Context<'_>) -> Truth {
    let mut profiles = context.policy.principals.tees.iter();
    profiles
        .find(|known| known.name == profile)
        .map_or(Truth::False, |known| {
            known.matches(context.facts, context.now)
        })
}
