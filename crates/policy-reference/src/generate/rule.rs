//! Rules and their conditions.

use super::universe::{FRESH, ISSUERS, OPERATIONS, ROLES, TIMES, none, texts};
use crate::rng::Seeded;
use vault_encoding::Canonical;

/// What rules and conditions may name.
#[derive(Clone, Default)]
pub(super) struct Names<'a> {
    pub(super) principals: Vec<&'a str>,
    pub(super) profiles: Vec<&'a str>,
    pub(super) managers: Vec<&'a str>,
}

/// A rule.
pub(super) fn rule(rng: &mut Seeded, index: u64, names: &Names<'_>) -> Canonical {
    Canonical::map([
        ("condition", condition(rng, 4, false, names)),
        ("name", Canonical::text(format!("rule {index}"))),
        ("operations", operations(rng)),
        ("principals", principals(rng, names)),
    ])
}

/// Some operations, at least one.
pub(super) fn operations(rng: &mut Seeded) -> Canonical {
    let mut operations = rng.some(&OPERATIONS, 60);
    if operations.is_empty() {
        operations.push("sign");
    }
    texts(operations)
}

/// Some principals, at least one.
pub(super) fn principals(rng: &mut Seeded, names: &Names<'_>) -> Canonical {
    let mut principals = rng.some(&names.principals, 35);
    if rng.chance(55) || principals.is_empty() {
        principals.push("owner");
    }
    if rng.chance(25) {
        principals.push("any");
    }
    texts(principals)
}

/// A condition of at most so many levels; below `not`, of times only.
pub(super) fn condition(
    rng: &mut Seeded,
    depth: u64,
    only_time: bool,
    names: &Names<'_>,
) -> Canonical {
    let one = |name: &str, inner| Canonical::map([(name, inner)]);
    match rng.below(if depth <= 1 { 9 } else { 20 }) {
        0..=2 => one("all", Canonical::list([])),
        3 if !only_time && !names.profiles.is_empty() => one(
            "attestation_matches",
            Canonical::map([("profile", Canonical::text(rng.pick(&names.profiles)))]),
        ),
        4 if !only_time => one(
            "caller_holds_role",
            Canonical::map([
                ("issuer", Canonical::text(rng.pick(&ISSUERS))),
                ("role", Canonical::text(rng.pick(&ROLES))),
            ]),
        ),
        5..=7 if !only_time && !names.managers.is_empty() => {
            one("manager_approval", approval(rng, names))
        }
        9..=12 => one("all", conditions(rng, depth, only_time, names)),
        13..=16 => one("any", conditions(rng, depth, only_time, names)),
        17..=18 => one("not", condition(rng, depth - 1, true, names)),
        _ => one("time_window", window(rng)),
    }
}

fn conditions(rng: &mut Seeded, depth: u64, only_time: bool, names: &Names<'_>) -> Canonical {
    let count = rng.below(4);
    let conditions = (0..count).map(|_| condition(rng, depth - 1, only_time, names));
    Canonical::List(conditions.collect())
}

/// Now and then by more persons than are listed.
fn approval(rng: &mut Seeded, names: &Names<'_>) -> Canonical {
    let mut managers = rng.some(&names.managers, 75);
    if managers.is_empty() {
        managers.push(rng.pick(&names.managers));
    }
    let most = managers.len() as u64 + u64::from(rng.chance(10));
    let threshold = if rng.chance(50) {
        1
    } else {
        1 + rng.below(most)
    };
    let oidc = if rng.chance(60) { "allowed" } else { "refused" };
    Canonical::map([
        ("fresh_for", Canonical::text(rng.pick(&FRESH))),
        ("managers", texts(managers)),
        ("oidc", Canonical::text(oidc)),
        ("threshold", Canonical::text(threshold)),
    ])
}

fn window(rng: &mut Seeded) -> Canonical {
    let (first, second) = (rng.pick(&TIMES), rng.pick(&TIMES));
    let (from, until) = (first.min(second), first.max(second));
    let (from, until) = match rng.below(4) {
        0 => (Canonical::text(from), none()),
        1 => (none(), Canonical::text(until)),
        _ => (Canonical::text(from), Canonical::text(until + 50)),
    };
    Canonical::map([("from", from), ("until", until)])
}
