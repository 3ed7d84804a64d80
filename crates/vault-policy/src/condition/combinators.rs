//! `all`, `any`, by Kleene.

use super::{Condition, Context};
use crate::truth::Truth;

pub(super) fn all(conditions: &[Condition], context: Context<'_>) -> Truth {
    conditions.iter().fold(Truth::True, |truth, member| {
        truth.and(member.truth(context))
    })
}

pub(super) fn any(conditions: &[Condition], context: Context<'_>) -> Truth {
    conditions.iter().fold(Truth::False, |truth, member| {
        truth.or(member.truth(context))
    })
}
