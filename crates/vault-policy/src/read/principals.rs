//! Reads who is named.

use super::node::Node;
use super::profile::profile;
use super::{Shape, empty, reserved};
use crate::error::{Fault, PolicyError};
use crate::model::{Owner, Principals};
use crate::principal::{CallerIdentity, IssuerRole, NamedCaller, OidcSubject};
use crate::write::NONE;

pub(super) fn principals(node: &Node<'_>) -> Result<Principals, PolicyError> {
    let principals = node.object(&Shape::PRINCIPALS)?;
    let callers = principals.optional("callers").map(|list| list.each(caller));
    let tees = principals.optional("tees").map(|list| list.each(profile));
    Ok(Principals {
        owner: owner(&principals.required("owner")?)?,
        managers: empty(principals.optional("managers"))?,
        auditors: empty(principals.optional("auditors"))?,
        callers: callers.transpose()?.unwrap_or_default(),
        tees: tees.transpose()?.unwrap_or_default(),
        mtls: empty(principals.optional("mtls"))?,
    })
}

fn owner(node: &Node<'_>) -> Result<Owner, PolicyError> {
    let owner = node.object(&Shape::OWNER)?;
    let subject = OidcSubject {
        issuer: owner.required("issuer")?.identity()?,
        subject: owner.required("subject")?.identity()?,
    };
    Ok(Owner {
        subject,
        second_factor: reserved(owner.optional("second_factor"), NONE)?,
    })
}

fn caller(node: Node<'_>) -> Result<NamedCaller, PolicyError> {
    let caller = node.object(&Shape::CALLER)?;
    let identity = match (caller.optional("oidc"), caller.optional("role")) {
        (Some(oidc), None) => CallerIdentity::Oidc(oidc_subject(&oidc)?),
        (None, Some(role)) => CallerIdentity::Role(issuer_role(&role)?),
        _ => return Err(node.fault(Fault::Expected("exactly one of oidc, role"))),
    };
    Ok(NamedCaller {
        id: caller.required("id")?.identity()?,
        identity,
    })
}

fn oidc_subject(node: &Node<'_>) -> Result<OidcSubject, PolicyError> {
    let oidc = node.object(&Shape::OIDC)?;
    Ok(OidcSubject {
        issuer: oidc.required("issuer")?.identity()?,
        subject: oidc.required("subject")?.identity()?,
    })
}

pub(super) fn issuer_role(node: &Node<'_>) -> Result<IssuerRole, PolicyError> {
    let role = node.object(&Shape::ROLE)?;
    Ok(IssuerRole {
        issuer: role.required("issuer")?.identity()?,
        role: role.required("role")?.identity()?,
    })
}
