//! The vocabulary of access, and the decision whether a call is allowed.
//!
//! Sans-IO and pure: `now` is an argument, nothing is read from the machine. The caller must
//! authenticate first (facts are taken as proven) and must spend the [`Permit`] at once, on the
//! key version that it names. Behind [`evaluate`] stand gates of their own:
//! [`usage_allows`] and [`type_allows`], and with them [`sender_allows`].

mod action;
mod check;
mod condition;
mod deny;
mod error;
mod evaluate;
mod evidence;
mod facts;
mod ids;
mod lint;
mod model;
mod mutability;
mod operation;
mod permit;
mod principal;
mod profile;
mod read;
mod sender;
mod template;
mod text;
mod time;
mod truth;
mod update;
mod usage;
mod validate;
mod write;

pub use action::{Action, Approvable};
pub use condition::{Condition, ManagerApproval, TimeWindow};
pub use deny::Deny;
pub use error::{Fault, PolicyError};
pub use evaluate::evaluate;
pub use evidence::{EvidenceClaims, SgxFacts, TcbStatus, TdxFacts, Tee, VerifiedEvidence};
pub use facts::{Approved, Approver, CertificateFacts, Facts, SenderConstraint, TokenFacts};
pub use ids::{
    IdError, KeyHandle, KeyVersion, Lineage, Measurement, PlatformId, PolicyHash, PolicyVersion,
    TdMeasurement, VaultId,
};
pub use lint::{Finding, lint};
pub use model::{
    KeyPolicy, Lifecycle, Owner, PolicyFields, PrincipalName, Principals, Recovery, Reserved, Rule,
    Usage,
};
pub use mutability::{Field, Level, Mutability, OidcApproval, Quorum};
pub use operation::{KeyType, Operation};
pub use permit::{KeySubject, Permit};
pub use principal::{
    CallerIdentity, CertificateIdentity, Credential, Fido2Algorithm, Fido2Credential, IssuerRole,
    NamedCaller, NamedCertificate, OidcSubject, Person, is_principal,
};
pub use profile::{AttestationProfile, RequiredOid, SignerMatch, TcbRule};
pub use sender::{SHARE_CLASSES, sender_allows};
pub use template::{TEMPLATES, Template, TemplateArgs, TemplateError, template};
pub use text::{
    Difference, Direction, Explanation, Grant, Missing, Outcome, Requirement, diff, explain,
    simulate,
};
pub use time::{UnixSeconds, VaultTime};
pub use truth::Truth;
pub use update::{
    Authority, Change, UpdateDeny, judge_update, promote, required, required_for_promotion,
};
pub use usage::{type_allows, usage_allows};
pub use validate::{Invalid, validate};
