//! Policies that differ from another one by a little.

use super::policy::{caller, host, level, managers, owner};
use super::rule::{Names, condition, operations, principals, rule};
use super::universe::{AUDITORS, CALLERS, HOSTS, OPERATIONS, PERSONS, PROFILES};
use crate::naive::change::{FIELDS, field, with};
use crate::rng::Seeded;
use crate::text::{items, member, named, number, string};
use vault_encoding::Canonical;

/// The policy after one to three edits, which may undo each other. It may not be well formed.
pub(super) fn edited(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let mut edited = policy.clone();
    for _ in 0..rng.pick(&[1, 1, 1, 1, 2, 2, 3]) {
        edited = edit(rng, &edited);
    }
    edited
}

/// A profile of the policy, one like it, or another one.
pub(super) fn profile(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let tees = items(field(policy, "principals.tees"));
    match tees.get(rng.below(tees.len().max(1) as u64) as usize) {
        Some(known) if rng.chance(15) => known.clone(),
        Some(known) if rng.chance(30) => touched(rng, known),
        _ => {
            let name = rng.pick(&PROFILES);
            super::profile::profile(rng, name)
        }
    }
}

fn edit(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let name = match rng.below(26) {
        24..=25 => return handed(rng, policy),
        0..=2 => "principals.managers",
        3 => "principals.auditors",
        4 => "principals.callers",
        5 => "principals.mtls",
        6 => "principals.owner",
        7..=10 => "principals.tees",
        11..=15 => "operations",
        16 => "usage.operations",
        17..=18 => "lifecycle.deletion_window",
        19 => "lifecycle.sealed_forever",
        20..=22 => "mutability",
        _ => return policy.clone(),
    };
    let before = field(policy, name);
    let after = match name {
        "principals.managers" => persons(rng, before),
        "principals.auditors" => list(rng, before, |rng| {
            let id = rng.pick(&AUDITORS);
            caller(rng, id)
        }),
        "principals.callers" => list(rng, before, |rng| {
            let id = rng.pick(&CALLERS);
            caller(rng, id)
        }),
        "principals.mtls" => list(rng, before, |rng| {
            let id = rng.pick(&HOSTS);
            host(rng, id)
        }),
        "principals.owner" => owner(rng),
        "principals.tees" => tees(rng, policy),
        "operations" => rules(rng, policy),
        "usage.operations" => list(rng, before, |rng| {
            Canonical::text(rng.pick(&OPERATIONS[..3]))
        }),
        "lifecycle.deletion_window" => Canonical::text(rng.below(4) * 60),
        "lifecycle.sealed_forever" => Canonical::text(rng.chance(50)),
        _ => levels(rng, policy),
    };
    with(policy, name, after)
}

/// One taken away, one put in the place of what has its id, or one more.
fn list(
    rng: &mut Seeded,
    before: &Canonical,
    make: impl FnOnce(&mut Seeded) -> Canonical,
) -> Canonical {
    let mut after = items(before).to_vec();
    if !after.is_empty() && rng.chance(45) {
        after.remove(rng.below(after.len() as u64) as usize);
        return Canonical::List(after);
    }
    let new = make(rng);
    if let Some(id) = new.get("id") {
        after.retain(|one| one.get("id") != Some(id));
    }
    after.push(new);
    Canonical::set(after)
}

/// The name of a profile for a person or a host, who is nobody else's.
fn handed(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let tees = items(field(policy, "principals.tees")).to_vec();
    let Some(name) = tees.first().map(|tee| named(tee, "name").to_owned()) else {
        return policy.clone();
    };
    let left = tees.into_iter().filter(|tee| named(tee, "name") != name);
    let policy = with(policy, "principals.tees", Canonical::set(left));
    let (list, one) = match rng.chance(50) {
        true => ("principals.callers", caller(rng, &name)),
        false => ("principals.mtls", host(rng, &name)),
    };
    let mut after = items(field(&policy, list)).to_vec();
    after.push(one);
    with(&policy, list, Canonical::set(after))
}

