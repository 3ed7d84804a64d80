//! Which fields of a policy may change, and who may change them.

mod field;
mod level;

pub use field::Field;
pub use level::{Level, OidcApproval, Quorum};

use crate::model::{Principals, Rule};
use std::collections::BTreeMap;

/// The level of every field. The default is that nothing may change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mutability {
    /// INVARIANT: without the fields that are immutable, so that equal means the same.
    levels: BTreeMap<Field, Level>,
}

impl Mutability {
    /// Every field of a policy, each in exactly one of `owner`, `quorum`, `immutable`.
    pub const FIELDS: [&str; 17] = Field::NAMES;

    /// Who may change this field.
    pub fn level(&self, field: Field) -> Level {
        self.levels.get(&field).copied().unwrap_or(Level::Immutable)
    }

    /// Lets a field be changed by others than before.
    pub fn set(&mut self, field: Field, level: Level) {
        if level == Level::Immutable {
            self.levels.remove(&field);
        } else {
            self.levels.insert(field, level);
        }
    }

    /// Every field and its level.
    pub fn levels(&self) -> impl Iterator<Item = (Field, Level)> {
        Field::ALL
            .into_iter()
            .map(|field| (field, self.level(field)))
    }

    /// What a policy says that says nothing: owner and mutability never change; the rest takes
    /// as many managers as its rules ask for at most, or the owner alone where there are none.
    pub fn default_of(principals: &Principals, rules: &[Rule]) -> Self {
        let level = match principals.managers.is_empty() {
            true => Level::Owner,
            false => Level::Quorum(Quorum {
                threshold: highest_threshold(rules).max(1),
                oidc: OidcApproval::Refused,
            }),
        };
        let fixed = [Field::PrincipalsOwner, Field::Mutability];
        let mut mutability = Self::default();
        for field in Field::ALL
            .into_iter()
            .filter(|field| !fixed.contains(field))
        {
            mutability.set(field, level);
        }
        mutability
    }
}

/// The highest threshold of approval that any condition names; 0 if none does.
pub(crate) fn highest_threshold(rules: &[Rule]) -> u32 {
    let mut highest = 0;
    for rule in rules {
        rule.condition.each_approval(&mut |approval| {
            highest = highest.max(approval.threshold);
        });
    }
    highest
}
