//! `attestation_matches`: the evidence of this connection matches a profile of that name.

use super::Context;
use crate::truth::Truth;

pub(super) fn truth(name: &str, context: Context<'_>) -> Truth {
    let profiles = context.policy.principals.tees.iter();
    profiles
        .filter(|profile| profile.name == name)
        .fold(Truth::False, |truth, profile| {
            truth.or(profile.matches(context.facts, context.now))
        })
}
