//! Whether a policy can be governed: every quorum can be reached without the owner's own person.

use super::Invalid;
use crate::model::PolicyFields;
use crate::mutability::{Field, Level, Quorum};
use crate::update::{eligible, promotion_quorum};

pub(super) fn governable(policy: &PolicyFields) -> Result<(), Invalid> {
    for (field, level) in policy.mutability.levels() {
        match level {
            Level::Quorum(quorum) => reachable(policy, field, quorum)?,
            Level::Owner | Level::Immutable => {}
        }
    }
    match (
        policy.mutability.level(Field::Tees),
        promotion_quorum(policy),
    ) {
        (Level::Immutable, _) | (_, None) => Ok(()),
        (Level::Owner | Level::Quorum(_), Some(quorum)) => reachable(policy, Field::Tees, quorum),
    }
}

fn reachable(policy: &PolicyFields, field: Field, quorum: Quorum) -> Result<(), Invalid> {
    let persons = eligible(policy, quorum.oidc);
    if persons >= quorum.threshold {
        return Ok(());
    }
    Err(Invalid::QuorumUnreachable {
        field,
        quorum,
        persons,
    })
}
