//! Kleene's three truth values. Only `True` permits.

/// What is known of a statement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Truth {
    /// It does not hold.
    False,
    /// It cannot be told. INVARIANT: stands between the others, so that `and` is the minimum.
    Unknown,
    /// It holds.
    True,
}

impl Truth {
    /// The name in refusals.
    pub fn name(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Unknown => "unknown",
            Self::True => "true",
        }
    }

    /// Conjunction.
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Disjunction.
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// Whether it holds for certain.
    pub fn is_true(self) -> bool {
        self == Self::True
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    /// Negation; what cannot be told stays so.
    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    const ALL: [Truth; 3] = [False, Unknown, True];

    #[test]
    fn the_laws_of_kleene_hold() {
        for a in ALL {
            assert_eq!(!!a, a);
            assert_eq!((a.and(True), a.or(False)), (a, a));
            assert_eq!((a.and(False), a.or(True)), (False, True));
            for b in ALL {
                assert_eq!((a.and(b), a.or(b)), (b.and(a), b.or(a)));
                assert_eq!(!(a.and(b)), (!a).or(!b));
                assert_eq!(a.and(a.or(b)), a);
                for c in ALL {
                    assert_eq!(a.and(b).and(c), a.and(b.and(c)));
                    assert_eq!(a.and(b.or(c)), a.and(b).or(a.and(c)));
                }
            }
        }
        assert_eq!(
            (Unknown.and(!Unknown), Unknown.or(!Unknown)),
            (Unknown, Unknown)
        );
    }
}
