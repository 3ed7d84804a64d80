//! Reads who is named.

use super::Shape;
use super::node::{Node, Object};
use super::people::{certificate, person, second_factor};
use super::profile::profile;
use crate::error::{Fault, PolicyError};
use crate::model::{Owner, Principals};
use crate::principal::{CallerIdentity, IssuerRole, NamedCaller, OidcSubject};

pub(super) fn principals(node: &Node<'_>) -> Result<Principals, PolicyError> {
    let principals = node.object(&Shape::PRINCIPALS)?;
    Ok(Principals {
        owner: owner(&principals.required("owner")?)?,
        managers: list(&principals, "managers", person)?,
        auditors: list(&principals, "auditors", caller)?,
        callers: list(&principals, "callers", caller)?,
        tees: list(&principals, "tees", profile)?,
        mtls: list(&principals, "mtls", certificate)?,
    })
}

/// Left out, nobody.
fn list<'a, T>(
    principals: &Object<'a>,
    name: &str,
    read: impl Fn(Node<'a>) -> Result<T, PolicyError>,
) -> Result<Vec<T>, PolicyError> {
    let list = principals.optional(name);
    list.map_or(Ok(Vec::new()), |list| list.each(read))
}

fn owner(node: &Node<'_>) -> Result<Owner, PolicyError> {
    let owner = node.object(&Shape::OWNER)?;
    let subject = OidcSubject {
        issuer: owner.required("issuer")?.identity()?,
        subject: owner.required("subject")?.identity()?,
    };
    Ok(Owner {
        subject,
        second_factor: second_factor(owner.optional("second_factor"))?,
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

pub(super) fn oidc_subject(node: &Node<'_>) -> Result<OidcSubject, PolicyError> {
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
