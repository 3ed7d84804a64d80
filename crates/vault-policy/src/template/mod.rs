//! Policies to start from.

mod basic;
mod build;
mod guarded;
#[cfg(test)]
mod tests;

use crate::condition::{Condition, ManagerApproval};
use crate::error::PolicyError;
use crate::ids::{Measurement, PlatformId, TdMeasurement};
use crate::model::KeyPolicy;
use crate::mutability::OidcApproval;
use crate::operation::KeyType;
use crate::principal::{CallerIdentity, Fido2Credential, IssuerRole, OidcSubject, Person};
use std::collections::{BTreeMap, BTreeSet};

/// A template: its name and what it is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Template {
    /// The name behind `template:`.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// The types of keys that it is for.
    pub key_types: &'static [KeyType],
}

/// Every template.
pub const TEMPLATES: [Template; 8] = [
    Template {
        name: "owner",
        about: "the owner may do everything that the key's type can do",
        key_types: &KeyType::ALL,
    },
    Template {
        name: "caller-enclave",
        about: "the secret is used only through one attested build; needs its MRENCLAVE or MRTD",
        key_types: &KeyType::ALL,
    },
    Template {
        name: "service",
        about: "the owner and one service account use the key; needs its issuer and subject",
        key_types: &KeyType::ALL,
    },
    Template {
        name: "role",
        about: "the owner and everybody with a role use the key; needs its issuer and name",
        key_types: &KeyType::ALL,
    },
    Template {
        name: "ci-signing",
        about: "a CI job signs what managers approve; needs its subject and the managers",
        key_types: &[KeyType::P256Signing, KeyType::Ed25519Signing],
    },
    Template {
        name: "luks-volume",
        about: "one build of a confidential VM gets the secret of its volume, and, with approval, \
                the owner; needs its MRENCLAVE or MRTD",
        key_types: &[KeyType::RawShare, KeyType::Aes256Gcm],
    },
    Template {
        name: "app-kek",
        about: "one build of an application wraps and unwraps its keys, and a CI job may propose \
                the next build; needs its MRENCLAVE or MRTD",
        key_types: &[KeyType::Aes256Gcm],
    },
    Template {
        name: "wallet-seed",
        about: "the owner gets the seed back when managers approve, and a deletion waits 30 days; \
                needs the managers",
        key_types: &[KeyType::RawShare],
    },
];

/// What templates are filled in with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateArgs {
    /// Whose key it will be.
    pub owner: OidcSubject,
    /// What kind of key.
    pub key_type: KeyType,
    /// MRENCLAVE, for what one build does,
    pub mrenclave: Option<Measurement>,
    /// or MRTD, where that build is a trust domain,
    pub mrtd: Option<TdMeasurement>,
    /// with these runtime measurements.
    pub rtmrs: BTreeMap<u8, TdMeasurement>,
    /// The machines on which that build counts; empty for every machine.
    pub platforms: BTreeSet<PlatformId>,
    /// Who else uses the key, or proposes builds.
    pub service: Option<OidcSubject>,
    /// Who else uses the key, for `role`.
    pub role: Option<IssuerRole>,
    /// Who approves.
    pub managers: Vec<Person>,
    /// How many of them it takes: for what the template has approved, and for changes.
    pub threshold: u32,
    /// The owner's authenticator, asked for whatever the owner does.
    pub second_factor: Option<Fido2Credential>,
}

impl TemplateArgs {
    /// What `owner` needs; the rest is for the other templates.
    pub fn new(owner: OidcSubject, key_type: KeyType) -> Self {
        Self {
            owner,
            key_type,
            mrenclave: None,
            mrtd: None,
            rtmrs: BTreeMap::new(),
            platforms: BTreeSet::new(),
            service: None,
            role: None,
            managers: Vec::new(),
            threshold: 1,
            second_factor: None,
        }
    }
}

