//! What one principal gets of a vault that many share.

use super::ConfigError;
use super::check::require;
use serde::Deserialize;
use vault_core::{Limits, RateLimits};

/// `[rates]`: of one principal in a second, and twice as much at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatesConfig {
    /// Calls of whatever kind.
    pub calls: u32,
    /// Uses of keys.
    pub uses: u32,
    /// New keys.
    pub creations: u32,
    /// Pages of keys or of the log.
    pub pages: u32,
    /// Bytes of policies.
    pub policy_bytes: u32,
}

/// `[quotas]`: of one owner.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotasConfig {
    /// Keys, tombstones included.
    pub keys: u32,
    /// Shares, in MiB.
    pub share_mib: u32,
    /// Policies, names and labels, in MiB.
    pub text_mib: u32,
}

impl Default for RatesConfig {
    fn default() -> Self {
        let RateLimits {
            calls,
            uses,
            creations,
            pages,
            policy_bytes,
        } = RateLimits::default();
        Self {
            calls,
            uses,
            creations,
            pages,
            policy_bytes,
        }
    }
}

impl Default for QuotasConfig {
    fn default() -> Self {
        Self {
            keys: 1_000_000,
            share_mib: 64,
            text_mib: 256,
        }
    }
}

impl RatesConfig {
    pub(crate) fn limits(&self) -> RateLimits {
        let Self {
            calls,
            uses,
            creations,
            pages,
            policy_bytes,
        } = *self;
        RateLimits {
            calls,
            uses,
            creations,
            pages,
            policy_bytes,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Self {
            calls,
            uses,
            creations,
            pages,
            policy_bytes,
        } = *self;
        for (path, value) in [
            ("rates.calls", calls),
            ("rates.uses", uses),
            ("rates.creations", creations),
            ("rates.pages", pages),
            ("rates.policy_bytes", policy_bytes),
        ] {
            require(
                (1..=1_000_000_000).contains(&value),
                path,
                "is not between 1 and 1000000000",
            )?;
        }
        Ok(())
    }
}

impl QuotasConfig {
    pub(crate) fn limits(&self) -> Limits {
        let mib = |value: u32| (value as usize) << 20;
        Limits {
            keys_per_owner: self.keys as usize,
            share_bytes_per_owner: mib(self.share_mib),
            text_bytes_per_owner: mib(self.text_mib),
            ..Limits::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        require(self.keys > 0, "quotas.keys", "is 0")?;
        for (path, value) in [
            ("quotas.share_mib", self.share_mib),
            ("quotas.text_mib", self.text_mib),
        ] {
            require(
                (1..=1 << 20).contains(&value),
                path,
                "is not between 1 and 1048576",
            )?;
        }
        Ok(())
    }
}
