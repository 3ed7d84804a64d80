//! Vault time: what the host's clock says, held against the sealed floor.

use vault_policy::{UnixSeconds, VaultTime};

/// One reading of the host's clock; taken by the caller, at most once per request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeReading {
    /// Seconds since 1970 as the host has them.
    Host(UnixSeconds),
    /// The clock could not be read.
    Failed,
}

impl TimeReading {
    /// The moment at which certificates and collateral are judged: never before the floor, so that
    /// nothing that had ended by then is valid again. A clock that failed is one at which nothing
    /// is.
    #[must_use]
    pub fn not_before(self, floor: UnixSeconds) -> UnixSeconds {
        match self {
            Self::Host(host) => host.max(floor),
            Self::Failed => UnixSeconds(0),
        }
    }
}

/// By which rules time is established. Part of the trust configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeMode {
    /// Rests on the host; only the floor does not.
    Host,
}

impl TimeMode {
    /// The name in `GetInfo` and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
        }
    }

    /// The interval that holds now. A failed clock, or one behind the floor, is Unknown.
    pub fn establish(self, reading: TimeReading, floor: UnixSeconds, skew: u64) -> VaultTime {
        let (Self::Host, TimeReading::Host(host)) = (self, reading) else {
            return VaultTime::Unknown;
        };
        match host.0.checked_add(skew) {
            Some(hi) if host >= floor => VaultTime::Known {
                lo: host,
                hi: UnixSeconds(hi),
            },
            _ => VaultTime::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_the_floor_or_failed_makes_nothing_valid_again() {
        let floor = UnixSeconds(100);
        for (reading, moment) in [
            (TimeReading::Host(UnixSeconds(99)), 100),
            (TimeReading::Host(UnixSeconds(100)), 100),
            (TimeReading::Host(UnixSeconds(101)), 101),
            (TimeReading::Failed, 0),
        ] {
            assert_eq!(reading.not_before(floor), UnixSeconds(moment));
        }
    }

    #[test]
    fn a_clock_at_the_floor_is_known_and_one_behind_it_is_not() {
        let at = |reading| TimeMode::Host.establish(reading, UnixSeconds(100), 5);
        let known = VaultTime::Known {
            lo: UnixSeconds(100),
            hi: UnixSeconds(105),
        };
        assert_eq!(at(TimeReading::Host(UnixSeconds(100))), known);
        assert_eq!(at(TimeReading::Host(UnixSeconds(99))), VaultTime::Unknown);
        assert_eq!(
            at(TimeReading::Host(UnixSeconds(u64::MAX))),
            VaultTime::Unknown
        );
        assert_eq!(at(TimeReading::Failed), VaultTime::Unknown);
    }
}
