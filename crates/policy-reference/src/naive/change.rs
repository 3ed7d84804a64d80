//! Whether a policy may become another one, judged by the old one.

use super::principal::Who;
use super::{World, approval};
use crate::text::{choice, items, member, members, named, number};
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::Canonical;

/// Every field, and where it stands.
pub const FIELDS: [&str; 17] = [
    "lifecycle.deletion_window",
    "lifecycle.expires_at",
    "lifecycle.rotation_period",
    "lifecycle.sealed_forever",
    "lifecycle.usage_limit",
    "mutability",
    "operations",
    "principals.auditors",
    "principals.callers",
    "principals.managers",
    "principals.mtls",
    "principals.owner",
    "principals.tees",
    "recovery.mode",
    "recovery.targets",
    "usage.export",
    "usage.operations",
];

/// Who may change a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// The owner.
    Owner,
    /// The owner, and so many managers; by OIDC too, or only by FIDO2.
    Quorum {
        /// How many.
        threshold: u64,
        /// Whether approvals by OIDC count.
        oidc: bool,
    },
    /// Nobody.
    Immutable,
}

/// What a change takes beside the owner: so many managers, none at 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Need {
    /// How many.
    pub threshold: u64,
    /// Whether approvals by OIDC count.
    pub oidc: bool,
}

/// Why not: code and field. Every reason that applies.
pub type Refusals = BTreeSet<(&'static str, String)>;

/// What it takes to put `new` in the place of `old`.
pub fn required(old: &Canonical, new: &Canonical) -> Result<Need, Refusals> {
    let mut refusals = Refusals::new();
    let mut need = Need {
        threshold: 0,
        oidc: true,
    };
    if old == new {
        refusals.insert(("no_change", String::new()));
    }
    for name in FIELDS {
        if field(old, name) != field(new, name) {
            join(&mut need, level(old, name), name, &mut refusals);
        }
    }
    let less = !reaches(promotion(old), promotion(new));
    let known = items(field(old, "principals.managers"));
    let mut persons = items(field(new, "principals.managers")).iter();
    let others = persons.any(|one| !known.contains(one)) && promotion(old) != Level::Immutable;
    if less || others || takes_promotion(old, new) || moves_a_name(old, new) {
        join(&mut need, promotion(old), "principals.tees", &mut refusals);
    }
    refusals.extend(one_way(old, new));
    if refusals.is_empty() {
        Ok(need)
    } else {
        Err(refusals)
    }
}

/// Whether these facts are enough; the world is that of the old policy. What cannot be taken is
/// refused whoever asks.
pub fn judge(world: &World<'_>, new: &Canonical) -> Result<(), Refusals> {
    enough(world, required(world.policy, new)?)
}

/// The policy with one more profile.
pub fn promote(world: &World<'_>, profile: &Canonical) -> Result<Canonical, Refusals> {
    let tees = field(world.policy, "principals.tees");
    let mut refusals = Refusals::new();
    let mut need = Need {
        threshold: 0,
        oidc: true,
    };
    if items(tees).contains(profile) {
        refusals.insert(("no_change", String::new()));
    }
    let level = promotion(world.policy);
    join(&mut need, level, "principals.tees", &mut refusals);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    enough(world, need)?;
    Ok(promoted(world.policy, profile))
}

/// The policy with one more profile, whoever asks.
pub fn promoted(policy: &Canonical, profile: &Canonical) -> Canonical {
    let tees = items(field(policy, "principals.tees")).iter();
    let tees = Canonical::set(tees.chain([profile]).cloned());
    with(policy, "principals.tees", tees)
}

/// Whether it is the owner who asks, by the second factor too, and so many managers approved.
fn enough(world: &World<'_>, need: Need) -> Result<(), Refusals> {
    let who = Who::of(world);
    let code = if !who.owner {
        "not_owner"
    } else if !who.factor {
        "second_factor"
    } else if approval::quorum(world, need.oidc) < need.threshold {
        "approval_missing"
    } else {
        return Ok(());
    };
    Err(Refusals::from([(code, String::new())]))
}

fn join(need: &mut Need, level: Level, field: &str, refusals: &mut Refusals) {
    match level {
        Level::Owner => {}
        Level::Quorum { threshold, oidc } => {
            need.threshold = need.threshold.max(threshold);
            need.oidc &= oidc;
        }
        Level::Immutable => {
            refusals.insert(("immutable", field.to_owned()));
        }
    }
}

/// The value of a field.
pub fn field<'a>(policy: &'a Canonical, name: &str) -> &'a Canonical {
    match name.split_once('.') {
        Some((surface, name)) => member(member(policy, surface), name),
        None => member(policy, name),
    }
}

/// The policy with another value of a field.
pub fn with(policy: &Canonical, name: &str, value: Canonical) -> Canonical {
    let mut policy = policy.clone();
    if let Canonical::Map(surfaces) = &mut policy {
        match name.split_once('.') {
            None => {
                surfaces.insert(name.to_owned(), value);
            }
            Some((surface, name)) => {
                if let Some(Canonical::Map(fields)) = surfaces.get_mut(surface) {
                    fields.insert(name.to_owned(), value);
                }
            }
        }
    }
    policy
}

/// The policy with another level for a field.
pub fn with_level(policy: &Canonical, name: &str, level: Canonical) -> Canonical {
    match member(policy, "mutability").clone() {
        Canonical::Map(mut levels) => {
            levels.insert(name.to_owned(), level);
            with(policy, "mutability", Canonical::Map(levels))
        }
        _ => policy.clone(),
    }
}

