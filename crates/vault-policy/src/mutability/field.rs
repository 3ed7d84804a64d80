//! The fields that have a mutability each.

/// A field of a policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Field {
    /// `lifecycle.deletion_window`
    DeletionWindow,
    /// `lifecycle.expires_at`
    ExpiresAt,
    /// `lifecycle.rotation_period`
    RotationPeriod,
    /// `lifecycle.sealed_forever`
    SealedForever,
    /// `lifecycle.usage_limit`
    UsageLimit,
    /// `mutability`
    Mutability,
    /// `operations`
    Operations,
    /// `principals.auditors`
    Auditors,
    /// `principals.callers`
    Callers,
    /// `principals.managers`
    Managers,
    /// `principals.mtls`
    Mtls,
    /// `principals.owner`
    PrincipalsOwner,
    /// `principals.tees`
    Tees,
    /// `recovery.mode`
    RecoveryMode,
    /// `recovery.targets`
    RecoveryTargets,
    /// `usage.export`
    Export,
    /// `usage.operations`
    UsageOperations,
}

impl Field {
    /// Every field, in the order of the canonical form.
    pub const ALL: [Self; 17] = [
        Self::DeletionWindow,
        Self::ExpiresAt,
        Self::RotationPeriod,
        Self::SealedForever,
        Self::UsageLimit,
        Self::Mutability,
        Self::Operations,
        Self::Auditors,
        Self::Callers,
        Self::Managers,
        Self::Mtls,
        Self::PrincipalsOwner,
        Self::Tees,
        Self::RecoveryMode,
        Self::RecoveryTargets,
        Self::Export,
        Self::UsageOperations,
    ];

    pub(super) const NAMES: [&str; 17] = [
        "lifecycle.deletion_window",
        "lifecycle.expires_at",
        "lifecycle.rotation_period",
        "lifecycle.sealed_forever",
        "lifecycle.usage_limit",
        "mutability",
        "operations",
        "principals.auditors",
        "principals.callers",
        "principals.managers",
        "principals.mtls",
        "principals.owner",
        "principals.tees",
        "recovery.mode",
        "recovery.targets",
        "usage.export",
        "usage.operations",
    ];

    /// The name in policies and refusals.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeletionWindow => "lifecycle.deletion_window",
            Self::ExpiresAt => "lifecycle.expires_at",
            Self::RotationPeriod => "lifecycle.rotation_period",
            Self::SealedForever => "lifecycle.sealed_forever",
            Self::UsageLimit => "lifecycle.usage_limit",
            Self::Mutability => "mutability",
            Self::Operations => "operations",
            Self::Auditors => "principals.auditors",
            Self::Callers => "principals.callers",
            Self::Managers => "principals.managers",
            Self::Mtls => "principals.mtls",
            Self::PrincipalsOwner => "principals.owner",
            Self::Tees => "principals.tees",
            Self::RecoveryMode => "recovery.mode",
            Self::RecoveryTargets => "recovery.targets",
            Self::Export => "usage.export",
            Self::UsageOperations => "usage.operations",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_names_is_that_of_the_fields() {
        assert_eq!(Field::ALL.map(Field::name), Field::NAMES);
        assert!(Field::NAMES.is_sorted());
    }
}
