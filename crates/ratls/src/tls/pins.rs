//! Which vault a client means. "Some genuine vault" is not an answer.

use super::error::NotExpected;
use crate::Claims;
use vault_encoding::Hash;
use vault_policy::{Measurement, PlatformId, VaultId, VerifiedEvidence};

/// The vault that must answer. Names at least a vault id or a machine, but for
/// [`ExpectedVault::danger_any_vault`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpectedVault {
    vault_id: Option<VaultId>,
    platform: Option<PlatformId>,
    measurement: Option<Measurement>,
    trust_config: Option<Hash>,
}

impl ExpectedVault {
    const ANY: Self = Self {
        vault_id: None,
        platform: None,
        measurement: None,
        trust_config: None,
    };

    /// The vault with this id.
    pub fn vault(vault_id: VaultId) -> Self {
        Self {
            vault_id: Some(vault_id),
            ..Self::ANY
        }
    }

    /// Whatever vault runs on this machine: for a first contact, before its id is known.
    pub fn platform(platform: PlatformId) -> Self {
        Self {
            platform: Some(platform),
            ..Self::ANY
        }
    }

    /// Whatever genuine vault answers, the worst one included. For the registry, which lists what
    /// it finds and asks for nothing; whoever calls a vault names it.
    pub fn danger_any_vault() -> Self {
        Self::ANY
    }

    /// Only on this machine.
    pub fn on_platform(self, platform: PlatformId) -> Self {
        Self {
            platform: Some(platform),
            ..self
        }
    }

    /// Only this build.
    pub fn with_measurement(self, measurement: Measurement) -> Self {
        Self {
            measurement: Some(measurement),
            ..self
        }
    }

    /// Only under the trust configuration with this root.
    pub fn with_trust_config(self, root: Hash) -> Self {
        Self {
            trust_config: Some(root),
            ..self
        }
    }

    pub(super) fn check(
        &self,
        vault_id: VaultId,
        claims: &Claims,
        evidence: &VerifiedEvidence,
    ) -> Result<(), NotExpected> {
        let Self {
            vault_id: id,
            platform,
            measurement,
            trust_config,
        } = self;
        let seen = evidence.claims();
        hold(*id, Some(vault_id), NotExpected::VaultId)?;
        hold(*platform, Some(seen.platform_id), NotExpected::Platform)?;
        hold(*measurement, seen.mrenclave(), NotExpected::Measurement)?;
        hold(*trust_config, claims.trust_root, NotExpected::TrustConfig)
    }
}

fn hold<T: PartialEq>(
    pinned: Option<T>,
    seen: Option<T>,
    otherwise: NotExpected,
) -> Result<(), NotExpected> {
    if pinned.is_none() || pinned == seen {
        Ok(())
    } else {
        Err(otherwise)
    }
}
