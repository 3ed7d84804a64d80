//! What templates are put together from.

use super::{Build, TemplateArgs};
use crate::condition::Condition;
use crate::model::{
    Lifecycle, Owner, PolicyFields, PrincipalName, Principals, Recovery, Reserved, Rule, Usage,
};
use crate::mutability::{Level, Mutability, Quorum};
use crate::operation::Operation;
use crate::principal::NamedCaller;
use crate::profile::{AttestationProfile, TcbRule};
use crate::usage::type_allows;
use std::collections::BTreeSet;

pub(super) fn operations(
    args: &TemplateArgs,
    keep: impl Fn(Operation) -> bool,
) -> BTreeSet<Operation> {
    let able = |operation: &Operation| type_allows(args.key_type, *operation) && keep(*operation);
    Operation::USES.into_iter().filter(able).collect()
}

pub(super) fn uses_secret(operation: Operation) -> bool {
    !matches!(operation, Operation::Verify | Operation::GetPublicKey)
}

pub(super) fn rule(
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

pub(super) fn exact_build(args: &TemplateArgs, name: &str, build: Build) -> AttestationProfile {
    let (mrenclave, mrtd) = match build {
        Build::Enclave(mrenclave) => (Some(mrenclave), None),
        Build::Domain(mrtd) => (None, Some(mrtd)),
    };
    AttestationProfile {
        name: name.to_owned(),
        mrenclave,
        signer: None,
        mrtd,
        rtmrs: args.rtmrs.clone(),
        config_merkle_root: None,
        required_oids: BTreeSet::new(),
        platforms: args.platforms.clone(),
        tcb: TcbRule::default(),
    }
}

pub(super) fn fields(
    args: &TemplateArgs,
    rules: Vec<Rule>,
    callers: Vec<NamedCaller>,
    tees: Vec<AttestationProfile>,
) -> PolicyFields {
    let principals = Principals {
        owner: Owner {
            subject: args.owner.clone(),
            second_factor: args.second_factor.clone(),
        },
        managers: args.managers.clone(),
        auditors: Vec::new(),
        callers,
        tees,
        mtls: Vec::new(),
    };
    PolicyFields {
        mutability: quorums(Mutability::default_of(&principals, &rules), args.threshold),
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

/// As many managers as are asked for, wherever it takes any.
fn quorums(mut mutability: Mutability, threshold: u32) -> Mutability {
    let levels: Vec<_> = mutability.levels().collect();
    for (field, level) in levels {
        if let Level::Quorum(quorum) = level {
            let quorum = Quorum {
                threshold,
                ..quorum
            };
            mutability.set(field, Level::Quorum(quorum));
        }
    }
    mutability
}
