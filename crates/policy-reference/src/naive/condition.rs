//! What a condition comes to, and where it fails.

use super::approval::manager_approval;
use super::evidence::fits;
use super::principal::holds_role;
use super::{Value, World};
use crate::text::{choice, items, member, members, named, number};
use vault_encoding::Canonical;
use vault_policy::VaultTime;

/// The value of a condition.
pub fn holds(world: &World<'_>, condition: &Canonical) -> Value {
    match choice(condition) {
        ("attestation_matches", inner) => {
            let profiles = members(member(world.policy, "principals"), "tees").iter();
            disjunction(
                profiles
                    .filter(|profile| named(profile, "name") == named(inner, "profile"))
                    .map(|profile| fits(world, profile)),
            )
        }
        ("time_window", inner) => inside(world.now, inner),
        ("caller_holds_role", inner) if holds_role(world, inner) => Value::Yes,
        ("manager_approval", inner) => manager_approval(world, inner),
        ("all", inner) => conjunction(items(inner).iter().map(|each| holds(world, each))),
        ("any", inner) => disjunction(items(inner).iter().map(|each| holds(world, each))),
        ("not", inner) => flip(holds(world, inner)),
        _ => Value::No,
    }
}

/// Where the condition is what it is: inside `all`, the first member that is what the whole is;
/// everything else names itself.
pub fn unmet(world: &World<'_>, condition: &Canonical) -> String {
    let whole = holds(world, condition);
    match choice(condition) {
        ("all", inner) => items(inner)
            .iter()
            .enumerate()
            .find(|(_, each)| holds(world, each) == whole)
            .map_or("all".into(), |(index, each)| {
                format!("all[{index}].{}", unmet(world, each))
            }),
        (kind, _) => kind.to_owned(),
    }
}

fn flip(value: Value) -> Value {
    match value {
        Value::Yes => Value::No,
        Value::No => Value::Yes,
        Value::Open => Value::Open,
    }
}

/// No if one is No; else Open if one is Open; else Yes, also of nothing.
fn conjunction(values: impl Iterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.collect();
    if values.contains(&Value::No) {
        Value::No
    } else if values.contains(&Value::Open) {
        Value::Open
    } else {
        Value::Yes
    }
}

/// Yes if one is Yes; else Open if one is Open; else No, also of nothing.
fn disjunction(values: impl Iterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.collect();
    if values.contains(&Value::Yes) {
        Value::Yes
    } else if values.contains(&Value::Open) {
        Value::Open
    } else {
        Value::No
    }
}

fn inside(now: VaultTime, window: &Canonical) -> Value {
    let VaultTime::Known { lo, hi } = now else {
        return Value::Open;
    };
    let begun = match number(window, "from") {
        None => Value::Yes,
        Some(from) if from <= lo.0 => Value::Yes,
        Some(from) if hi.0 < from => Value::No,
        Some(_) => Value::Open,
    };
    let lasts = match number(window, "until") {
        None => Value::Yes,
        Some(until) if hi.0 < until => Value::Yes,
        Some(until) if until <= lo.0 => Value::No,
        Some(_) => Value::Open,
    };
    conjunction([begun, lasts].into_iter())
}
