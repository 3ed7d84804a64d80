//! Reads conditions: objects of one member, whose name is the kind.

use super::Shape;
use super::node::{Node, Object};
use super::principals::issuer_role;
use crate::condition::{Condition, ManagerApproval, TimeWindow};
use crate::error::{Fault, PolicyError};
use crate::model::KeyPolicy;
use crate::mutability::OidcApproval;
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
        "manager_approval" => manager_approval(&inner.object(&Shape::MANAGER_APPROVAL)?),
        "all" => inner
            .each(|member| nested(&member, depth))
            .map(Condition::All),
        "any" => inner
            .each(|member| nested(&member, depth))
            .map(Condition::Any),
        "not" => nested(&inner, depth).map(|member| Condition::Not(Box::new(member))),
        // No other name passes the shape.
        _ => Err(inner.fault(Fault::UnknownMember)),
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

fn manager_approval(approval: &Object<'_>) -> Result<Condition, PolicyError> {
    let managers = approval.required("managers")?;
    let threshold = approval.optional("threshold").map(|node| node.number());
    let fresh_for = approval.optional("fresh_for").map(|node| node.number());
    Ok(Condition::ManagerApproval(ManagerApproval {
        managers: managers.each(|id| id.identity())?,
        threshold: threshold.transpose()?.unwrap_or(1),
        fresh_for: fresh_for.transpose()?.unwrap_or(ManagerApproval::FRESH_FOR),
        oidc: oidc_approval(approval)?,
    }))
}

/// The member `oidc`; left out, tokens do not count.
pub(super) fn oidc_approval(of: &Object<'_>) -> Result<OidcApproval, PolicyError> {
    of.optional("oidc")
        .map(|node| node.named("refused or allowed", OidcApproval::from_name))
        .transpose()
        .map(Option::unwrap_or_default)
}
