//! What no vault should run with.

use super::{ConfigError, IssuerConfig, ServerConfig};
use std::collections::BTreeSet;

const MOST_ISSUERS: usize = 16;
const MOST_ROLES: usize = 32;
const LONGEST_NAME: usize = 256;

impl ServerConfig {
    /// Refuses values that cannot work. Reads no file.
    pub fn check(&self) -> Result<(), ConfigError> {
        require(
            !self.attestation.root.is_empty(),
            "attestation.root",
            "is empty",
        )?;
        require(
            self.time.mode == "host",
            "time.mode",
            "only \"host\" is known",
        )?;
        require(self.time.skew <= 3600, "time.skew", "is more than an hour")?;
        self.check_roles()?;
        self.check_limits()?;
        self.rates.check()?;
        self.quotas.check()?;
        let levels = ["error", "warn", "info", "debug"];
        require(
            levels.contains(&self.log.level.as_str()),
            "log.level",
            "is not one of error, warn, info, debug",
        )?;
        self.anchor()?;
        self.registry.check()?;
        self.check_issuers()
    }

    fn check_roles(&self) -> Result<(), ConfigError> {
        let roles = [&self.roles.owner, &self.roles.manager, &self.roles.auditor];
        for role in roles {
            name("roles", role)?;
        }
        let distinct: BTreeSet<_> = roles.into_iter().collect();
        require(distinct.len() == 3, "roles", "names two roles alike")
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let between = |value: u64, least: u64, most: u64| (least..=most).contains(&value);
        require(
            between(limits.connections as u64, 1, 65_536),
            "limits.connections",
            "is not between 1 and 65536",
        )?;
        require(
            between(limits.handshakes as u64, 1, 4_096),
            "limits.handshakes",
            "is not between 1 and 4096",
        )?;
        require(
            between(limits.handshake_seconds, 1, 60),
            "limits.handshake_seconds",
            "is not between 1 and 60",
        )?;
        require(
            between(limits.connection_seconds, 1, 3600),
            "limits.connection_seconds",
            "is not between 1 and 3600",
        )?;
        require(
            between(limits.request_seconds, 1, 600),
            "limits.request_seconds",
            "is not between 1 and 600",
        )?;
        require(
            between(limits.memory_mib.into(), 4, 4096),
            "limits.memory_mib",
            "is not between 4 and 4096",
        )?;
        require(
            between(limits.cached_tokens as u64, 1, 1 << 20),
            "limits.cached_tokens",
            "is not between 1 and 1048576",
        )?;
        require(
            limits.snapshot_records >= 16,
            "limits.snapshot_records",
            "is less than 16",
        )?;
        require(
            between(limits.segment_mib.into(), 1, 1024),
            "limits.segment_mib",
            "is not between 1 and 1024",
        )?;
        require(
            between(limits.streams.into(), 1, 1024),
            "limits.streams",
            "is not between 1 and 1024",
        )
    }

    fn check_issuers(&self) -> Result<(), ConfigError> {
        require(!self.issuers.is_empty(), "issuers", "is empty")?;
        require(
            self.issuers.len() <= MOST_ISSUERS,
            "issuers",
            "has more than 16",
        )?;
        let urls: BTreeSet<_> = self.issuers.iter().map(|issuer| &issuer.url).collect();
        require(
            urls.len() == self.issuers.len(),
            "issuers",
            "names one twice",
        )?;
        for (index, issuer) in self.issuers.iter().enumerate() {
            issuer.check(&format!("issuers[{index}]"))?;
        }
        Ok(())
    }
}

impl IssuerConfig {
    fn check(&self, at: &str) -> Result<(), ConfigError> {
        let path = |field: &str| format!("{at}.{field}");
        name(&path("url"), &self.url)?;
        name(&path("audience"), &self.audience)?;
        name(&path("role_claim"), &self.role_claim)?;
        let (Some(issuer), Some(keys)) = (authority(&self.url), authority(&self.jwks_uri)) else {
            return refuse(path("url"), "and jwks_uri must be https:// addresses");
        };
        require(
            issuer == keys,
            &path("jwks_uri"),
            "is not on the host of the issuer",
        )?;
        require(!self.roots.is_empty(), &path("roots"), "is empty")?;
        require(!self.typ.is_empty(), &path("typ"), "is empty")?;
        require(!self.grants.is_empty(), &path("grants"), "is empty")?;
        require(
            self.grants.len() <= MOST_ROLES,
            &path("grants"),
            "has more than 32",
        )?;
        for role in &self.grants {
            name(&path("grants"), role)?;
        }
        require(
            (1..=86_400).contains(&self.max_key_age),
            &path("max_key_age"),
            "is not between 1 and 86400",
        )
    }
}

/// Host and port of an `https` address.
pub(crate) fn authority(url: &str) -> Option<(String, u16)> {
    let uri: http::Uri = url.parse().ok()?;
    if uri.scheme_str() != Some("https") || url.contains('@') {
        return None;
    }
    let host = uri.host().filter(|host| !host.is_empty())?;
    Some((host.to_ascii_lowercase(), uri.port_u16().unwrap_or(443)))
}

fn name(path: &str, value: &str) -> Result<(), ConfigError> {
    let fine =
        !value.is_empty() && value.len() <= LONGEST_NAME && !value.chars().any(char::is_control);
    require(
        fine,
        path,
        "is empty, longer than 256 bytes, or has control characters",
    )
}

pub(super) fn require(fine: bool, path: &str, problem: &'static str) -> Result<(), ConfigError> {
    if fine {
        Ok(())
    } else {
        refuse(path.to_owned(), problem)
    }
}

pub(super) fn refuse(path: String, problem: &'static str) -> Result<(), ConfigError> {
    Err(ConfigError::Value { path, problem })
}
