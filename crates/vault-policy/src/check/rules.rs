//! Names, references and bounds of rules.

use super::condition::Walk;
use super::{Checked, name};
use crate::error::Fault;
use crate::model::{KeyPolicy, PolicyFields, PrincipalName, Rule};
use std::collections::BTreeSet;

pub(super) fn rules(fields: &PolicyFields) -> Checked {
    let limit = KeyPolicy::MAX_RULES;
    if fields.operations.len() > limit {
        return Err(Fault::TooMany { limit }.at("operations"));
    }
    let mut taken = BTreeSet::new();
    let mut nodes = KeyPolicy::MAX_NODES;
    for (index, rule) in fields.operations.iter().enumerate() {
        let path = format!("operations[{index}]");
        name(&rule.name, &mut taken, &format!("{path}.name"))?;
        self::rule(fields, rule, &path)?;
        let mut walk = Walk {
            fields,
            nodes: &mut nodes,
        };
        let path = format!("{path}.condition");
        walk.condition(&rule.condition, KeyPolicy::MAX_DEPTH, false, &path)?;
    }
    Ok(())
}

fn rule(fields: &PolicyFields, rule: &Rule, path: &str) -> Checked {
    if rule.operations.is_empty() {
        return Err(Fault::Expected("at least one operation").at(format!("{path}.operations")));
    }
    if rule.principals.is_empty() {
        return Err(Fault::Expected("at least one principal").at(format!("{path}.principals")));
    }
    match rule
        .principals
        .iter()
        .find(|principal| !is_named(fields, principal))
    {
        None => Ok(()),
        Some(_) => Err(Fault::UnknownPrincipal.at(format!("{path}.principals"))),
    }
}

fn is_named(fields: &PolicyFields, principal: &PrincipalName) -> bool {
    match principal {
        PrincipalName::Any | PrincipalName::Owner => true,
        PrincipalName::Id(id) => {
            let principals = &fields.principals;
            principals.callers.iter().any(|caller| caller.id == *id)
                || principals.tees.iter().any(|profile| profile.name == *id)
                || principals.mtls.iter().any(|named| named.id == *id)
        }
    }
}
