//! Reads conditions: objects of one member, whose name is the kind.

use super::Shape;
use super::node::{Node, Object};
use super::principals::issuer_role;
use crate::condition::{Condition, TimeWindow};
use crate::error::{Fault, PolicyError};
use crate::model::KeyPolicy;
use crate::time::UnixSeconds;

/// Left out, it always holds.
pub(super) fn condition(node: Option<Node<'_>>) -> Result<Condition, PolicyError> {
    node.map_or(Ok(Condition::always()), |node| {
        nested(&node, KeyPolicy::MAX_DEPTH)
    })
}

/// `depth` bounds the recursion, whatever the document is.
fn nested(node: &Node<'_>, depth: usize) -> Result<Condition, PolicyError> {
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| node.fault(Fault::TooDeep))?;
    let object = node.object(&Shape::CONDITION)?;
    let mut names = object.names();
    let (Some(kind), None) = (names.next(), names.next()) else {
        return Err(node.fault(Fault::Expected("one condition: an object of one member")));
    };
    let inner = object.required(kind)?;
    match kind {
        "attestation_matches" => {
            let matches = inner.object(&Shape::ATTESTATION_MATCHES)?;
            Ok(Condition::AttestationMatches(
                matches.required("profile")?.identity()?,
            ))
        }
        "time_window" => time_window(&inner.object(&Shape::TIME_WINDOW)?),
        "caller_holds_role" => issuer_role(&inner).map(Condition::CallerHoldsRole),
        "all" => inner
            .each(|member| nested(&member, depth))
            .map(Condition::All),
        "any" => inner
            .each(|member| nested(&member, depth))
            .map(Condition::Any),
        "not" => nested(&inner, depth).map(|member| Condition::Not(Box::new(member))),
        _ => Err(inner.fault(Fault::NotEnforced)),
    }
}

fn time_window(window: &Object<'_>) -> Result<Condition, PolicyError> {
    let bound = |name| {
        window
            .given(name)
            .map(|node| node.number().map(UnixSeconds))
            .transpose()
    };
    Ok(Condition::TimeWindow(TimeWindow {
        from: bound("from")?,
        until: bound("until")?,
    }))
}
