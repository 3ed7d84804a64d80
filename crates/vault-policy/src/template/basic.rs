//! Templates of one rule or two.

use super::build::{exact_build, fields, operations, rule, uses_secret};
use super::{Build, TemplateArgs};
use crate::condition::Condition;
use crate::model::PolicyFields;
use crate::principal::{CallerIdentity, NamedCaller};

pub(super) fn owner(args: &TemplateArgs) -> PolicyFields {
    let all = operations(args, |_| true);
    let rules = vec![rule("owner-uses", all, &["owner"], Condition::always())];
    fields(args, rules, Vec::new(), Vec::new())
}

/// The secret is used only on the enclave's attested connection, whoever else is proven there;
/// what needs no secret is the owner's from anywhere.
pub(super) fn caller_enclave(args: &TemplateArgs, build: Build) -> PolicyFields {
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
    fields(args, rules, Vec::new(), vec![exact_build(args, APP, build)])
}

pub(super) fn shared(args: &TemplateArgs, id: &str, identity: CallerIdentity) -> PolicyFields {
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
