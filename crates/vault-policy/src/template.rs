//! Policies to start from.

use crate::condition::Condition;
use crate::error::PolicyError;
use crate::ids::Measurement;
use crate::model::{
    KeyPolicy, Lifecycle, Owner, PolicyFields, PrincipalName, Principals, Recovery, Reserved, Rule,
    Usage,
};
use crate::mutability::Mutability;
use crate::operation::{KeyType, Operation};
use crate::principal::{CallerIdentity, IssuerRole, NamedCaller, OidcSubject};
use crate::profile::{AttestationProfile, TcbRule};
use crate::usage::type_allows;
use std::collections::BTreeSet;

/// A template: its name and what it is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Template {
    /// The name behind `template:`.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
}

/// Every template.
pub const TEMPLATES: [Template; 4] = [
    Template {
        name: "owner",
        about: "the owner may do everything that the key's type can do",
    },
    Template {
        name: "caller-enclave",
        about: "the secret is used only through one enclave build; needs its MRENCLAVE",
    },
    Template {
        name: "service",
        about: "the owner and one service account use the key; needs its issuer and subject",
    },
    Template {
        name: "role",
        about: "the owner and everybody with a role use the key; needs its issuer and name",
    },
];

/// What templates are filled in with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateArgs {
    /// Whose key it will be.
    pub owner: OidcSubject,
    /// What kind of key.
    pub key_type: KeyType,
    /// MRENCLAVE, for `caller-enclave`.
    pub mrenclave: Option<Measurement>,
    /// Who else uses the key, for `service`.
    pub service: Option<OidcSubject>,
    /// Who else uses the key, for `role`.
    pub role: Option<IssuerRole>,
}

impl TemplateArgs {
    /// What `owner` needs; the rest is for the other templates.
    pub fn new(owner: OidcSubject, key_type: KeyType) -> Self {
        Self {
            owner,
            key_type,
            mrenclave: None,
            service: None,
            role: None,
        }
    }
}

