//! `policy explain`

use crate::cli::PolicyExplain;
use crate::context::usage;
use crate::output::{Human, Output};
use crate::policy_source;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use vault_client::Result;
use vault_policy::{Explanation, Grant, KeyPolicy, Operation, explain};

pub(crate) fn run(args: PolicyExplain) -> Result<Output> {
    let policy = policy_source::read(&args.file)?;
    let operations = match args.operation.as_deref() {
        Some(name) => BTreeSet::from([operation(name)?]),
        None => named(&policy),
    };
    let all: Vec<_> = operations
        .into_iter()
        .map(|operation| explain(&policy, operation))
        .collect();
    let json = json!({
        "policy_hash": policy.hash().to_string(),
        "operations": all.iter().map(explanation_json).collect::<Vec<_>>(),
    });
    let text: Vec<_> = all.iter().map(in_words).collect();
    Ok(Output::new(json, Human::Text(text.join("\n"))))
}

pub(super) fn operation(name: &str) -> Result<Operation> {
    Operation::from_name(name).ok_or_else(|| {
        let names = Operation::ALL.map(Operation::name).join(", ");
        usage(format_args!("no operation `{name}`; there are {names}"))
    })
}

fn named(policy: &KeyPolicy) -> BTreeSet<Operation> {
    let rules = policy.fields().operations.iter();
    let mut all = policy.usage().operations.clone();
    all.extend(rules.flat_map(|rule| rule.operations.iter().copied()));
    all
}

fn explanation_json(explanation: &Explanation) -> Value {
    json!({
        "operation": explanation.operation.name(),
        "in_usage": explanation.in_usage,
        "owner_by_right": explanation.owner_by_right,
        "grants": explanation.grants.iter().map(grant_json).collect::<Vec<_>>(),
    })
}

fn grant_json(grant: &Grant) -> Value {
    let requires = grant.requires.iter().map(|requirement| {
        json!({
            "rule": requirement.rule,
            "condition": requirement.condition,
            "text": requirement.text,
        })
    });
    json!({
        "principal": grant.principal.as_str(),
        "who": grant.who,
        "rules": grant.rules,
        "requires": requires.collect::<Vec<_>>(),
    })
}

fn in_words(explanation: &Explanation) -> String {
    let mut text = explanation.operation.name().to_owned();
    if !explanation.in_usage {
        text.push_str(" (the key's usage does not have it: always refused)");
    }
    if explanation.owner_by_right {
        text.push_str("\n  owner, by right");
    }
    if explanation.grants.is_empty() && !explanation.owner_by_right {
        text.push_str("\n  nobody");
    }
    for grant in &explanation.grants {
        let rules = grant.rules.join("\", \"");
        let _ = write!(
            text,
            "\n  {} ({}) by rule \"{rules}\"",
            grant.principal.as_str(),
            grant.who
        );
        for requirement in &grant.requires {
            let at = match requirement.rule.as_str() {
                "" => requirement.condition.clone(),
                rule => format!("rule \"{rule}\", {}", requirement.condition),
            };
            let _ = write!(text, "\n    needs {} [{at}]", requirement.text);
        }
    }
    text
}
