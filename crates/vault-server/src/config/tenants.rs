//! What one principal gets of a vault that many share.

use super::ConfigError;
use super::check::require;
use serde::Deserialize;
use vault_core::{Limits, Quota, RateLimits};

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

/// `[quotas]`: of one owner, and of all together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotasConfig {
    /// Keys, tombstones included.
    pub keys: u32,
    /// Shares, in MiB.
    pub share_mib: u32,
    /// Policies, names and labels, in MiB.
    pub text_mib: u32,
    /// Keys of all owners, tombstones included.
    pub vault_keys: u32,
    /// Shares of all owners, in MiB.
    pub vault_share_mib: u32,
    /// Policies, names and labels of all owners, in MiB.
    pub vault_text_mib: u32,
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
            vault_keys: 4_000_000,
            vault_share_mib: 512,
            vault_text_mib: 1024,
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
        let quota = |keys: u32, share_mib: u32, text_mib: u32| Quota {
            keys: keys as usize,
            share_bytes: (share_mib as usize) << 20,
            text_bytes: (text_mib as usize) << 20,
        };
        Limits {
            owner: quota(self.keys, self.share_mib, self.text_mib),
            vault: quota(self.vault_keys, self.vault_share_mib, self.vault_text_mib),
            ..Limits::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        require(self.keys > 0, "quotas.keys", "is 0")?;
        require(self.vault_keys > 0, "quotas.vault_keys", "is 0")?;
        for (path, value) in [
            ("quotas.share_mib", self.share_mib),
            ("quotas.text_mib", self.text_mib),
            ("quotas.vault_share_mib", self.vault_share_mib),
            ("quotas.vault_text_mib", self.vault_text_mib),
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
