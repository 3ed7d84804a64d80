//! What a policy may say about its own change.

use super::Checked;
use crate::error::Fault;
use crate::model::PolicyFields;
use crate::mutability::{Field, Level, highest_threshold};

/// The owner never changes, and no quorum is weaker than an approval that the rules ask for.
pub(super) fn mutability(fields: &PolicyFields) -> Checked {
    let highest = highest_threshold(&fields.operations);
    for (field, level) in fields.mutability.levels() {
        let fault = match level {
            Level::Immutable => continue,
            Level::Owner | Level::Quorum(_) if field == Field::PrincipalsOwner => {
                Fault::NotEnforced
            }
            Level::Owner => continue,
            Level::Quorum(_) if fields.principals.managers.is_empty() => {
                Fault::QuorumWithoutManagers
            }
            Level::Quorum(quorum) if quorum.threshold == 0 => Fault::Expected("at least 1"),
            Level::Quorum(quorum) if quorum.threshold < highest => {
                Fault::QuorumTooLow { needed: highest }
            }
            Level::Quorum(_) => continue,
        };
        return Err(fault.at(format!("mutability.{}", field.name())));
    }
    Ok(())
}
