//! Who somebody is, under one policy.

use super::evidence::fits;
use super::{Value, World, approval};
use crate::text::{choice, member, members, named, string};
use vault_encoding::Canonical;

/// What the facts of one call make of its caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Who {
    /// The token is the owner's.
    pub owner: bool,
    /// The owner has no second factor, or approved by it.
    pub factor: bool,
    /// The token is one of a manager's own.
    pub manager: bool,
    /// The token is an auditor's.
    pub auditor: bool,
    /// A rule names a principal that is proven.
    pub named: bool,
}

impl Who {
    /// Of the caller of this call.
    pub fn of(world: &World<'_>) -> Self {
        let principals = member(world.policy, "principals");
        let rules = members(world.policy, "operations");
        Self {
            owner: is_owner(world),
            factor: approval::by_second_factor(world),
            manager: members(principals, "managers")
                .iter()
                .any(|person| is_token_of(world, person)),
            auditor: members(principals, "auditors")
                .iter()
                .any(|auditor| is_caller(world, auditor)),
            named: rules
                .iter()
                .flat_map(|rule| members(rule, "principals"))
                .any(|name| proven(world, string(name))),
        }
    }
}

/// Whether the principal that rules name so is proven. `any` proves nothing.
pub fn proven(world: &World<'_>, name: &str) -> bool {
    let principals = member(world.policy, "principals");
    let is_named = |one: &&Canonical| named(one, "id") == name;
    match name {
        "any" => false,
        "owner" => is_owner(world),
        _ => {
            let callers = members(principals, "callers");
            let mtls = members(principals, "mtls");
            let tees = members(principals, "tees");
            callers
                .iter()
                .filter(is_named)
                .any(|one| is_caller(world, one))
                || mtls
                    .iter()
                    .filter(is_named)
                    .any(|one| is_certificate(world, one))
                || tees.iter().any(|profile| {
                    named(profile, "name") == name && fits(world, profile) == Value::Yes
                })
        }
    }
}

/// Whether the token is the owner's.
pub fn is_owner(world: &World<'_>) -> bool {
    let principals = member(world.policy, "principals");
    is_subject(world, member(principals, "owner"))
}

/// Whether the token is one of this person's own.
pub fn is_token_of(world: &World<'_>, person: &Canonical) -> bool {
    members(person, "credentials")
        .iter()
        .any(|credential| match choice(credential) {
            ("oidc", subject) => is_subject(world, subject),
            _ => false,
        })
}

fn is_caller(world: &World<'_>, caller: &Canonical) -> bool {
    match (caller.get("oidc"), caller.get("role")) {
        (Some(subject), _) => is_subject(world, subject),
        (None, Some(role)) => holds_role(world, role),
        (None, None) => false,
    }
}

fn is_subject(world: &World<'_>, subject: &Canonical) -> bool {
    world.facts.token.as_ref().is_some_and(|token| {
        token.issuer == named(subject, "issuer") && token.subject == named(subject, "subject")
    })
}

/// Whether the token is of this issuer and holds this role.
pub fn holds_role(world: &World<'_>, role: &Canonical) -> bool {
    world.facts.token.as_ref().is_some_and(|token| {
        token.issuer == named(role, "issuer") && token.roles.contains(named(role, "role"))
    })
}

/// The pinned key itself, or this name from a leaf below the pinned authority.
fn is_certificate(world: &World<'_>, mtls: &Canonical) -> bool {
    let Some(certificate) = &world.facts.certificate else {
        return false;
    };
    match (mtls.get("ca"), mtls.get("spki")) {
        (Some(ca), _) => {
            let known = |issuer: &vault_encoding::Hash| issuer.to_string() == named(ca, "spki");
            certificate.sans.contains(named(ca, "san")) && certificate.issuers.iter().any(known)
        }
        (None, Some(spki)) => certificate.spki.to_string() == string(spki),
        (None, None) => false,
    }
}