/// Why a template gives no policy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// None has this name.
    #[error("no such template")]
    Unknown,
    /// It is not for keys of this type.
    #[error("this template is not for keys of type {}", .0.name())]
    NotFor(KeyType),
    /// It needs this argument.
    #[error("this template needs {0}")]
    Needs(&'static str),
    /// It has no use for this argument, which would seem to bind and would not.
    #[error("this template has no use for {0}")]
    NoUse(&'static str),
    /// An argument cannot stand in a policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// The policy of this template.
pub fn template(name: &str, args: &TemplateArgs) -> Result<KeyPolicy, TemplateError> {
    let known = TEMPLATES.iter().find(|known| known.name == name);
    let known = known.ok_or(TemplateError::Unknown)?;
    if !known.key_types.contains(&args.key_type) {
        return Err(TemplateError::NotFor(args.key_type));
    }
    if let Some(idle) = args.idle(name) {
        return Err(TemplateError::NoUse(idle));
    }
    let fields = match name {
        "owner" => basic::owner(args),
        "caller-enclave" => basic::caller_enclave(args, args.build()?),
        "service" => {
            let service = CallerIdentity::Oidc(args.service()?);
            basic::shared(args, "service", service)
        }
        "role" => {
            let role = args.role.clone().ok_or(TemplateError::Needs("role"))?;
            basic::shared(args, "members", CallerIdentity::Role(role))
        }
        "ci-signing" => guarded::ci_signing(args)?,
        "luks-volume" => guarded::luks_volume(args)?,
        "app-kek" => guarded::app_kek(args)?,
        "wallet-seed" => guarded::wallet_seed(args)?,
        _ => return Err(TemplateError::Unknown),
    };
    Ok(KeyPolicy::from_fields(fields)?)
}

/// One build of whatever calls.
#[derive(Clone, Copy)]
enum Build {
    Enclave(Measurement),
    Domain(TdMeasurement),
}

impl TemplateArgs {
    /// An argument that is given and would be dropped.
    fn idle(&self, template: &str) -> Option<&'static str> {
        let build = matches!(template, "caller-enclave" | "luks-volume" | "app-kek");
        let service = matches!(template, "service" | "ci-signing" | "app-kek");
        let enclave = self.mrenclave.is_some() && self.mrtd.is_none();
        let given = [
            ("mrenclave", self.mrenclave.is_some() && !build),
            ("mrtd", self.mrtd.is_some() && !build),
            ("rtmr", !self.rtmrs.is_empty() && (!build || enclave)),
            ("platform", !self.platforms.is_empty() && !build),
            ("service", self.service.is_some() && !service),
            ("role", self.role.is_some() && template != "role"),
            ("threshold", self.threshold != 1 && self.managers.is_empty()),
        ];
        given
            .into_iter()
            .find_map(|(name, idle)| idle.then_some(name))
    }

    fn build(&self) -> Result<Build, TemplateError> {
        match (self.mrenclave, self.mrtd) {
            (Some(mrenclave), None) => Ok(Build::Enclave(mrenclave)),
            (None, Some(mrtd)) => Ok(Build::Domain(mrtd)),
            (None, None) => Err(TemplateError::Needs("mrenclave or mrtd")),
            (Some(_), Some(_)) => Err(TemplateError::Needs("either mrenclave or mrtd")),
        }
    }

    fn service(&self) -> Result<OidcSubject, TemplateError> {
        self.service.clone().ok_or(TemplateError::Needs("service"))
    }

    /// Approval by as many managers as are asked for, whoever of them.
    fn approval(&self) -> Result<Condition, TemplateError> {
        if self.managers.is_empty() {
            return Err(TemplateError::Needs("managers"));
        }
        let managers = self.managers.iter().map(|person| person.id.clone());
        Ok(Condition::ManagerApproval(ManagerApproval {
            managers: managers.collect(),
            threshold: self.threshold,
            fresh_for: ManagerApproval::FRESH_FOR,
            oidc: OidcApproval::Refused,
        }))
    }
}
