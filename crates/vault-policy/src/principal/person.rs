//! A manager: one person with one or more credentials.

use super::{Fido2Credential, OidcSubject};
use crate::error::PolicyError;
use crate::facts::{Approved, Approver, Facts};
use crate::model::Principals;
use crate::mutability::OidcApproval;
use vault_encoding::Json;

/// Somebody who approves. Counted once, however many credentials they use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// The name in conditions; unique in the policy.
    pub id: String,
    /// Sorted by their canonical text, 1 to 8. INVARIANT: no other person has one of them.
    pub credentials: Vec<Credential>,
}

/// What proves that a person approved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// An authenticator's assertion.
    Fido2(Fido2Credential),
    /// A token of the person's own.
    Oidc(OidcSubject),
}

impl Person {
    /// Reads what people write: `{"id": …, "credentials": […]}`. Whether it can stand in a policy,
    /// the policy says.
    pub fn from_json(document: &Json) -> Result<Self, PolicyError> {
        crate::read::person(document)
    }
}

impl Credential {
    /// Reads what people write: `{"fido2": {…}}` or `{"oidc": {…}}`.
    pub fn from_json(document: &Json) -> Result<Self, PolicyError> {
        crate::read::credential(document)
    }

    /// Whether both can be proven by the same thing.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fido2(one), Self::Fido2(other)) => one.is_same(other),
            (Self::Oidc(one), Self::Oidc(other)) => one == other,
            (Self::Fido2(_), Self::Oidc(_)) | (Self::Oidc(_), Self::Fido2(_)) => false,
        }
    }

    /// Whether approvals by it count where OIDC is refused or allowed.
    pub fn counts(&self, oidc: OidcApproval) -> bool {
        match self {
            Self::Fido2(_) => true,
            Self::Oidc(_) => oidc == OidcApproval::Allowed,
        }
    }

    fn approved(&self, approval: &Approved) -> bool {
        match self {
            Self::Fido2(credential) => credential.approved(approval),
            Self::Oidc(subject) => match &approval.by {
                Approver::Oidc(by) => by == subject,
                Approver::Fido2 { .. } => false,
            },
        }
    }
}

impl Person {
    /// Credentials of one person.
    pub const MAX_CREDENTIALS: usize = 8;
    /// Persons of one policy.
    pub const MAX: usize = 32;

    /// Whether the call's token is this person's.
    pub fn proven(&self, facts: &Facts) -> bool {
        self.credentials.iter().any(|credential| match credential {
            Credential::Oidc(subject) => subject.proven(facts),
            Credential::Fido2(_) => false,
        })
    }

    /// Whether approvals by this person can count where OIDC is refused or allowed.
    pub fn can_approve(&self, oidc: OidcApproval) -> bool {
        self.credentials
            .iter()
            .any(|credential| credential.counts(oidc))
    }

    /// The approvals that count as this person's.
    pub(crate) fn approvals<'a>(
        &'a self,
        facts: &'a Facts,
        oidc: OidcApproval,
    ) -> impl Iterator<Item = &'a Approved> {
        let usable = move |credential: &&Credential| credential.counts(oidc);
        facts.approvals.iter().filter(move |approval| {
            let mut usable = self.credentials.iter().filter(usable);
            usable.any(|credential| credential.approved(approval))
        })
    }

    /// Whether this person is who makes the call, and so cannot approve it: by the token, or,
    /// where the owner calls, by the owner's second factor.
    pub(crate) fn requests(&self, principals: &Principals, facts: &Facts) -> bool {
        self.proven(facts)
            || (principals.owner.subject.proven(facts) && self.has_second_factor_of(principals))
    }

    /// Whether this person is the owner, as far as the policy can tell.
    pub(crate) fn is_owner(&self, principals: &Principals) -> bool {
        let owner = Credential::Oidc(principals.owner.subject.clone());
        self.credentials.contains(&owner) || self.has_second_factor_of(principals)
    }

    fn has_second_factor_of(&self, principals: &Principals) -> bool {
        let Some(factor) = &principals.owner.second_factor else {
            return false;
        };
        self.credentials.iter().any(|credential| match credential {
            Credential::Fido2(known) => known.is_same(factor),
            Credential::Oidc(_) => false,
        })
    }
}
