//! Policies that may not be well formed, and documents that leave things out.

use super::edit::edited;
use super::universe::{CALLERS, HOSTS, PERSONS, fido2};
use crate::naive::change::{FIELDS, default_levels, field, with, with_level};
use crate::naive::shape::{default_of, default_usage, written};
use crate::rng::Seeded;
use crate::text::{choice, items, member};
use std::collections::BTreeMap;
use vault_encoding::Canonical;

/// The policy after an edit, or with something wrong in it.
pub(super) fn flawed(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    match rng.below(12) {
        0..=3 => edited(rng, policy),
        4 => renamed(rng, policy),
        5 => misnamed(rng, policy),
        6..=7 => shared(rng, policy),
        8..=9 => lowered(rng, policy),
        10 => {
            let level = Canonical::text("owner");
            with_level(policy, "principals.owner", level)
        }
        _ => with(policy, "principals.managers", Canonical::list([])),
    }
}

/// Somebody gets a name that may be taken.
fn renamed(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let surface = rng.pick(&[
        "principals.auditors",
        "principals.callers",
        "principals.managers",
        "principals.mtls",
        "principals.tees",
        "operations",
    ]);
    let taken = [
        &["owner", "any", "app", "rule 0"],
        &CALLERS[..],
        &PERSONS[..2],
    ]
    .concat();
    let name = Canonical::text(rng.pick(&taken));
    let key = match surface {
        "principals.tees" | "operations" => "name",
        _ => "id",
    };
    touch(rng, policy, surface, |_, one| set(one, key, name))
}

/// A rule names who may not be there.
fn misnamed(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let all = [&CALLERS[..], &HOSTS, &PERSONS, &["app", "audit"]].concat();
    let name = rng.pick(&all);
    touch(rng, policy, "operations", |rng, rule| {
        let listed = || Canonical::list([Canonical::text(name)]);
        match rng.below(3) {
            0 => set(rule, "principals", listed()),
            1 => {
                let inner = Canonical::map([("profile", Canonical::text(name))]);
                let condition = Canonical::map([("attestation_matches", inner)]);
                set(rule, "condition", condition)
            }
            _ => {
                let inner = Canonical::map([
                    ("fresh_for", Canonical::text("300")),
                    ("managers", listed()),
                    ("oidc", Canonical::text("allowed")),
                    ("threshold", Canonical::text("1")),
                ]);
                let approval = Canonical::map([("manager_approval", inner)]);
                let all = Canonical::map([("all", Canonical::list([approval]))]);
                set(rule, "condition", all)
            }
        }
    })
}

/// A person gets a credential that may be another's, or half of it.
fn shared(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let persons = items(field(policy, "principals.managers")).to_vec();
    let from = persons.get(rng.below(persons.len() as u64) as usize);
    let theirs = from.map_or(&[][..], |one| items(member(one, "credentials")));
    let credential = match theirs.first() {
        Some(one) if rng.chance(50) || choice(one).0 == "oidc" => one.clone(),
        _ => fido2(rng.below(6) as usize, rng.below(6) as usize),
    };
    touch(rng, policy, "principals.managers", |_, one| {
        let mut all = items(member(one, "credentials")).to_vec();
        all.push(credential);
        set(one, "credentials", Canonical::set(all))
    })
}

/// A field gets a quorum that may be too small, or of nobody.
fn lowered(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let quorum = Canonical::map([
        ("oidc", Canonical::text("allowed")),
        ("threshold", Canonical::text(rng.pick(&[1, 1, 2]))),
    ]);
    let name = rng.pick(&FIELDS);
    with_level(policy, name, Canonical::map([("quorum", quorum)]))
}

/// The policy with one member of a list changed.
fn touch(
    rng: &mut Seeded,
    policy: &Canonical,
    surface: &str,
    change: impl FnOnce(&mut Seeded, &Canonical) -> Canonical,
) -> Canonical {
    let mut all = items(field(policy, surface)).to_vec();
    if let Some(one) = all.get_mut(rng.below(items(field(policy, surface)).len() as u64) as usize) {
        *one = change(rng, one);
    }
    with(policy, surface, Canonical::set(all))
}

fn set(object: &Canonical, name: &str, value: Canonical) -> Canonical {
    match object.clone() {
        Canonical::Map(mut members) => {
            members.insert(name.to_owned(), value);
            Canonical::Map(members)
        }
        other => other,
    }
}

/// A document that leaves out some of what has a default, and the policy that it means.
pub(super) fn document(rng: &mut Seeded, policy: &Canonical) -> (Canonical, Canonical) {
    let mut means = policy.clone();
    let mut says = policy.clone();
    if rng.chance(30) {
        means = with(&means, "usage.operations", default_usage(policy));
        let usage = without(member(&says, "usage"), "operations");
        says = with(&says, "usage", usage);
    }
    let unsaid = rng.some(&FIELDS, 50);
    let levels = |policy: &Canonical, change: &dyn Fn(&mut BTreeMap<String, Canonical>)| {
        let mut levels = match member(policy, "mutability") {
            Canonical::Map(levels) => levels.clone(),
            Canonical::Text(_) | Canonical::List(_) => BTreeMap::new(),
        };
        change(&mut levels);
        with(policy, "mutability", Canonical::Map(levels))
    };
    let usual = default_levels(policy);
    means = levels(&means, &|levels| {
        let usual = usual.iter().filter(|(name, _)| unsaid.contains(*name));
        levels.extend(usual.map(|(name, level)| ((*name).to_owned(), written(*level))));
    });
    says = levels(&says, &|levels| {
        levels.retain(|name, _| !unsaid.contains(&name.as_str()))
    });
    (terse(rng, &says), means)
}

fn without(object: &Canonical, name: &str) -> Canonical {
    match object.clone() {
        Canonical::Map(mut members) => {
            members.remove(name);
            Canonical::Map(members)
        }
        other => other,
    }
}

/// Members that have their defaults are left out, each with a chance.
fn terse(rng: &mut Seeded, value: &Canonical) -> Canonical {
    match value {
        Canonical::Text(_) => value.clone(),
        Canonical::List(items) => Canonical::list(items.iter().map(|item| terse(rng, item))),
        Canonical::Map(members) => {
            let kept = members.iter().filter_map(|(name, inner)| {
                let is_default = default_of(value, name).is_some_and(|usual| usual == *inner);
                if is_default && rng.chance(60) {
                    return None;
                }
                let inner = terse(rng, inner);
                let empty = inner == Canonical::Map(Default::default());
                let surface = matches!(
                    name.as_str(),
                    "lifecycle" | "recovery" | "mutability" | "usage" | "tcb"
                );
                (!(empty && surface)).then(|| (name.clone(), inner))
            });
            Canonical::Map(kept.collect())
        }
    }
}
