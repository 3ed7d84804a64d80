//! Vault time: an interval, because nothing can prove an upper bound of "now" to an enclave.

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
}
