//! Who may do an operation, and what it takes, in the names of rules and conditions that
//! refusals use.

use super::{rights, words};
use crate::model::{KeyPolicy, PolicyFields, PrincipalName};
use crate::operation::Operation;
use crate::usage::usage_allows;
use std::fmt;

/// Everything that a policy says of one operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The operation.
    pub operation: Operation,
    /// Whether the usage allows it at all.
    pub in_usage: bool,
    /// Whether the owner may by right, whatever the rules say.
    pub owner_by_right: bool,
    /// Who may, each proven alone: whoever proves more must meet what all of them must.
    pub grants: Vec<Grant>,
}

/// Somebody who may.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The name in rules.
    pub principal: PrincipalName,
    /// Who that is, in words.
    pub who: String,
    /// The rules that grant.
    pub rules: Vec<String>,
    /// What must hold.
    pub requires: Vec<Requirement>,
}

/// A condition that must hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requirement {
    /// The rule that asks for it, as in refusals; empty for the owner's second factor.
    pub rule: String,
    /// Where in its condition, as in refusals.
    pub condition: String,
    /// In words.
    pub text: String,
}

/// What the policy says of the operation.
pub fn explain(policy: &KeyPolicy, operation: Operation) -> Explanation {
    let fields = policy.fields();
    let named = rights::named(fields, operation).into_iter();
    Explanation {
        operation,
        in_usage: usage_allows(&fields.usage, operation),
        owner_by_right: matches!(operation, Operation::GetPublicKey | Operation::StageProfile),
        grants: named
            .filter_map(|name| grant(fields, operation, name))
            .collect(),
    }
}

fn grant(fields: &PolicyFields, operation: Operation, principal: PrincipalName) -> Option<Grant> {
    let matching = rights::rules(fields, operation, &principal)?;
    let mut requires = Vec::new();
    if principal == PrincipalName::Owner && fields.principals.owner.second_factor.is_some() {
        requires.push(Requirement {
            rule: String::new(),
            condition: "second_factor".to_owned(),
            text: "approval by the owner's second factor".to_owned(),
        });
    }
    for rule in &matching {
        rights::places(&rule.condition, String::new(), &mut |condition, path| {
            requires.push(Requirement {
                rule: rule.name.clone(),
                condition: path.to_owned(),
                text: words::condition(condition),
            });
        });
    }
    let granting = matching
        .iter()
        .filter(|rule| rule.principals.contains(&principal));
    Some(Grant {
        who: who(fields, &principal),
        rules: granting.map(|rule| rule.name.clone()).collect(),
        principal,
        requires,
    })
}

fn who(fields: &PolicyFields, name: &PrincipalName) -> String {
    let principals = &fields.principals;
    let id = match name {
        PrincipalName::Any => return "everybody".to_owned(),
        PrincipalName::Owner => {
            let owner = &principals.owner.subject;
            return format!("{} of {}", owner.subject, owner.issuer);
        }
        PrincipalName::Id(id) => id,
    };
    let callers = principals.callers.iter().filter(|caller| caller.id == *id);
    let mtls = principals.mtls.iter().filter(|named| named.id == *id);
    let tees = principals.tees.iter().filter(|tee| tee.name == *id);
    let who: Vec<String> = callers
        .map(|caller| words::caller(&caller.identity))
        .chain(mtls.map(|named| words::certificate(&named.identity)))
        .chain(tees.map(words::profile))
        .collect();
    who.join("; or ")
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.operation.name();
        if !self.in_usage {
            return writeln!(f, "{name}: the usage forbids it");
        }
        if self.owner_by_right {
            writeln!(f, "{name}: the owner may, whatever the rules say")?;
        }
        if self.grants.is_empty() && !self.owner_by_right {
            return writeln!(f, "{name}: no rule grants it to anybody");
        }
        self.grants
            .iter()
            .try_for_each(|grant| write!(f, "{name}: {grant}"))
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            principal,
            who,
            rules,
            requires,
        } = self;
        writeln!(
            f,
            "{} ({who}) by {}",
            principal.as_str(),
            words::names(rules)
        )?;
        for requirement in requires {
            let Requirement {
                rule,
                condition,
                text,
            } = requirement;
            let at = match rule.as_str() {
                "" => condition.clone(),
                rule => format!("rule \"{rule}\", {condition}"),
            };
            writeln!(f, "  takes {text} [{at}]")?;
        }
        Ok(())
    }
}
