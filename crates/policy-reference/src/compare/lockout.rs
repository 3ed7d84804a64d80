//! Keys that nobody could ever use or govern.
//!
//! What is refused for want of anybody who could use the key is refuted by a call that is
//! allowed, of many that are made up at random. What is accepted is accepted because of a call
//! that was found by the decision, which is compared elsewhere.

use crate::coverage::Coverage;
use crate::generate;
use crate::naive::lockout::{fits_type, is_governable, is_sealed};
use crate::naive::{self, Ask, Decision, World};
use crate::shrink;
use crate::text::{member, members, string};
use std::ops::Range;
use vault_encoding::Canonical;
use vault_policy::{KeyPolicy, KeyType, VaultTime, validate};

/// Calls that are made up for each policy.
const CALLS: u64 = 64;

/// Judges the policies of these seeds.
pub(super) fn run(seeds: Range<u64>) -> Result<Coverage, u64> {
    let mut coverage = Coverage::default();
    for seed in seeds {
        let (policy, key_type, now) = generate::written(seed);
        let said = judge(seed, &policy, key_type, now).map_err(|_| seed)?;
        coverage.take_verdict(said);
    }
    Ok(coverage)
}

/// The disagreement of this seed.
pub(super) fn explain(seed: u64) -> Option<String> {
    let (policy, key_type, now) = generate::written(seed);
    judge(seed, &policy, key_type, now).err()?;
    let smaller = |policy: &Canonical| shrink::policies(policy);
    let differ = |policy: &Canonical| judge(seed, policy, key_type, now).is_err();
    let least = shrink::least(policy, smaller, differ);
    let text = String::from_utf8_lossy(&least.to_bytes()).into_owned();
    let said = judge(seed, &least, key_type, now).err()?;
    Some(format!(
        "{} at {now:?}\nunder {text}\n{said}",
        key_type.name()
    ))
}

fn judge(
    seed: u64,
    policy: &Canonical,
    key_type: KeyType,
    now: VaultTime,
) -> Result<&'static str, String> {
    let Ok(read) = KeyPolicy::from_canonical(&policy.to_bytes()) else {
        return Ok("malformed");
    };
    let actual = validate(&read, key_type, now);
    let said = match (fits_type(policy, key_type), is_sealed(policy)) {
        (false, _) => "not of the type",
        (true, true) => "sealed",
        (true, false) if !is_governable(policy) => "not governable",
        (true, false) if actual.is_ok() => "usable",
        (true, false) if is_refuted(seed, policy, now) => "usable by a call that was made up",
        (true, false) => "nobody was found",
    };
    let same = match said {
        "not of the type" | "not governable" | "nobody was found" => actual.is_err(),
        _ => actual.is_ok(),
    };
    if same {
        Ok(said)
    } else {
        Err(format!("naive: {said}\nvault: {actual:?}"))
    }
}

/// Whether somebody may do each operation of the usage, now or later.
fn is_refuted(seed: u64, policy: &Canonical, now: VaultTime) -> bool {
    let usage = members(member(policy, "usage"), "operations");
    !usage.is_empty()
        && usage.iter().all(|operation| {
            (0..CALLS).any(|index| {
                let call = generate::call(seed.wrapping_mul(CALLS) + index, policy);
                let world = World {
                    policy,
                    facts: &call.facts,
                    now: call.now,
                };
                let ask = Ask {
                    action: string(operation),
                    begins: None,
                };
                comes_after(call.now, now) && naive::decide(&world, ask) == Decision::Allow
            })
        })
}

/// Whether this moment may still come.
fn comes_after(then: VaultTime, now: VaultTime) -> bool {
    match (then, now) {
        (VaultTime::Known { lo: then, .. }, VaultTime::Known { hi: now, .. }) => now <= then,
        (VaultTime::Known { .. }, VaultTime::Unknown) => false,
        (VaultTime::Unknown, _) => false,
    }
}