/// Managers drawn anew keep what others of them have; one who is drawn may get other credentials.
fn persons(rng: &mut Seeded, before: &Canonical) -> Canonical {
    if rng.chance(50) {
        return list(rng, before, |rng| {
            let id = rng.pick(&PERSONS);
            managers(rng, &[id])
                .pop()
                .unwrap_or_else(|| Canonical::text(id))
        });
    }
    let mut ids: Vec<&str> = items(before).iter().map(|one| named(one, "id")).collect();
    if ids.is_empty() || rng.chance(30) {
        ids = rng.some(&PERSONS, 60);
    }
    Canonical::set(managers(rng, &ids))
}

/// One less, one that is not quite what it was, or one more.
fn tees(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let mut after = items(field(policy, "principals.tees")).to_vec();
    let index = rng.below(after.len().max(1) as u64) as usize;
    match (rng.below(4), index < after.len()) {
        (0..=1, true) => {
            after.remove(index);
        }
        (2, true) => {
            let known = after.remove(index);
            after.push(touched(rng, &known));
        }
        _ => after.push(profile(rng, policy)),
    }
    Canonical::set(after)
}

/// The profile with another value at one place.
fn touched(rng: &mut Seeded, profile: &Canonical) -> Canonical {
    let fresh = super::profile::profile(rng, named(profile, "name"));
    let Canonical::Map(mut members) = profile.clone() else {
        return fresh;
    };
    let name = rng.pick(&[
        "platforms",
        "config_merkle_root",
        "required_oids",
        "tcb",
        "mrenclave",
        "rtmrs",
    ]);
    let measured = |name| string(member(profile, name)) != "none";
    let value = member(&fresh, name).clone();
    // What is left is of one kind, and says which builds it is about.
    let kept = match name {
        "mrenclave" => !measured("mrtd") && (measured("mrsigner") || string(&value) != "none"),
        "rtmrs" => measured("mrtd"),
        _ => true,
    };
    if kept {
        members.insert(name.to_owned(), value);
    }
    Canonical::Map(members)
}

/// One rule less, one more, or one with another condition, other principals, operations or name.
fn rules(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let mut after = items(field(policy, "operations")).to_vec();
    let names = names(policy);
    let index = rng.below(after.len() as u64) as usize;
    let kind = rng.below(7);
    if kind == 0 || after.is_empty() {
        after.push(rule(rng, 7, &names));
        return Canonical::set(after);
    }
    let mut changed = after.remove(index);
    if kind == 1 {
        return Canonical::List(after);
    }
    if let Canonical::Map(members) = &mut changed {
        let (member, value) = match kind {
            2..=3 => ("condition", condition(rng, 3, false, &names)),
            4 => ("principals", principals(rng, &names)),
            5 => ("operations", operations(rng)),
            _ => ("name", Canonical::text("renamed")),
        };
        members.insert(member.to_owned(), value);
    }
    after.push(changed);
    Canonical::set(after)
}

fn names(policy: &Canonical) -> Names<'_> {
    let of = |surface, key| -> Vec<&str> {
        let all = items(field(policy, surface)).iter();
        all.map(|one| named(one, key)).collect()
    };
    let mut profiles = of("principals.tees", "name");
    profiles.dedup();
    let callers = of("principals.callers", "id");
    let hosts = of("principals.mtls", "id");
    Names {
        principals: [&callers[..], &hosts, &profiles].concat(),
        profiles,
        managers: of("principals.managers", "id"),
    }
}

/// Another level for one field: any, or one that is a little higher or lower.
fn levels(rng: &mut Seeded, policy: &Canonical) -> Canonical {
    let name = rng.pick(&FIELDS);
    let before = member(member(policy, "mutability"), name);
    let quorum = member(before, "quorum");
    let after = match number(quorum, "threshold").filter(|_| rng.chance(60)) {
        Some(threshold) => {
            let oidc = match (named(quorum, "oidc"), rng.chance(40)) {
                ("allowed", true) | ("refused", false) => "refused",
                _ => "allowed",
            };
            let threshold = (threshold + rng.below(3)).saturating_sub(1).max(1);
            let quorum = Canonical::map([
                ("oidc", Canonical::text(oidc)),
                ("threshold", Canonical::text(threshold)),
            ]);
            Canonical::map([("quorum", quorum)])
        }
        None => level(rng, policy, name),
    };
    let levels = member(policy, "mutability").clone();
    match levels {
        Canonical::Map(mut levels) => {
            levels.insert(name.to_owned(), after);
            Canonical::Map(levels)
        }
        other => other,
    }
}
