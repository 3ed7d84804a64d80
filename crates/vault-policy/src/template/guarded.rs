//! Templates for what people ask most: each with somebody who approves, or one build that may.

use super::build::{exact_build, fields, operations, rule, uses_secret};
use super::{TemplateArgs, TemplateError};
use crate::condition::Condition;
use crate::model::PolicyFields;
use crate::operation::Operation;
use crate::principal::{CallerIdentity, NamedCaller, OidcSubject};
use std::collections::BTreeSet;

/// Seconds of 30 days.
const MONTH: u64 = 30 * 24 * 60 * 60;

type Filled = Result<PolicyFields, TemplateError>;

/// The job signs what managers approve, and nobody signs anything else; everybody named verifies.
pub(super) fn ci_signing(args: &TemplateArgs) -> Filled {
    const CI: &str = "ci";
    let sign = BTreeSet::from([Operation::Sign]);
    let check = operations(args, |operation| !uses_secret(operation));
    let rules = vec![
        rule("release", sign.clone(), &[CI], args.approval()?),
        rule("check", check.clone(), &["owner", CI], Condition::always()),
    ];
    let callers = vec![caller(CI, args.service()?)];
    let mut filled = fields(args, rules, callers, Vec::new());
    filled.usage.operations = sign.union(&check).copied().collect();
    Ok(filled)
}

/// The VM opens its volume by itself. The owner puts the secret in, and with approval, where
/// there are managers, gets it out when the VM is gone.
pub(super) fn luks_volume(args: &TemplateArgs) -> Filled {
    const VM: &str = "vm";
    let open = operations(args, opens);
    let mut rules = vec![rule("boot", open.clone(), &[VM], Condition::always())];
    if !args.managers.is_empty() {
        rules.push(rule("recover", open, &["owner"], args.approval()?));
    }
    let close = operations(args, |operation| !opens(operation));
    if !close.is_empty() {
        rules.push(rule("store", close, &["owner", VM], Condition::always()));
    }
    let tees = vec![exact_build(args, VM, args.build()?)];
    Ok(fields(args, rules, Vec::new(), tees))
}

/// Only the build wraps and unwraps. A job may propose the next one, which admits nothing.
pub(super) fn app_kek(args: &TemplateArgs) -> Filled {
    const APP: &str = "app";
    const CI: &str = "ci";
    let all = operations(args, |_| true);
    let mut rules = vec![rule("attested-use", all, &[APP], Condition::always())];
    let mut callers = Vec::new();
    if let Some(service) = &args.service {
        let stage = BTreeSet::from([Operation::StageProfile]);
        rules.push(rule("propose", stage, &[CI], Condition::always()));
        callers.push(caller(CI, service.clone()));
    }
    let tees = vec![exact_build(args, APP, args.build()?)];
    Ok(fields(args, rules, callers, tees))
}

/// The owner alone gets nothing, and managers alone get nothing.
pub(super) fn wallet_seed(args: &TemplateArgs) -> Filled {
    let all = operations(args, |_| true);
    let rules = vec![rule("restore", all, &["owner"], args.approval()?)];
    let mut filled = fields(args, rules, Vec::new(), Vec::new());
    filled.lifecycle.deletion_window = MONTH;
    Ok(filled)
}

/// Whether it gives the secret, or what it protects.
fn opens(operation: Operation) -> bool {
    matches!(operation, Operation::Unwrap | Operation::Reconstruct)
}

fn caller(id: &str, subject: OidcSubject) -> NamedCaller {
    NamedCaller {
        id: id.to_owned(),
        identity: CallerIdentity::Oidc(subject),
    }
}
