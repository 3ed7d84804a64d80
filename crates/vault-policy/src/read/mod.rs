//! Reads policies: one reader for the canonical form and for what people write.
//!
//! It fills in defaults and takes numbers and booleans for their texts. The canonical form is
//! what such a document re-encodes to identically, so every member must stand in it.

mod condition;
mod mutability;
mod node;
mod people;
mod principals;
mod profile;
#[cfg(test)]
mod schema;
mod shape;

use shape::Shape;

use crate::error::{Fault, PolicyError};
use crate::model::{
    KeyPolicy, Lifecycle, PolicyFields, PrincipalName, Recovery, Reserved, Rule, Usage,
};
use crate::operation::Operation;
use crate::principal::{Credential, Person};
use crate::profile::AttestationProfile;
use crate::write::NONE;
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

/// A manager who stands alone.
pub(crate) fn person(json: &Json) -> Result<Person, PolicyError> {
    people::person(Node::root(json))
}

/// A credential that stands alone.
pub(crate) fn credential(json: &Json) -> Result<Credential, PolicyError> {
    people::credential(Node::root(json))
}

/// A profile that stands alone, as one is staged.
pub(crate) fn profile(json: &Json) -> Result<AttestationProfile, PolicyError> {
    let profile = profile::profile(Node::root(json))?;
    crate::check::profile_alone(&profile)?;
    Ok(profile)
}

pub(crate) fn canonical_profile(bytes: &[u8]) -> Result<AttestationProfile, PolicyError> {
    let limits = KeyPolicy::limits();
    let json = Json::parse(bytes, limits).map_err(|error| Fault::Json(error).at(""))?;
    let profile = profile(&json)?;
    if profile.canonical_bytes() == bytes {
        Ok(profile)
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
    let mutability =
        mutability::mutability(policy.optional("mutability"), &principals, &operations)?;
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
        mutability,
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

/// Left out, it is what the rules name and a key is used for.
fn usage(node: Option<Node<'_>>, rules: &[Rule]) -> Result<Usage, PolicyError> {
    let named = || {
        rules
            .iter()
            .flat_map(|rule| rule.operations.iter().copied())
            .filter(|operation| Operation::USES.contains(operation))
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
        .map(|node| node.each(|item| item.named("an operation that uses a key", used)))
        .transpose()?;
    Ok(Usage {
        operations: operations.unwrap_or_else(named),
        export: reserved(usage.optional("export"), NONE)?,
    })
}

fn used(name: &str) -> Option<Operation> {
    Operation::USES
        .into_iter()
        .find(|known| known.name() == name)
}

fn lifecycle(node: Node<'_>) -> Result<Lifecycle, PolicyError> {
    let lifecycle = node.object(&Shape::LIFECYCLE)?;
    let sealed_forever = lifecycle.optional("sealed_forever");
    let deletion_window = lifecycle.optional("deletion_window");
    let deletion_window = deletion_window.map(|node| node.number());
    Ok(Lifecycle {
        expires_at: reserved(lifecycle.optional("expires_at"), NONE)?,
        rotation_period: reserved(lifecycle.optional("rotation_period"), NONE)?,
        deletion_window: deletion_window.transpose()?.unwrap_or(0),
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
