//! Reads who may change what.

use super::Shape;
use super::condition::oidc_approval;
use super::node::Node;
use crate::error::{Fault, PolicyError};
use crate::model::{Principals, Rule};
use crate::mutability::{Field, Level, Mutability, Quorum};
use crate::write::{IMMUTABLE, OWNER};

/// Fields that are left out are as if nothing was said of any.
pub(super) fn mutability(
    node: Option<Node<'_>>,
    principals: &Principals,
    rules: &[Rule],
) -> Result<Mutability, PolicyError> {
    let mut levels = Mutability::default_of(principals, rules);
    let Some(node) = node else {
        return Ok(levels);
    };
    let object = node.object(&Shape::MUTABILITY)?;
    for field in Field::ALL {
        if let Some(node) = object.optional(field.name()) {
            levels.set(field, level(&node)?);
        }
    }
    Ok(levels)
}

fn level(node: &Node<'_>) -> Result<Level, PolicyError> {
    const EXPECTED: &str = "owner, immutable or an object with quorum";
    match node.scalar() {
        Some(OWNER) => Ok(Level::Owner),
        Some(IMMUTABLE) => Ok(Level::Immutable),
        Some(_) => Err(node.fault(Fault::Expected(EXPECTED))),
        None => quorum(node).map(Level::Quorum),
    }
}

fn quorum(node: &Node<'_>) -> Result<Quorum, PolicyError> {
    let level = node.object(&Shape::LEVEL)?;
    let quorum = level.required("quorum")?.object(&Shape::QUORUM)?;
    Ok(Quorum {
        threshold: quorum.required("threshold")?.number()?,
        oidc: oidc_approval(&quorum)?,
    })
}
