//! Makes a disagreement small enough to read.

use crate::naive::change::{FIELDS, field, with};
use vault_encoding::Canonical;
use vault_policy::Facts;

/// Tries smaller values as long as one of them still fails; at most so many times.
pub fn least<T>(start: T, smaller: impl Fn(&T) -> Vec<T>, fails: impl Fn(&T) -> bool) -> T {
    let mut least = start;
    let mut tries = 20_000_usize;
    loop {
        let next = smaller(&least).into_iter().find(|one| {
            tries = tries.saturating_sub(1);
            tries > 0 && fails(one)
        });
        match next {
            Some(next) => least = next,
            None => return least,
        }
    }
}

/// The same with one item less, one condition less deep, or one value left out.
pub fn policies(policy: &Canonical) -> Vec<Canonical> {
    let mut all = Vec::new();
    match policy {
        Canonical::Text(_) => {}
        Canonical::List(items) => {
            for index in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(index);
                all.push(Canonical::List(fewer));
            }
            for (index, item) in items.iter().enumerate() {
                for less in policies(item) {
                    let mut items = items.clone();
                    if let Some(place) = items.get_mut(index) {
                        *place = less;
                    }
                    all.push(Canonical::List(items));
                }
            }
        }
        Canonical::Map(members) => {
            all.extend(conditions(policy));
            for (name, value) in members {
                for less in simplest(name, value).into_iter().chain(policies(value)) {
                    let mut members = members.clone();
                    members.insert(name.clone(), less);
                    all.push(Canonical::Map(members));
                }
            }
        }
    }
    all
}

/// The same pair with one item less in both, or in one where they differ.
pub fn pairs(old: &Canonical, new: &Canonical) -> Vec<(Canonical, Canonical)> {
    let mut all = Vec::new();
    for name in FIELDS {
        let (before, after) = (field(old, name), field(new, name));
        if before == after {
            let less = policies(before).into_iter().chain(least_value(name));
            all.extend(
                less.filter(|less| less != before)
                    .map(|less| (with(old, name, less.clone()), with(new, name, less))),
            );
            continue;
        }
        let both = policies(before).into_iter().zip(policies(after));
        all.extend(
            both.map(|(old_less, new_less)| (with(old, name, old_less), with(new, name, new_less))),
        );
        let olds = policies(before).into_iter();
        all.extend(olds.map(|less| (with(old, name, less), new.clone())));
        let news = policies(after).into_iter();
        all.extend(news.map(|less| (old.clone(), with(new, name, less))));
        all.push((with(old, name, after.clone()), new.clone()));
    }
    all
}

fn least_value(name: &str) -> Option<Canonical> {
    (name == "lifecycle.deletion_window").then(|| Canonical::text("0"))
}

/// What a member may be at the least.
fn simplest(name: &str, value: &Canonical) -> Option<Canonical> {
    let least = match name {
        "second_factor" | "config_merkle_root" | "until" => "none",
        "grace" | "min_evaluation_data_number" | "deletion_window" => "0",
        _ if name.contains('.') || name == "mutability" => "immutable",
        _ => return None,
    };
    let least = Canonical::text(least);
    (*value != least && (name != "mutability" || value.as_text().is_some())).then_some(least)
}

/// What may stand instead of a condition: nothing, or one that stands in it.
fn conditions(whole: &Canonical) -> Vec<Canonical> {
    let trivial = Canonical::map([("all", Canonical::list([]))]);
    let (kind, inner) = crate::text::choice(whole);
    match kind {
        "all" | "any" if *whole != trivial => [&[trivial], crate::text::items(inner)].concat(),
        "not" => vec![trivial, inner.clone()],
        "attestation_matches" | "time_window" | "caller_holds_role" | "manager_approval" => {
            vec![trivial]
        }
        "quorum" => vec![Canonical::text("owner"), Canonical::text("immutable")],
        _ => Vec::new(),
    }
}

/// The same with one fact less.
pub fn facts(facts: &Facts) -> Vec<Facts> {
    let mut all = Vec::new();
    let mut without = |change: &dyn Fn(&mut Facts)| {
        let mut less = facts.clone();
        change(&mut less);
        if less != *facts {
            all.push(less);
        }
    };
    without(&|less| less.evidence = None);
    without(&|less| less.certificate = None);
    without(&|less| less.token = None);
    for index in 0..facts.approvals.len() {
        without(&|less| {
            less.approvals.remove(index);
        });
    }
    without(&|less| {
        if let Some(token) = &mut less.token {
            token.roles.clear();
        }
    });
    all
}
