//! Changes of a policy: what they take, whether they are allowed, and what a promotion makes.

use crate::coverage::Coverage;
use crate::generate::{self, Change};
use crate::naive::World;
use crate::naive::change::{self, FIELDS, Need, Refusals, field};
use crate::shrink;
use std::ops::Range;
use vault_encoding::Canonical;
use vault_policy::{
    AttestationProfile, Authority, KeyPolicy, KeyType, OidcApproval, UpdateDeny, VaultTime,
    judge_update, promote, required, validate,
};

/// The type of every key here: what the generated operations are of.
const KEY_TYPE: KeyType = KeyType::P256Signing;

/// Judges the changes of these seeds.
pub(super) fn run(seeds: Range<u64>) -> Result<Coverage, u64> {
    let mut coverage = Coverage::default();
    let mut shared: Option<(u64, Canonical, KeyPolicy)> = None;
    for seed in seeds {
        let group = generate::group(seed);
        if shared.as_ref().is_none_or(|(of, ..)| *of != group) {
            let old = generate::policy(seed);
            let read = read(&old).ok_or(seed)?;
            shared = Some((group, old, read));
        }
        if let Some((_, old, read)) = &shared {
            let change = generate::change(seed, old);
            judge(old, read, &change, Some(&mut coverage)).map_err(|_| seed)?;
        }
    }
    Ok(coverage)
}

/// The disagreement of this seed.
pub(super) fn explain(seed: u64) -> Option<String> {
    let old = generate::policy(seed);
    let change = generate::change(seed, &old);
    match read(&old) {
        None => Some("the policy is not one".into()),
        Some(was) => judge(&old, &was, &change, None)
            .is_err()
            .then(|| explained(&old, &change)),
    }
}

fn read(policy: &Canonical) -> Option<KeyPolicy> {
    KeyPolicy::from_canonical(&policy.to_bytes()).ok()
}

fn judge(
    old: &Canonical,
    was: &KeyPolicy,
    change: &Change,
    mut coverage: Option<&mut Coverage>,
) -> Result<(), String> {
    let world = World {
        policy: old,
        facts: &change.facts,
        now: change.now,
    };
    if let Some(coverage) = coverage.as_deref_mut() {
        coverage.count("changes");
    }
    promotion(&world, was, change, coverage.as_deref_mut())?;
    match read(&change.new) {
        Some(will_be) => update(&world, was, &change.new, &will_be, coverage),
        None => {
            if let Some(coverage) = coverage {
                coverage.count("new policy: malformed");
            }
            Ok(())
        }
    }
}

fn update(
    world: &World<'_>,
    was: &KeyPolicy,
    new: &Canonical,
    will_be: &KeyPolicy,
    coverage: Option<&mut Coverage>,
) -> Result<(), String> {
    let (expects, takes) = (change::required(world.policy, new), required(was, will_be));
    let same = match (&expects, &takes) {
        (Ok(need), Ok(authority)) => is(need, authority),
        (Err(refusals), Err(deny)) => names(refusals, deny),
        _ => false,
    };
    if !same {
        return Err(format!("takes\nnaive: {expects:?}\nvault: {takes:?}"));
    }
    let expected = change::judge(world, new);
    let actual = judge_update(was, will_be, KEY_TYPE, world.facts, world.now);
    let usable = || is_usable(new, world.now);
    let (same, verdict) = match (&expected, &actual) {
        (Ok(()), Ok(())) => (usable(), "updated"),
        (_, Err(deny)) if deny.code() == "invalid" => (!usable(), "not usable"),
        (Err(refusals), Err(deny)) if expects.is_ok() => {
            (names(refusals, deny) && usable(), "refused")
        }
        (Err(refusals), Err(deny)) => (names(refusals, deny), "refused"),
        (Ok(()), Err(_)) => (false, "refused"),
        (Err(_), Ok(())) => (false, "updated"),
    };
    if let Some(coverage) = coverage {
        let changed = |name: &&&str| field(world.policy, name) != field(new, name);
        let fields: Vec<&str> = FIELDS.iter().filter(changed).copied().collect();
        coverage.take_change(world.policy, &fields, &expects, verdict);
        if expects.is_ok() && expected.is_err() {
            coverage.count("verdict: approvals are missing");
        }
    }
    if same {
        Ok(())
    } else {
        Err(format!(
            "update\nnaive: {expected:?}, usable: {}\nvault: {actual:?}",
            usable()
        ))
    }
}

