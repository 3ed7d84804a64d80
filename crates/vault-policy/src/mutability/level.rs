//! Who may change a field, and what is stricter than what.

use std::fmt;

/// Whether an approval by a token counts, or only one by an authenticator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum OidcApproval {
    /// It counts.
    Allowed,
    /// It does not. INVARIANT: stands last, as what is stricter.
    #[default]
    Refused,
}

impl OidcApproval {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Allowed, Self::Refused];

    /// The text in policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }

    /// What the text means.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// How many distinct managers it takes beside the owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Quorum {
    /// Persons, at least 1.
    pub threshold: u32,
    /// Whether their tokens count.
    pub oidc: OidcApproval,
}

impl Quorum {
    /// Whether whoever satisfies this one satisfies the other too.
    pub fn covers(self, other: Self) -> bool {
        self.threshold >= other.threshold && self.oidc >= other.oidc
    }

    /// The weakest quorum that covers both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            threshold: self.threshold.max(other.threshold),
            oidc: self.oidc.max(other.oidc),
        }
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let managers = if self.threshold == 1 { "" } else { "s" };
        let how = match self.oidc {
            OidcApproval::Allowed => "",
            OidcApproval::Refused => " with an authenticator",
        };
        write!(f, "{} manager{managers}{how}", self.threshold)
    }
}

/// Who may change a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Level {
    /// The owner alone.
    Owner,
    /// The owner and so many distinct managers.
    Quorum(Quorum),
    /// Nobody.
    Immutable,
}

impl Level {
    /// Whether it is at least as strict as the other.
    pub fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Immutable, _) | (_, Self::Owner) => true,
            (Self::Quorum(one), Self::Quorum(other)) => one.covers(other),
            (Self::Owner, Self::Quorum(_) | Self::Immutable)
            | (Self::Quorum(_), Self::Immutable) => false,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("the owner"),
            Self::Quorum(quorum) => write!(f, "the owner and {quorum}"),
            Self::Immutable => f.write_str("nobody"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascending() -> Vec<Level> {
        let quorum = |threshold, oidc| Level::Quorum(Quorum { threshold, oidc });
        vec![
            Level::Owner,
            quorum(1, OidcApproval::Allowed),
            quorum(1, OidcApproval::Refused),
            quorum(2, OidcApproval::Refused),
            quorum(3, OidcApproval::Refused),
            Level::Immutable,
        ]
    }

    #[test]
    fn owner_is_below_quorums_by_their_thresholds_and_those_are_below_immutable() {
        let levels = ascending();
        for (i, less) in levels.iter().enumerate() {
            for (j, more) in levels.iter().enumerate() {
                assert_eq!(more.covers(*less), i <= j, "{less} {more}");
            }
        }
    }

    #[test]
    fn more_persons_do_not_make_up_for_weaker_credentials() {
        let one = Level::Quorum(Quorum {
            threshold: 1,
            oidc: OidcApproval::Refused,
        });
        let two = Level::Quorum(Quorum {
            threshold: 2,
            oidc: OidcApproval::Allowed,
        });
        assert!(!two.covers(one) && !one.covers(two));
    }
}
