//! Why a document is not a policy.

use std::fmt;
use vault_encoding::JsonError;

/// A document that is refused, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyError {
    /// Path of the member: `operations[0].condition.all[1].time_window`; empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a policy document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Not strict JSON within the limits.
    Json(JsonError),
    /// A valid policy that is not written in its canonical form.
    NotCanonical,
    /// Longer than 64 KiB in canonical form.
    TooLong,
    /// `format` names another format.
    UnknownFormat,
    /// Something that the format has and this version does not enforce.
    NotEnforced,
    /// A member that the format does not have.
    UnknownMember,
    /// A member that has no default is absent.
    Missing,
    /// Not what can stand there.
    Expected(&'static str),
    /// Empty, longer than 256 bytes, not NFC, or with control characters.
    BadIdentity,
    /// A name that something else in the policy has already, or that is reserved.
    NameTaken,
    /// Names no manager of the policy.
    UnknownManager,
    /// A credential that another manager has already: by its key, its id or its subject.
    CredentialTaken,
    /// A quorum of managers where there are none.
    QuorumWithoutManagers,
    /// A quorum below an approval that a rule asks for.
    QuorumTooLow {
        /// The highest threshold of the rules.
        needed: u32,
    },
    /// Names no principal of the policy.
    UnknownPrincipal,
    /// Names no attestation profile of the policy.
    UnknownProfile,
    /// More than the format allows.
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// Conditions nested deeper than 8.
    TooDeep,
    /// `not` over something else than time windows.
    NotOverFacts,
    /// A window that holds no second.
    EmptyWindow,
    /// A profile without a measurement that it matches.
    NoMeasurement,
}

impl Fault {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::NotCanonical => "not_canonical",
            Self::TooLong => "too_long",
            Self::UnknownFormat => "unknown_format",
            Self::NotEnforced => "not_enforced",
            Self::UnknownMember => "unknown_member",
            Self::Missing => "missing",
            Self::Expected(_) => "wrong_value",
            Self::BadIdentity => "bad_identity",
            Self::NameTaken => "name_taken",
            Self::UnknownManager => "unknown_manager",
            Self::CredentialTaken => "credential_taken",
            Self::QuorumWithoutManagers => "quorum_without_managers",
            Self::QuorumTooLow { .. } => "quorum_too_low",
            Self::UnknownPrincipal => "unknown_principal",
            Self::UnknownProfile => "unknown_profile",
            Self::TooMany { .. } => "too_many",
            Self::TooDeep => "too_deep",
            Self::NotOverFacts => "not_over_facts",
            Self::EmptyWindow => "empty_window",
            Self::NoMeasurement => "no_measurement",
        }
    }

    pub(crate) fn at(self, path: impl Into<String>) -> PolicyError {
        PolicyError {
            path: path.into(),
            fault: self,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::NotCanonical => f.write_str("not in canonical form"),
            Self::TooLong => f.write_str("longer than 64 KiB in canonical form"),
            Self::UnknownFormat => f.write_str("not a format that is known here"),
            Self::NotEnforced => f.write_str("not enforced by this version, so it is refused"),
            Self::UnknownMember => f.write_str("no such member"),
            Self::Missing => f.write_str("missing"),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::BadIdentity => f.write_str(
                "expected 1 to 256 bytes of text in Unicode form NFC without control characters",
            ),
            Self::NameTaken => f.write_str("this name is taken or reserved"),
            Self::UnknownManager => f.write_str("names no manager of this policy"),
            Self::CredentialTaken => f.write_str("another manager has this credential"),
            Self::QuorumWithoutManagers => f.write_str("a quorum, and the policy has no managers"),
            Self::QuorumTooLow { needed } => write!(
                f,
                "a quorum below {needed}, the most approvals that a rule asks for"
            ),
            Self::UnknownPrincipal => f.write_str("names no principal of this policy"),
            Self::UnknownProfile => f.write_str("names no attestation profile of this policy"),
            Self::TooMany { limit } => write!(f, "more than {limit}"),
            Self::TooDeep => f.write_str("conditions are nested deeper than 8"),
            Self::NotOverFacts => f.write_str("`not` may hold only time windows"),
            Self::EmptyWindow => f.write_str("a window that holds no second"),
            Self::NoMeasurement => f.write_str(
                "expected mrenclave, or mrsigner with isv_prod_id and min_isv_svn, or mrtd",
            ),
        }
    }
}

impl PolicyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "policy: {}", self.fault),
            path => write!(f, "policy: {path}: {}", self.fault),
        }
    }
}

impl std::error::Error for PolicyError {}