fn is_usable(policy: &Canonical, now: VaultTime) -> bool {
    read(policy).is_some_and(|policy| validate(&policy, KEY_TYPE, now).is_ok())
}

fn promotion(
    world: &World<'_>,
    was: &KeyPolicy,
    asked: &Change,
    coverage: Option<&mut Coverage>,
) -> Result<(), String> {
    let Ok(profile) = AttestationProfile::from_canonical(&asked.profile.to_bytes()) else {
        return Err(format!("not a profile: {:?}", asked.profile));
    };
    let expected = change::promote(world, &asked.profile);
    let actual = promote(was, &profile, KEY_TYPE, world.facts, world.now);
    let usable = || is_usable(&change::promoted(world.policy, &asked.profile), world.now);
    let (same, verdict) = match (&expected, &actual) {
        (Ok(with), Ok(policy)) => (
            usable() && with.to_bytes() == policy.canonical_bytes(),
            "promoted",
        ),
        (_, Err(deny)) if deny.code() == "invalid" => (!usable(), "promotion not usable"),
        (Err(refusals), Err(deny)) => (names(refusals, deny), "promotion refused"),
        (Ok(_), Err(_)) => (false, "promotion refused"),
        (Err(_), Ok(_)) => (false, "promoted"),
    };
    if let Some(coverage) = coverage {
        coverage.count(&format!("verdict: {verdict}"));
        for (code, _) in expected.as_ref().err().into_iter().flatten() {
            coverage.count(&format!("promotion refused: {code}"));
        }
    }
    if same {
        Ok(())
    } else {
        Err(format!("promotion\nnaive: {expected:?}\nvault: {actual:?}"))
    }
}

fn is(need: &Need, authority: &Authority) -> bool {
    let managers = authority.managers.map(|quorum| {
        (
            u64::from(quorum.threshold),
            quorum.oidc == OidcApproval::Allowed,
        )
    });
    let needed = (need.threshold > 0).then_some((need.threshold, need.oidc));
    authority.owner && managers == needed
}

/// Whether the refusal is one of those that apply. An empty field stands for any.
fn names(refusals: &Refusals, deny: &UpdateDeny) -> bool {
    refusals.iter().any(|(code, _)| *code == deny.code())
}

/// The disagreement in its least form.
fn explained(old: &Canonical, change: &Change) -> String {
    let smaller = |(old, change): &(Canonical, Change)| {
        let facts = shrink::facts(&change.facts).into_iter().map(|facts| {
            let change = Change {
                facts,
                ..change.clone()
            };
            (old.clone(), change)
        });
        let pairs = shrink::pairs(old, &change.new).into_iter();
        let pairs = pairs.map(|(old, new)| {
            let change = Change {
                new,
                ..change.clone()
            };
            (old, change)
        });
        facts.chain(pairs).collect()
    };
    let differ = |(old, change): &(Canonical, Change)| {
        read(old).is_some_and(|was| judge(old, &was, change, None).is_err())
    };
    let (old, change) = shrink::least((old.clone(), change.clone()), smaller, differ);
    let said = read(&old).map(|was| judge(&old, &was, &change, None));
    let text = |policy: &Canonical| String::from_utf8_lossy(&policy.to_bytes()).into_owned();
    let fields = FIELDS
        .iter()
        .filter(|name| field(&old, name) != field(&change.new, name))
        .map(|name| {
            let (before, after) = (text(field(&old, name)), text(field(&change.new, name)));
            format!("{name}: {before} -> {after}\n")
        });
    format!(
        "by {:?} at {:?}\nold {}\n{}profile {}\n{}",
        change.facts,
        change.now,
        text(&old),
        fields.collect::<String>(),
        text(&change.profile),
        said.and_then(Result::err).unwrap_or_default()
    )
}
