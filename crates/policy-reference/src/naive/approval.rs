//! Whose approvals count.

use super::principal::{is_owner, is_token_of};
use super::{Value, World};
use crate::text::{choice, member, members, named, number, string};
use vault_encoding::{Canonical, text};
use vault_policy::{Approved, Approver, VaultTime};

/// The condition: so many distinct listed persons approved freshly.
pub fn manager_approval(world: &World<'_>, condition: &Canonical) -> Value {
    let threshold = number(condition, "threshold").unwrap_or(u64::MAX);
    let (surely, perhaps) = counted(world, condition);
    if surely >= threshold {
        Value::Yes
    } else if perhaps >= threshold {
        Value::Open
    } else {
        Value::No
    }
}

/// How many persons count, and how many would if what is not known of the time were in favour.
pub fn counted(world: &World<'_>, condition: &Canonical) -> (u64, u64) {
    let fresh_for = number(condition, "fresh_for").unwrap_or(0);
    let listed = members(condition, "managers");
    let oidc = named(condition, "oidc") == "allowed";
    let is_listed = |id: &str| listed.iter().any(|each| string(each) == id);
    let fresh = |approval: &Approved, unknown: bool| match (world.now, approval.begun) {
        (VaultTime::Known { hi: now, .. }, VaultTime::Known { hi: begun, .. }) => {
            now.0.saturating_sub(begun.0) <= fresh_for
        }
        _ => unknown,
    };
    let surely = persons(world, oidc, is_listed, |approval| fresh(approval, false));
    let perhaps = persons(world, oidc, is_listed, |approval| fresh(approval, true));
    (surely, perhaps)
}

/// How many managers of the policy approved, whenever that was: what a quorum counts.
pub fn quorum(world: &World<'_>, oidc: bool) -> u64 {
    persons(world, oidc, |_| true, |_| true)
}

/// How many distinct persons, of those who are listed and did not ask themselves, gave an
/// approval that passes.
fn persons(
    world: &World<'_>,
    oidc: bool,
    listed: impl Fn(&str) -> bool,
    passes: impl Fn(&Approved) -> bool,
) -> u64 {
    let mut count = 0;
    for person in members(member(world.policy, "principals"), "managers") {
        let approved = world
            .facts
            .approvals
            .iter()
            .any(|approval| passes(approval) && is_by(approval, person, oidc));
        if approved && listed(named(person, "id")) && !is_requester(world, person) {
            count += 1;
        }
    }
    count
}

/// Whether a credential of this person gave the approval.
fn is_by(approval: &Approved, person: &Canonical, oidc: bool) -> bool {
    members(person, "credentials").iter().any(|credential| {
        match (choice(credential), &approval.by) {
            (("oidc", subject), Approver::Oidc(by)) => {
                oidc && by.issuer == named(subject, "issuer")
                    && by.subject == named(subject, "subject")
            }
            (("fido2", key), _) => is_key(approval, key),
            _ => false,
        }
    })
}

fn is_key(approval: &Approved, key: &Canonical) -> bool {
    match &approval.by {
        Approver::Fido2 {
            credential_id,
            public_key,
        } => {
            text::base64url(credential_id) == named(key, "credential_id")
                && text::base64url(public_key) == named(key, "public_key")
        }
        Approver::Oidc(_) => false,
    }
}

/// Whether the call is this person's own: by their token, or because the owner calls and one of
/// their credentials is the owner's.
fn is_requester(world: &World<'_>, person: &Canonical) -> bool {
    let owner = member(member(world.policy, "principals"), "owner");
    let credentials = members(person, "credentials");
    is_token_of(world, person)
        || (is_owner(world)
            && credentials
                .iter()
                .any(|one| is_owners_credential(owner, one)))
}

/// Whether this is the owner's subject, or the second factor by its id or its key.
pub fn is_owners_credential(owner: &Canonical, credential: &Canonical) -> bool {
    let factor = member(member(owner, "second_factor"), "fido2");
    let is = |other: &Canonical, of: &Canonical, name| named(other, name) == named(of, name);
    match choice(credential) {
        ("oidc", subject) => is(subject, owner, "issuer") && is(subject, owner, "subject"),
        (_, key) => {
            factor.get("credential_id").is_some()
                && (is(key, factor, "credential_id") || is(key, factor, "public_key"))
        }
    }
}

/// The owner's second factor; nothing where there is none.
fn second_factor<'a>(world: &World<'a>) -> &'a Canonical {
    let owner = member(member(world.policy, "principals"), "owner");
    member(member(owner, "second_factor"), "fido2")
}

/// Whether the owner needs no second factor, or approved by it.
pub fn by_second_factor(world: &World<'_>) -> bool {
    let factor = second_factor(world);
    factor.get("credential_id").is_none()
        || world
            .facts
            .approvals
            .iter()
            .any(|approval| is_key(approval, factor))
}
