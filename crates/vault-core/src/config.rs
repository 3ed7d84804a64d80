//! What of a vault's configuration decides.

use crate::limits::Limits;
use crate::time::TimeMode;
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::Hash;
use vault_policy::TokenFacts;

/// The names that the three roles have in tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleNames {
    /// May create keys.
    pub owner: String,
    /// May approve.
    pub manager: String,
    /// May read the log.
    pub auditor: String,
}

impl Default for RoleNames {
    fn default() -> Self {
        Self {
            owner: "vault:owner".into(),
            manager: "vault:manager".into(),
            auditor: "vault:auditor".into(),
        }
    }
}

/// The configuration of the state machine, from the attested document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VaultConfig {
    /// The vault's constellation, if it has one.
    pub constellation: Option<Hash>,
    /// Issuer URL to the roles that it may grant.
    pub issuers: BTreeMap<String, BTreeSet<String>>,
    /// Names of the roles.
    pub roles: RoleNames,
    /// How time is established.
    pub time_mode: TimeMode,
    /// Seconds by which the host's clock may lag.
    pub clock_skew: u64,
    /// Bounds.
    pub limits: Limits,
    /// Root of the trust configuration, for the boot entry.
    pub trust_root: Hash,
    /// Root of the operational configuration, for the boot entry.
    pub operational_root: Hash,
}

impl VaultConfig {
    /// Whether the token holds this role and its issuer may grant it.
    pub fn holds(&self, token: &TokenFacts, role: &str) -> bool {
        token.roles.contains(role)
            && self
                .issuers
                .get(&token.issuer)
                .is_some_and(|granted| granted.contains(role))
    }
}
