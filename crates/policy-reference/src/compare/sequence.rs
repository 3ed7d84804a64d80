//! What one principal can make of a policy by several updates, each of which was allowed.
//!
//! A principal is a set of facts, approvals included, that is the same for every step. What may
//! come of a sequence is bounded by what stands in the first policy:
//!
//! 1. What only narrows has narrowed, whoever the principal is: usage, profiles, mutability, the
//!    window of deletion, the owner.
//! 2. A field that the principal could not change at once has not changed; unless the principal
//!    may choose the managers, whose word then is the principal's.
//! 3. Who could not let a profile in still cannot, with the same exception.
//! 4. Who could change none of what rights rest on has, whatever is left out of the facts, no
//!    right that was not there at the start.

use crate::coverage::Coverage;
use crate::generate;
use crate::naive::change::{FIELDS, Level, field, level, one_way, promotion};
use crate::naive::{self, Ask, Decision, World, approval};
use std::ops::Range;
use vault_encoding::Canonical;
use vault_policy::{Action, Facts, KeyPolicy, KeyType, VaultTime, evaluate, judge_update};

/// Updates in a sequence.
const LENGTH: usize = 6;
/// Edits that are tried for one sequence.
const TRIES: u64 = 24;
/// What rights rest on.
const GRANTING: [&str; 7] = [
    "operations",
    "principals.auditors",
    "principals.callers",
    "principals.managers",
    "principals.mtls",
    "principals.owner",
    "principals.tees",
];
const ACTIONS: [&str; 8] = [
    "sign",
    "verify",
    "get_public_key",
    "stage_profile",
    "get_key",
    "get_policy",
    "issue_approval",
    "cancel_deletion",
];

/// Walks from the policies of these seeds.
pub(super) fn run(seeds: Range<u64>) -> Result<Coverage, u64> {
    let mut coverage = Coverage::default();
    for seed in seeds {
        let walk = walk(seed).ok_or(seed)?;
        if !walk.broken().is_empty() {
            return Err(seed);
        }
        coverage.take_verdict(&format!("updates: {}", walk.steps.len()));
        if walk.has_no_say() && !walk.steps.is_empty() {
            coverage.count("updates by whom no right rests on");
        }
        let last = walk.steps.last().unwrap_or(&walk.start);
        for name in FIELDS
            .iter()
            .filter(|name| field(&walk.start, name) != field(last, name))
        {
            coverage.count(&format!("changed: {name}"));
        }
    }
    Ok(coverage)
}

/// What the sequence of this seed reaches and should not.
pub(super) fn explain(seed: u64) -> Option<String> {
    let walk = walk(seed)?;
    let broken = walk.broken();
    let text = |policy: &Canonical| String::from_utf8_lossy(&policy.to_bytes()).into_owned();
    (!broken.is_empty()).then(|| {
        let steps: Vec<String> = walk.steps.iter().map(text).collect();
        let (start, steps) = (text(&walk.start), steps.join("\nthen "));
        let (facts, now) = (walk.facts, walk.now);
        format!("{broken:?}\nby {facts:?} at {now:?}\nfrom {start}\nthen {steps}")
    })
}

struct Walk {
    start: Canonical,
    steps: Vec<Canonical>,
    facts: Facts,
    now: VaultTime,
}

fn walk(seed: u64) -> Option<Walk> {
    let start = generate::start(seed, &GRANTING);
    let first = generate::change(seed, &start);
    let mut walk = Walk {
        start,
        steps: Vec::new(),
        facts: first.facts,
        now: first.now,
    };
    let mut was = KeyPolicy::from_canonical(&walk.start.to_bytes()).ok()?;
    for index in 0..TRIES {
        let from = walk.steps.last().unwrap_or(&walk.start);
        let new = generate::change(seed.wrapping_mul(TRIES).wrapping_add(index), from).new;
        let Ok(next) = KeyPolicy::from_canonical(&new.to_bytes()) else {
            continue;
        };
        if is_allowed(&was, &next, &walk) {
            walk.steps.push(new);
            was = next;
        }
        if walk.steps.len() == LENGTH {
            break;
        }
    }
    Some(walk)
}

fn is_allowed(old: &KeyPolicy, new: &KeyPolicy, walk: &Walk) -> bool {
    let (facts, now) = (&walk.facts, walk.now);
    let subject = generate::subject();
    evaluate(old, Action::UpdatePolicy, &subject, facts, now).is_ok()
        && judge_update(old, new, KeyType::P256Signing, facts, now).is_ok()
}

impl Walk {
    fn world<'a>(&'a self, policy: &'a Canonical, facts: &'a Facts) -> World<'a> {
        World {
            policy,
            facts,
            now: self.now,
        }
    }

    /// What is broken at the end of the sequence.
    fn broken(&self) -> Vec<String> {
        let Some(last) = self.steps.last() else {
            return Vec::new();
        };
        let mut broken: Vec<String> = one_way(&self.start, last)
            .into_iter()
            .map(|(code, _)| code.to_owned())
            .collect();
        let chooses = self.may_change("principals.managers");
        for name in FIELDS {
            let bound = !self.may_change(name)
                && (!chooses || level(&self.start, name) == Level::Immutable);
            if bound && field(&self.start, name) != field(last, name) {
                broken.push(format!("{name} has changed"));
            }
        }
        let lets_in = |policy| self.meets(policy, promotion(policy));
        if lets_in(last) && !lets_in(&self.start) && !chooses {
            broken.push("a profile may be let in".into());
        }
        if self.has_no_say() {
            broken.extend(self.new_rights(last));
        }
        broken
    }

    /// Whether the principal could change nothing that rights rest on.
    fn has_no_say(&self) -> bool {
        !GRANTING.iter().any(|name| self.may_change(name))
    }

    /// Whether the principal could change this field of the first policy.
    fn may_change(&self, name: &str) -> bool {
        self.meets(&self.start, level(&self.start, name))
    }

    /// Whether the principal, if it is the owner, meets this level of a policy.
    fn meets(&self, policy: &Canonical, level: Level) -> bool {
        match level {
            Level::Owner => true,
            Level::Immutable => false,
            Level::Quorum { threshold, oidc } => {
                approval::quorum(&self.world(policy, &self.facts), oidc) >= threshold
            }
        }
    }

    /// What the principal may do now and could not at first, whatever is kept back.
    fn new_rights(&self, last: &Canonical) -> Vec<String> {
        let may = |policy: &Canonical, action: &str| {
            kept_back(&self.facts).iter().any(|facts| {
                let ask = Ask {
                    action,
                    begins: None,
                };
                naive::decide(&self.world(policy, facts), ask) == Decision::Allow
            })
        };
        ACTIONS
            .iter()
            .filter(|action| may(last, action) && !may(&self.start, action))
            .map(|action| format!("{action} is allowed"))
            .collect()
    }
}

/// The facts, and the facts without each of what a caller may keep back.
fn kept_back(facts: &Facts) -> Vec<Facts> {
    let mut all = vec![facts.clone()];
    for keep in [
        |facts: &mut Facts| facts.token = None,
        |facts: &mut Facts| facts.evidence = None,
        |facts: &mut Facts| facts.certificate = None,
        |facts: &mut Facts| facts.approvals.clear(),
    ] {
        let mut without = all.clone();
        without.iter_mut().for_each(keep);
        all.append(&mut without);
    }
    all
}
