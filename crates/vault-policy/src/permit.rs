//! The proof that a policy allowed one action on one version of one key.

use crate::action::Action;
use crate::ids::{KeyHandle, KeyVersion, Lineage, PolicyHash, PolicyVersion};

/// The key as it was when the decision was made. The log append compares it again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeySubject {
    /// The key.
    pub handle: KeyHandle,
    /// Its origin.
    pub lineage: Lineage,
    /// The version to be used.
    pub version: KeyVersion,
    /// The policy that is judged by.
    pub policy_hash: PolicyHash,
    /// Its version.
    pub policy_version: PolicyVersion,
}

/// One allowed use. Not `Clone`: whatever takes it by value has spent it.
///
/// ```compile_fail
/// fn twice(permit: vault_policy::Permit) -> (vault_policy::Permit, vault_policy::Permit) {
///     (permit, permit)
/// }
/// ```
///
/// ```compile_fail,E0451
/// use vault_policy::{Action, KeySubject, Permit};
///
/// fn forge(action: Action, subject: KeySubject) -> Permit {
///     Permit { action, subject }
/// }
/// ```
#[derive(PartialEq, Eq, Debug)]
#[must_use = "a permit that is not spent allowed nothing"]
pub struct Permit {
    action: Action,
    subject: KeySubject,
}

impl Permit {
    /// Only [`crate::evaluate`] makes permits.
    pub(crate) fn new(action: Action, subject: KeySubject) -> Self {
        Self { action, subject }
    }

    /// What is allowed.
    pub fn action(&self) -> Action {
        self.action
    }

    /// On which key.
    pub fn subject(&self) -> &KeySubject {
        &self.subject
    }
}