/// The level of a field.
pub fn level(policy: &Canonical, name: &str) -> Level {
    read_level(member(member(policy, "mutability"), name))
}

fn read_level(level: &Canonical) -> Level {
    match (level.as_text(), level.get("quorum")) {
        (Some("owner"), _) => Level::Owner,
        (None, Some(quorum)) => Level::Quorum {
            threshold: number(quorum, "threshold").unwrap_or(u64::MAX),
            oidc: named(quorum, "oidc") == "allowed",
        },
        _ => Level::Immutable,
    }
}

/// Who may let a new measurement in.
pub fn promotion(policy: &Canonical) -> Level {
    let level = level(policy, "principals.tees");
    let managers = !items(field(policy, "principals.managers")).is_empty();
    let highest = highest_threshold(policy).max(1);
    match (level, managers) {
        (Level::Owner, true) => Level::Quorum {
            threshold: highest,
            oidc: false,
        },
        (Level::Quorum { threshold, oidc }, _) => Level::Quorum {
            threshold: threshold.max(highest),
            oidc,
        },
        (level, _) => level,
    }
}

/// The highest threshold of a `manager_approval`; 0 without one.
pub fn highest_threshold(policy: &Canonical) -> u64 {
    let rules = members(policy, "operations").iter();
    let mut parts = rules.flat_map(|rule| parts(member(rule, "condition")));
    let mut highest = 0;
    for part in &mut parts {
        if let ("manager_approval", inner) = choice(part) {
            highest = highest.max(number(inner, "threshold").unwrap_or(u64::MAX));
        }
    }
    highest
}

/// A condition and everything below it.
pub fn parts(condition: &Canonical) -> Vec<&Canonical> {
    let mut all = vec![condition];
    match choice(condition) {
        ("all" | "any", inner) => all.extend(items(inner).iter().flat_map(parts)),
        ("not", inner) => all.extend(parts(inner)),
        _ => {}
    }
    all
}

/// A rule that looks at evidence may go, or change, only by whom a new measurement may come.
fn takes_promotion(old: &Canonical, new: &Canonical) -> bool {
    let kept = members(new, "operations");
    members(old, "operations").iter().any(|rule| {
        let attests = parts(member(rule, "condition"))
            .iter()
            .any(|part| choice(part).0 == "attestation_matches");
        attests && !kept.contains(rule)
    })
}

/// A name that stood for measurements stands for a person or a host.
fn moves_a_name(old: &Canonical, new: &Canonical) -> bool {
    let measured = items(field(old, "principals.tees")).iter();
    let measured: Vec<_> = measured.map(|profile| named(profile, "name")).collect();
    ["principals.callers", "principals.mtls"]
        .iter()
        .any(|list| {
            let mut taken = items(field(new, list)).iter();
            taken.any(|one| measured.contains(&named(one, "id")))
        })
}

/// What only ever goes one way, whoever asks.
pub fn one_way(old: &Canonical, new: &Canonical) -> Refusals {
    let mut refusals = Refusals::new();
    let had = items(field(old, "principals.tees"));
    let has = items(field(new, "principals.tees"));
    for profile in has.iter().filter(|profile| !had.contains(profile)) {
        let edited = had
            .iter()
            .any(|before| named(before, "name") == named(profile, "name") && !has.contains(before));
        let code = if edited {
            "profile_changed"
        } else {
            "profile_added"
        };
        refusals.insert((code, "principals.tees".into()));
    }
    let bound = items(field(old, "usage.operations"));
    let wants = items(field(new, "usage.operations"));
    if wants.iter().any(|operation| !bound.contains(operation)) {
        refusals.insert(("usage_widened", "usage.operations".into()));
    }
    let window = |policy| number(member(policy, "lifecycle"), "deletion_window").unwrap_or(0);
    if window(new) < window(old) {
        refusals.insert(("window_shortened", "lifecycle.deletion_window".into()));
    }
    let sealed = |policy| named(member(policy, "lifecycle"), "sealed_forever") == "true";
    if sealed(old) && !sealed(new) {
        refusals.insert(("unsealed", "lifecycle.sealed_forever".into()));
    }
    let lowered = FIELDS
        .iter()
        .any(|name| !reaches(level(old, name), level(new, name)));
    if lowered {
        refusals.insert(("mutability_lowered", "mutability".into()));
    }
    refusals
}

/// Whether the second level asks for no less than the first.
fn reaches(before: Level, after: Level) -> bool {
    match (before, after) {
        (Level::Owner, _) | (_, Level::Immutable) => true,
        (
            Level::Quorum { threshold: t, oidc },
            Level::Quorum {
                threshold,
                oidc: later,
            },
        ) => t <= threshold && (oidc || !later),
        (Level::Quorum { .. } | Level::Immutable, _) => false,
    }
}

/// The levels that a document is given where it says nothing.
pub fn default_levels(policy: &Canonical) -> BTreeMap<&'static str, Level> {
    let managers = !items(field(policy, "principals.managers")).is_empty();
    let threshold = highest_threshold(policy).max(1);
    FIELDS
        .into_iter()
        .map(|name| {
            let level = match (name, managers) {
                ("principals.owner" | "mutability", _) => Level::Immutable,
                (_, false) => Level::Owner,
                (_, true) => Level::Quorum {
                    threshold,
                    oidc: false,
                },
            };
            (name, level)
        })
        .collect()
}
