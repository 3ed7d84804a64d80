//! What a call asks of one key.

use crate::operation::Operation;
use std::fmt;

/// What a call asks of one key: an operation that rules grant, or what belongs to the owner, the
/// auditors or the managers by right and no rule can grant to anybody else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Action {
    /// Granted and restricted by the policy's rules.
    Operation(Operation),
    /// Read the key's metadata: every principal of the key but managers.
    GetKey,
    /// Read the policy: the owner and auditors.
    GetPolicy,
    /// Destroy the key, or begin the window after which it is: the owner.
    Delete,
    /// Replace the policy: the owner, and who the old policy asks for.
    UpdatePolicy,
    /// Read the pending profiles: the owner.
    ListProfiles,
    /// Take a pending profile into the policy: the owner, and who the policy asks for.
    PromoteProfile,
    /// Drop a pending profile: the owner.
    RevokeProfile,
    /// Keep a key that is to be destroyed: the owner, and every manager.
    CancelDeletion,
    /// Turn one's own token into an approval: managers.
    IssueApproval,
    /// Open a request for approval.
    BeginApproval(Approvable),
}

/// What approvals are asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Approvable {
    /// An operation, staging included: whoever a rule grants it to.
    Operation(Operation),
    /// Destroy the key.
    Delete,
    /// Replace the policy.
    UpdatePolicy,
    /// Take a pending profile into the policy.
    PromoteProfile,
    /// Drop a pending profile.
    RevokeProfile,
    /// Keep a key that is to be destroyed.
    CancelDeletion,
}

impl Action {
    /// The name in leaves.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.name(),
            Self::GetKey => "get_key",
            Self::GetPolicy => "get_policy",
            Self::Delete => "delete_key",
            Self::UpdatePolicy => "update_policy",
            Self::ListProfiles => "list_profiles",
            Self::PromoteProfile => "promote_profile",
            Self::RevokeProfile => "revoke_profile",
            Self::CancelDeletion => "cancel_deletion",
            Self::IssueApproval => "issue_approval",
            Self::BeginApproval(_) => "begin_approval",
        }
    }
}

impl Approvable {
    /// Everything that is no operation.
    const OTHERS: [Self; 5] = [
        Self::Delete,
        Self::UpdatePolicy,
        Self::PromoteProfile,
        Self::RevokeProfile,
        Self::CancelDeletion,
    ];

    /// Everything that can be approved.
    pub fn all() -> impl Iterator<Item = Self> {
        let operations = Operation::ALL.map(Self::Operation);
        operations.into_iter().chain(Self::OTHERS)
    }

    /// What is done once it is approved.
    pub fn action(self) -> Action {
        match self {
            Self::Operation(operation) => Action::Operation(operation),
            Self::Delete => Action::Delete,
            Self::UpdatePolicy => Action::UpdatePolicy,
            Self::PromoteProfile => Action::PromoteProfile,
            Self::RevokeProfile => Action::RevokeProfile,
            Self::CancelDeletion => Action::CancelDeletion,
        }
    }

    /// The member `operation` of requests: the name of the action.
    pub fn name(self) -> &'static str {
        self.action().name()
    }

    /// What has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|known| known.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
