//! Reads policies: one reader for the canonical form and for what people write.
//!
//! It fills in defaults and takes numbers and booleans for their texts. The canonical form is
//! what such a document re-encodes to identically, so every member must stand in it.

mod condition;
mod node;
mod principals;
mod profile;
#[cfg(test)]
mod schema;
mod shape;

use shape::Shape;

use crate::error::{Fault, PolicyError};
use crate::model::{
    KeyPolicy, Lifecycle, Mutability, PolicyFields, PrincipalName, Recovery, Reserved, Rule, Usage,
};
use crate::operation::Operation;
use crate::write::{IMMUTABLE, NONE};
use node::Node;
use std::collections::BTreeSet;
use vault_encoding::Json;

pub(crate) fn canonical(bytes: &[u8]) -> Result<KeyPolicy, PolicyError> {
    let limits = KeyPolicy::limits();
    let json = Json::parse(bytes, limits).map_err(|error| Fault::Json(error).at(""))?;
    let policy = KeyPolicy::from_fields(document(&json)?)?;
    if policy.canonical_bytes() == bytes {
        Ok(policy)
    } else {
        Err(Fault::NotCanonical.at(""))
    }
}

pub(crate) fn document(json: &Json) -> Result<PolicyFields, PolicyError> {
    let policy = Node::root(json).object(&Shape::POLICY)?;
    let format = policy.required("format")?;
    if format.text()? != KeyPolicy::FORMAT {
        return Err(format.fault(Fault::UnknownFormat));
    }
    let principals = principals::principals(&policy.required("principals")?)?;
    let operations: Vec<Rule> = policy.required("operations")?.each(rule)?;
    let usage = usage(policy.optional("usage"), &operations)?;
    Ok(PolicyFields {
        principals,
        operations,
        usage,
        lifecycle: policy
            .optional("lifecycle")
            .map(lifecycle)
            .transpose()?
            .unwrap_or_default(),
        recovery: policy
            .optional("recovery")
            .map(recovery)
            .transpose()?
            .unwrap_or_default(),
        mutability: policy
            .optional("mutability")
            .map(mutability)
            .transpose()?
            .unwrap_or_default(),
    })
}

fn rule(node: Node<'_>) -> Result<Rule, PolicyError> {
    let rule = node.object(&Shape::RULE)?;
    Ok(Rule {
        name: rule.required("name")?.identity()?,
        operations: operations(&rule.required("operations")?)?,
        principals: rule
            .required("principals")?
            .each(|principal| principal.text().map(PrincipalName::from))?,
        condition: condition::condition(rule.optional("condition"))?,
    })
}

fn operations(node: &Node<'_>) -> Result<BTreeSet<Operation>, PolicyError> {
    node.each(|operation| operation.named("an operation", Operation::from_name))
}

/// Left out, it is what the rules name.
fn usage(node: Option<Node<'_>>, rules: &[Rule]) -> Result<Usage, PolicyError> {
    let named = || {
        rules
            .iter()
            .flat_map(|rule| rule.operations.iter().copied())
            .collect()
    };
    let Some(node) = node else {
        return Ok(Usage {
            operations: named(),
            export: Reserved,
        });
    };
    let usage = node.object(&Shape::USAGE)?;
    let operations = usage
        .optional("operations")
        .map(|node| operations(&node))
        .transpose()?;
    Ok(Usage {
        operations: operations.unwrap_or_else(named),
        export: reserved(usage.optional("export"), NONE)?,
    })
}

fn lifecycle(node: Node<'_>) -> Result<Lifecycle, PolicyError> {
    let lifecycle = node.object(&Shape::LIFECYCLE)?;
    let sealed_forever = lifecycle.optional("sealed_forever");
    Ok(Lifecycle {
        expires_at: reserved(lifecycle.optional("expires_at"), NONE)?,
        rotation_period: reserved(lifecycle.optional("rotation_period"), NONE)?,
        deletion_window: reserved(lifecycle.optional("deletion_window"), "0")?,
        usage_limit: reserved(lifecycle.optional("usage_limit"), NONE)?,
        sealed_forever: sealed_forever
            .map(|node| node.boolean())
            .transpose()?
            .unwrap_or(false),
    })
}

fn recovery(node: Node<'_>) -> Result<Recovery, PolicyError> {
    let recovery = node.object(&Shape::RECOVERY)?;
    Ok(Recovery {
        mode: reserved(recovery.optional("mode"), NONE)?,
        targets: empty(recovery.optional("targets"))?,
    })
}

fn mutability(node: Node<'_>) -> Result<Mutability, PolicyError> {
    let mutability = node.object(&Shape::MUTABILITY)?;
    for field in Mutability::FIELDS {
        reserved(mutability.optional(field), IMMUTABLE)?;
    }
    Ok(Mutability)
}

/// A scalar whose only enforced value is `default`.
fn reserved(node: Option<Node<'_>>, default: &str) -> Result<Reserved, PolicyError> {
    match node {
        Some(node) if node.scalar() != Some(default) => Err(node.fault(Fault::NotEnforced)),
        _ => Ok(Reserved),
    }
}

/// A list whose only enforced value is the empty one.
fn empty(node: Option<Node<'_>>) -> Result<Reserved, PolicyError> {
    match node {
        Some(node) if !node.is_empty_list() => Err(node.fault(Fault::NotEnforced)),
        _ => Ok(Reserved),
    }
}
