//! Vault time: an interval, because nothing can prove an upper bound of "now" to an enclave.

use crate::truth::Truth;
use std::fmt;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UnixSeconds(pub u64);

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a vault knows of the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VaultTime {
    /// Not established: every condition on time is Unknown, and Unknown denies.
    Unknown,
    /// Now is not before `lo`; the host says that it is not after `hi`. INVARIANT: `lo <= hi`.
    Known {
        /// Lower bound. In time mode `host` it is the host's own time, not below the floor.
        lo: UnixSeconds,
        /// Upper bound, skew included. Rests on the host.
        hi: UnixSeconds,
    },
}

impl VaultTime {
    /// Whether `at` has certainly come; `None` if unknown.
    pub fn has_reached(self, at: UnixSeconds) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Known { lo, .. } => Some(at <= lo),
        }
    }

    /// Whether `at` is certainly still to come; `None` if unknown.
    pub fn is_before(self, at: UnixSeconds) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Known { hi, .. } => Some(hi < at),
        }
    }

    /// Whether `at` has come: `Unknown` when time is not established, or when `at` lies inside
    /// the interval. Its negation is "now is before `at`".
    pub fn reached(self, at: UnixSeconds) -> Truth {
        match self {
            Self::Known { lo, .. } if at <= lo => Truth::True,
            Self::Known { hi, .. } if hi < at => Truth::False,
            Self::Known { .. } | Self::Unknown => Truth::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_inside_the_interval_is_unknown_and_its_ends_are_exact() {
        let now = VaultTime::Known {
            lo: UnixSeconds(10),
            hi: UnixSeconds(20),
        };
        for (at, truth) in [
            (9, Truth::True),
            (10, Truth::True),
            (11, Truth::Unknown),
            (20, Truth::Unknown),
            (21, Truth::False),
        ] {
            assert_eq!(now.reached(UnixSeconds(at)), truth, "{at}");
            assert_eq!(now.has_reached(UnixSeconds(at)), Some(truth == Truth::True));
            assert_eq!(now.is_before(UnixSeconds(at)), Some(truth == Truth::False));
            assert_eq!(VaultTime::Unknown.reached(UnixSeconds(at)), Truth::Unknown);
        }
    }
}