/// Why a template gives no policy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// None has this name.
    #[error("no such template")]
    Unknown,
    /// It needs this argument.
    #[error("this template needs {0}")]
    Needs(&'static str),
    /// An argument cannot stand in a policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// The policy of this template.
pub fn template(name: &str, args: &TemplateArgs) -> Result<KeyPolicy, TemplateError> {
    let fields = match name {
        "owner" => owner(args),
        "caller-enclave" => caller_enclave(
            args,
            args.mrenclave.ok_or(TemplateError::Needs("mrenclave"))?,
        ),
        "service" => {
            let service = args
                .service
                .clone()
                .ok_or(TemplateError::Needs("service"))?;
            shared(args, "service", CallerIdentity::Oidc(service))
        }
        "role" => {
            let role = args.role.clone().ok_or(TemplateError::Needs("role"))?;
            shared(args, "members", CallerIdentity::Role(role))
        }
        _ => return Err(TemplateError::Unknown),
    };
    Ok(KeyPolicy::from_fields(fields)?)
}

fn owner(args: &TemplateArgs) -> PolicyFields {
    let all = operations(args, |_| true);
    let rules = vec![rule("owner-uses", all, &["owner"], Condition::always())];
    fields(args, rules, Vec::new(), Vec::new())
}

/// The secret is used only on the enclave's attested connection, whoever else is proven there;
/// what needs no secret is the owner's from anywhere.
fn caller_enclave(args: &TemplateArgs, mrenclave: Measurement) -> PolicyFields {
    const APP: &str = "app";
    let attested = Condition::AttestationMatches(APP.to_owned());
    let mut rules = vec![rule(
        "attested-use",
        operations(args, uses_secret),
        &["owner", APP],
        attested,
    )];
    let public = operations(args, |operation| !uses_secret(operation));
    if !public.is_empty() {
        rules.push(rule(
            "public-use",
            public,
            &["owner", APP],
            Condition::always(),
        ));
    }
    fields(args, rules, Vec::new(), vec![exact_build(APP, mrenclave)])
}

fn shared(args: &TemplateArgs, id: &str, identity: CallerIdentity) -> PolicyFields {
    let all = operations(args, |_| true);
    let rules = vec![rule("shared-use", all, &["owner", id], Condition::always())];
    fields(
        args,
        rules,
        vec![NamedCaller {
            id: id.to_owned(),
            identity,
        }],
        Vec::new(),
    )
}

fn operations(args: &TemplateArgs, keep: impl Fn(Operation) -> bool) -> BTreeSet<Operation> {
    let able = |operation: &Operation| type_allows(args.key_type, *operation) && keep(*operation);
    Operation::USES.into_iter().filter(able).collect()
}

fn uses_secret(operation: Operation) -> bool {
    !matches!(operation, Operation::Verify | Operation::GetPublicKey)
}

fn rule(
    name: &str,
    operations: BTreeSet<Operation>,
    principals: &[&str],
    condition: Condition,
) -> Rule {
    let principals = principals
        .iter()
        .copied()
        .map(PrincipalName::from)
        .collect();
    Rule {
        name: name.to_owned(),
        operations,
        principals,
        condition,
    }
}

fn exact_build(name: &str, mrenclave: Measurement) -> AttestationProfile {
    AttestationProfile {
        name: name.to_owned(),
        mrenclave: Some(mrenclave),
        signer: None,
        mrtd: Reserved,
        rtmrs: Reserved,
        config_merkle_root: None,
        required_oids: BTreeSet::new(),
        platforms: BTreeSet::new(),
        tcb: TcbRule::default(),
    }
}

fn fields(
    args: &TemplateArgs,
    rules: Vec<Rule>,
    callers: Vec<NamedCaller>,
    tees: Vec<AttestationProfile>,
) -> PolicyFields {
    let principals = Principals {
        owner: Owner {
            subject: args.owner.clone(),
            second_factor: None,
        },
        managers: Vec::new(),
        auditors: Vec::new(),
        callers,
        tees,
        mtls: Vec::new(),
    };
    PolicyFields {
        mutability: Mutability::default_of(&principals, &rules),
        principals,
        operations: rules,
        usage: Usage {
            operations: operations(args, |_| true),
            export: Reserved,
        },
        lifecycle: Lifecycle::default(),
        recovery: Recovery::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::lint;
    use crate::time::{UnixSeconds, VaultTime};
    use crate::validate::validate;
    use vault_encoding::Hash;

    #[test]
    fn every_listed_template_is_valid_for_every_type_of_key() {
        let subject = |subject: &str| OidcSubject {
            issuer: "https://issuer.test".into(),
            subject: subject.into(),
        };
        for (key_type, about) in KeyType::ALL
            .into_iter()
            .flat_map(|kind| TEMPLATES.map(|t| (kind, t)))
        {
            let mut args = TemplateArgs::new(subject("ann"), key_type);
            if about.name != "owner" {
                let needs = template(about.name, &args);
                assert!(matches!(needs, Err(TemplateError::Needs(_))), "{needs:?}");
            }
            args.mrenclave = Some(Measurement(Hash([7; 32])));
            args.service = Some(subject("ci"));
            args.role = Some(IssuerRole {
                issuer: "https://issuer.test".into(),
                role: "signers".into(),
            });
            let policy = template(about.name, &args).unwrap();
            let now = VaultTime::Known {
                lo: UnixSeconds(1),
                hi: UnixSeconds(2),
            };
            assert_eq!(validate(&policy, key_type, now), Ok(()), "{about:?}");
            let read = KeyPolicy::from_canonical(policy.canonical_bytes());
            assert_eq!(read.as_ref(), Ok(&policy));
            let codes: Vec<_> = lint(&policy)
                .into_iter()
                .map(|finding| finding.code)
                .collect();
            let expected: &[&str] = if about.name == "caller-enclave" {
                &["profile_any_platform"]
            } else {
                &[]
            };
            assert_eq!(codes, expected, "{about:?}");
        }
        let args = TemplateArgs::new(subject("ann"), KeyType::P256Signing);
        assert_eq!(template("nothing", &args), Err(TemplateError::Unknown));
    }
}
