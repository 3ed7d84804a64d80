//! The decision of docs/policy.md, read off the canonical text. Clear before fast.

pub mod approval;
pub mod change;
pub mod condition;
pub mod evidence;
pub mod lockout;
pub mod principal;
pub mod shape;

use crate::text::{member, members, named, string};
use principal::Who;
use vault_encoding::Canonical;
use vault_policy::{Facts, KeyType, SenderConstraint, VaultTime};

/// What is known of a statement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Value {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// Nobody can tell.
    Open,
}

/// The decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Allowed.
    Allow,
    /// No principal of the key is proven.
    Stranger,
    /// Only the owner may.
    NotOwner,
    /// Only a manager may.
    NotManager,
    /// No rule grants.
    NoRule,
    /// The owner, but without the second factor.
    SecondFactor,
    /// The first matching rule whose condition is not True: its name, where in its condition,
    /// and what that is.
    Condition(String, String, Value),
}

/// Everything that a decision looks at.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The policy in canonical form.
    pub policy: &'a Canonical,
    /// The facts.
    pub facts: &'a Facts,
    /// The time.
    pub now: VaultTime,
}

/// What is asked, by its name; `begins` names what an approval is begun for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ask<'a> {
    /// The name of the action.
    pub action: &'a str,
    /// The name of the action that an approval is begun for.
    pub begins: Option<&'a str>,
}

/// The whole decision.
pub fn decide(world: &World<'_>, ask: Ask<'_>) -> Decision {
    let who = Who::of(world);
    if !(who.owner || who.manager || who.auditor || who.named) {
        return Decision::Stranger;
    }
    match (ask.action, ask.begins) {
        ("begin_approval", Some(begun)) => begin(world, &who, begun),
        ("get_key", _) => only(who.owner || who.auditor || who.named, Decision::NotOwner),
        ("get_policy", _) => only(who.owner || who.auditor, Decision::NotOwner),
        ("list_profiles", _) => only(who.owner, Decision::NotOwner),
        ("issue_approval", _) => only(who.manager, Decision::NotManager),
        ("cancel_deletion", _) if who.manager => Decision::Allow,
        (
            "cancel_deletion" | "delete_key" | "update_policy" | "promote_profile"
            | "revoke_profile",
            _,
        ) => by_the_owner(&who),
        ("get_public_key", _) if who.owner => Decision::Allow,
        ("stage_profile", _) if who.owner && who.factor => Decision::Allow,
        ("stage_profile", _) if who.owner => match by_rules(world, &who, ask.action) {
            Decision::NoRule => Decision::SecondFactor,
            by_rules => by_rules,
        },
        (operation, _) => by_rules(world, &who, operation),
    }
}

fn only(allowed: bool, otherwise: Decision) -> Decision {
    if allowed { Decision::Allow } else { otherwise }
}

fn by_the_owner(who: &Who) -> Decision {
    match (who.owner, who.factor) {
        (false, _) => Decision::NotOwner,
        (true, false) => Decision::SecondFactor,
        (true, true) => Decision::Allow,
    }
}

/// An approval may be begun by whom conditions, approvals and second factor alone keep away.
fn begin(world: &World<'_>, who: &Who, begun: &str) -> Decision {
    match begun {
        "cancel_deletion" => only(who.owner || who.manager, Decision::NotOwner),
        "delete_key" | "update_policy" | "promote_profile" | "revoke_profile" => {
            only(who.owner, Decision::NotOwner)
        }
        "get_key" | "get_policy" | "list_profiles" | "issue_approval" | "begin_approval" => {
            Decision::NotOwner
        }
        "get_public_key" | "stage_profile" if who.owner => Decision::Allow,
        operation => {
            let granted = members(world.policy, "operations").iter().any(|rule| {
                lists(rule, operation)
                    && members(rule, "principals")
                        .iter()
                        .any(|name| principal::proven(world, string(name)))
            });
            only(granted, Decision::NoRule)
        }
    }
}

/// Whether a key of this type takes what these facts prove of the sender: the gate of
/// docs/policy.md for shares.
pub fn takes_sender(facts: &Facts, key_type: KeyType) -> bool {
    let plain_bearer = facts
        .token
        .iter()
        .any(|token| token.constraint == SenderConstraint::None);
    let nothing = facts.token.is_none() && facts.evidence.is_none();
    key_type.name() != "raw-share" || !(plain_bearer || nothing)
}

fn lists(rule: &Canonical, operation: &str) -> bool {
    members(rule, "operations")
        .iter()
        .any(|listed| string(listed) == operation)
}

fn by_rules(world: &World<'_>, who: &Who, operation: &str) -> Decision {
    let mut granted = false;
    let mut withheld = false;
    let mut unmet = None;
    for rule in members(world.policy, "operations") {
        if !lists(rule, operation) {
            continue;
        }
        let mut matches = false;
        for name in members(rule, "principals") {
            match string(name) {
                "any" => matches = true,
                "owner" if who.owner => {
                    matches = true;
                    granted |= who.factor;
                    withheld |= !who.factor;
                }
                id if principal::proven(world, id) => {
                    matches = true;
                    granted = true;
                }
                _ => {}
            }
        }
        let whole = member(rule, "condition");
        let value = condition::holds(world, whole);
        if matches && value != Value::Yes && unmet.is_none() {
            let path = condition::unmet(world, whole);
            let rule = named(rule, "name").to_owned();
            unmet = Some(Decision::Condition(rule, path, value));
        }
    }
    match (granted, withheld) {
        (true, _) => unmet.unwrap_or(Decision::Allow),
        (false, true) => Decision::SecondFactor,
        (false, false) => Decision::NoRule,
    }
}
