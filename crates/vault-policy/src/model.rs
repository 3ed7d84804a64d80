//! What a policy consists of.

use crate::condition::Condition;
use crate::error::PolicyError;
use crate::ids::PolicyHash;
use crate::mutability::Mutability;
use crate::operation::Operation;
use crate::principal::{Fido2Credential, NamedCaller, NamedCertificate, OidcSubject, Person};
use crate::profile::AttestationProfile;
use std::collections::BTreeSet;
use vault_encoding::{Canonical, Domain, Json, Limits};

/// A field whose place in the canonical form is fixed and whose only accepted value is its
/// default, because nothing enforces another one. Giving such a field a type of its own makes
/// every place that must decide about it fail to compile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reserved;

/// Everything that a policy says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyFields {
    /// Who is named.
    pub principals: Principals,
    /// The rules, sorted by their canonical text.
    pub operations: Vec<Rule>,
    /// What the key may ever do.
    pub usage: Usage,
    /// When and how often.
    pub lifecycle: Lifecycle,
    /// Where else the key may live.
    pub recovery: Recovery,
    /// Which fields may change, and who may change them.
    pub mutability: Mutability,
}

/// Who is named by a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principals {
    /// The owner; the principal `owner` of rules.
    pub owner: Owner,
    /// Who approves, sorted by their canonical text.
    pub managers: Vec<Person>,
    /// Who reads metadata and policy, sorted by their canonical text. Rules cannot name them.
    pub auditors: Vec<NamedCaller>,
    /// Callers by token, sorted by their canonical text.
    pub callers: Vec<NamedCaller>,
    /// Callers by measurement, sorted by their canonical text. Several may have one name: it
    /// holds when one of them does.
    pub tees: Vec<AttestationProfile>,
    /// Callers by client certificate, sorted by their canonical text.
    pub mtls: Vec<NamedCertificate>,
}

/// The owner of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// Whose token proves it.
    pub subject: OidcSubject,
    /// What must approve whatever the owner does, reading aside.
    pub second_factor: Option<Fido2Credential>,
}

/// One rule: it matches when it lists the operation and one of its principals is proven.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Names the rule in refusals; unique in the policy.
    pub name: String,
    /// What it is about.
    pub operations: BTreeSet<Operation>,
    /// Whom it is about.
    pub principals: BTreeSet<PrincipalName>,
    /// What must hold wherever the rule matches.
    pub condition: Condition,
}

/// How a rule names a principal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PrincipalName {
    /// Everybody: restricts, and never grants.
    Any,
    /// The owner.
    Owner,
    /// The id of a caller or a certificate, or a profile's name.
    Id(String),
}

/// What a key may ever do, whatever the rules say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Usage {
    /// The operations.
    pub operations: BTreeSet<Operation>,
    /// Whether and how key material may leave.
    pub export: Reserved,
}

/// When and how often a key may be used.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lifecycle {
    /// When the key stops making new things.
    pub expires_at: Reserved,
    /// How often it is rotated.
    pub rotation_period: Reserved,
    /// For how many seconds, at least, a deletion can be cancelled.
    pub deletion_window: u64,
    /// How often it may be used.
    pub usage_limit: Reserved,
    /// Whether a policy under which nobody can ever use the key is meant.
    pub sealed_forever: bool,
}

/// Where else a key may live: nowhere.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recovery {
    /// How.
    pub mode: Reserved,
    /// Where.
    pub targets: Reserved,
}

/// A well-formed policy within its bounds, with its canonical form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPolicy {
    fields: PolicyFields,
    canonical: Vec<u8>,
    hash: PolicyHash,
}

impl KeyPolicy {
    /// The member `format` of the canonical form.
    pub const FORMAT: &str = "enclave-vaults/key-policy/v1";
    /// Length of the canonical form.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// Levels of one condition.
    pub const MAX_DEPTH: usize = 8;
    /// Conditions of the whole policy, combinators included.
    pub const MAX_NODES: usize = 256;
    /// Rules.
    pub const MAX_RULES: usize = 64;
    /// Claims that one profile requires: evidence never has more.
    pub const MAX_OIDS: usize = 32;
    /// Bytes of a name or an identity.
    pub const MAX_NAME: usize = 256;

    /// Reads the canonical form and refuses every other spelling.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, PolicyError> {
        crate::read::canonical(bytes)
    }

    /// Reads what people write: defaults may be left out, numbers and booleans may be such.
    pub fn from_json(document: &Json) -> Result<Self, PolicyError> {
        crate::read::document(document).and_then(Self::from_fields)
    }

    /// Checks names, references and bounds, and puts sets into their order.
    pub fn from_fields(fields: PolicyFields) -> Result<Self, PolicyError> {
        let mut fields = fields;
        crate::check::well_formed(&fields)?;
        crate::write::sort(&mut fields);
        let canonical = crate::write::policy(&fields).to_bytes();
        if canonical.len() > Self::MAX_BYTES {
            return Err(crate::error::Fault::TooLong.at(""));
        }
        let hash = PolicyHash(Domain::KeyPolicy.hash(&[&canonical]));
        Ok(Self {
            fields,
            canonical,
            hash,
        })
    }

    /// What it says.
    pub fn fields(&self) -> &PolicyFields {
        &self.fields
    }

    /// Whose key it is.
    pub fn owner(&self) -> &OidcSubject {
        &self.fields.principals.owner.subject
    }

    /// What the key may ever do.
    pub fn usage(&self) -> &Usage {
        &self.fields.usage
    }

    /// The profiles of this name.
    pub fn profiles(&self, name: &str) -> impl Iterator<Item = &AttestationProfile> {
        let named = move |profile: &&AttestationProfile| profile.name == name;
        self.fields.principals.tees.iter().filter(named)
    }

    /// The canonical form.
    pub fn canonical_bytes(&self) -> &[u8] {
        &self.canonical
    }

    /// The canonical form as a value, for printing.
    pub fn to_canonical(&self) -> Canonical {
        crate::write::policy(&self.fields)
    }

    /// Hash of the canonical form.
    pub fn hash(&self) -> PolicyHash {
        self.hash
    }

    pub(crate) fn limits() -> Limits {
        Limits {
            bytes: Self::MAX_BYTES,
            depth: 32,
            nodes: 8 * 1024,
        }
    }
}

impl PrincipalName {
    /// The text in policies.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Any => "any",
            Self::Owner => "owner",
            Self::Id(id) => id,
        }
    }
}

impl From<&str> for PrincipalName {
    fn from(name: &str) -> Self {
        match name {
            "any" => Self::Any,
            "owner" => Self::Owner,
            id => Self::Id(id.to_owned()),
        }
    }
}
