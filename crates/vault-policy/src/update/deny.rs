//! Why a policy does not become another one.

use crate::error::PolicyError;
use crate::mutability::{Field, Level, Quorum};
use crate::operation::Operation;
use crate::validate::Invalid;
use std::fmt;

/// The reason of a refusal. The owner may be shown all of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UpdateDeny {
    /// The new policy is the old one, or has the profile already.
    NoChange,
    /// The field never changes.
    Immutable {
        /// Which.
        field: Field,
    },
    /// A profile that the old policy does not have: only a promotion adds one.
    ProfileAdded {
        /// Its name.
        name: String,
    },
    /// A profile that the old policy has otherwise.
    ProfileChanged {
        /// Its name.
        name: String,
    },
    /// The key would be good for more.
    UsageWidened {
        /// For what.
        operation: Operation,
    },
    /// A deletion could be cancelled for a shorter time.
    WindowShortened,
    /// A field could be changed by less than it takes now.
    MutabilityLowered {
        /// Which.
        field: Field,
        /// What it takes now.
        old: Level,
        /// What it would take.
        new: Level,
    },
    /// The key is sealed for ever and would not be.
    Unsealed,
    /// The profile cannot stand in this policy.
    NotAPolicy(PolicyError),
    /// No key of this type can live under the new policy.
    Invalid(Invalid),
    /// The token is not the owner's.
    NotOwner,
    /// The owner's second factor did not approve this request.
    SecondFactor,
    /// Too few managers approved this request.
    ApprovalMissing {
        /// The field that asks for them; `None` if it is a promotion.
        field: Option<Field>,
        /// What it takes.
        needed: Quorum,
        /// How many distinct persons approved whose approval counts.
        approved: u32,
    },
}

impl UpdateDeny {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoChange => "no_change",
            Self::Immutable { .. } => "immutable",
            Self::ProfileAdded { .. } => "profile_added",
            Self::ProfileChanged { .. } => "profile_changed",
            Self::UsageWidened { .. } => "usage_widened",
            Self::WindowShortened => "window_shortened",
            Self::MutabilityLowered { .. } => "mutability_lowered",
            Self::Unsealed => "unsealed",
            Self::NotAPolicy(_) => "not_a_policy",
            Self::Invalid(_) => "invalid",
            Self::NotOwner => "not_owner",
            Self::SecondFactor => "second_factor",
            Self::ApprovalMissing { .. } => "approval_missing",
        }
    }

    /// The field that it is about, as [`crate::Mutability::FIELDS`] names it.
    pub fn field(&self) -> Option<&'static str> {
        let field = match self {
            Self::Immutable { field } | Self::MutabilityLowered { field, .. } => *field,
            Self::ApprovalMissing { field, .. } => field.unwrap_or(Field::Tees),
            Self::ProfileAdded { .. } | Self::ProfileChanged { .. } => Field::Tees,
            Self::UsageWidened { .. } => Field::UsageOperations,
            Self::WindowShortened => Field::DeletionWindow,
            Self::Unsealed => Field::SealedForever,
            Self::NoChange
            | Self::NotAPolicy(_)
            | Self::Invalid(_)
            | Self::NotOwner
            | Self::SecondFactor => return None,
        };
        Some(field.name())
    }
}

impl fmt::Display for UpdateDeny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChange => f.write_str("nothing would change"),
            Self::Immutable { field } => write!(f, "{} never changes", field.name()),
            Self::ProfileAdded { name } => write!(
                f,
                "profile \"{name}\" is new: stage it and have it promoted"
            ),
            Self::ProfileChanged { name } => write!(
                f,
                "profile \"{name}\" is changed: stage the new one and have it promoted"
            ),
            Self::UsageWidened { operation } => {
                write!(
                    f,
                    "usage would get {}, and it only narrows",
                    operation.name()
                )
            }
            Self::WindowShortened => f.write_str("the deletion window only grows"),
            Self::MutabilityLowered { field, old, new } => write!(
                f,
                "{} could be changed by {new}, and by {old} now: that only gets stricter",
                field.name()
            ),
            Self::Unsealed => f.write_str("sealed_forever stays for ever"),
            Self::NotAPolicy(error) => error.fmt(f),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::NotOwner => f.write_str("it takes the owner"),
            Self::SecondFactor => {
                f.write_str("the owner's second factor did not approve this request")
            }
            Self::ApprovalMissing {
                field,
                needed,
                approved,
            } => {
                let what = field.map_or("a promotion", Field::name);
                write!(
                    f,
                    "{what} takes the owner and {needed}; {approved} approved"
                )
            }
        }
    }
}

impl std::error::Error for UpdateDeny {}
