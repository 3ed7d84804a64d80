//! Decisions.

use crate::coverage::Coverage;
use crate::generate::{self, Call};
use crate::naive::{self, Ask, Decision, Value, World};
use crate::shrink;
use std::ops::Range;
use vault_encoding::Canonical;
use vault_policy::{Action, Deny, KeyPolicy, Permit, Truth, evaluate, sender_allows, simulate};

/// Judges the calls of these seeds.
pub(super) fn run(seeds: Range<u64>) -> Result<Coverage, u64> {
    let mut coverage = Coverage::default();
    let mut shared: Option<(u64, Canonical, KeyPolicy)> = None;
    for seed in seeds {
        let group = generate::group(seed);
        if shared.as_ref().is_none_or(|(of, ..)| *of != group) {
            let policy = generate::policy(seed);
            let read = read(&policy).map_err(|_| seed)?;
            shared = Some((group, policy, read));
        }
        if let Some((_, policy, read)) = &shared {
            let call = generate::call(seed, policy);
            let decision = judge(policy, read, &call).map_err(|_| seed)?;
            coverage.take_call(&world(policy, &call), &call, &decision);
        }
    }
    Ok(coverage)
}

/// Judges the calls of these seeds by what would be said if they were made.
pub(super) fn simulated(seeds: Range<u64>) -> Result<Coverage, u64> {
    let mut coverage = Coverage::default();
    for seed in seeds {
        let said = simulation(seed).map_err(|_| seed)?;
        coverage.take_verdict(said);
    }
    Ok(coverage)
}

/// What is simulated otherwise than it is decided.
pub(super) fn explain_simulated(seed: u64) -> Option<String> {
    simulation(seed).err()
}

fn simulation(seed: u64) -> Result<&'static str, String> {
    let policy = generate::policy(seed);
    let call = generate::call(seed, &policy);
    let expected = naive::decide(&world(&policy, &call), ask(call.action));
    let subject = generate::subject();
    let outcome = simulate(
        &read(&policy)?,
        call.action,
        &subject,
        &call.facts,
        call.now,
    );
    let agree = match (&expected, &outcome.deny) {
        (Decision::Allow, None) => true,
        (Decision::Allow, Some(_)) | (_, None) => false,
        (expected, Some(deny)) => agree(call.action, expected, &Err(deny.clone())),
    };
    if !agree || outcome.allowed != outcome.deny.is_none() {
        return Err(format!(
            "{call:?}\nunder {}\nnaive: {expected:?}\nsimulated: {outcome:?}",
            String::from_utf8_lossy(&policy.to_bytes())
        ));
    }
    Ok(match (outcome.allowed, outcome.missing.is_empty()) {
        (true, true) => "allowed",
        (true, false) => "allowed, and something is missing",
        (false, true) => "denied",
        (false, false) => "denied for want of something",
    })
}

/// The disagreement of this seed.
pub(super) fn explain(seed: u64) -> Option<String> {
    let policy = generate::policy(seed);
    let call = generate::call(seed, &policy);
    match read(&policy) {
        Err(refused) => Some(refused),
        Ok(read) => judge(&policy, &read, &call)
            .is_err()
            .then(|| explained(&policy, &call)),
    }
}

fn read(policy: &Canonical) -> Result<KeyPolicy, String> {
    let canonical = policy.to_bytes();
    KeyPolicy::from_canonical(&canonical)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&canonical)))
}

fn world<'a>(policy: &'a Canonical, call: &'a Call) -> World<'a> {
    World {
        policy,
        facts: &call.facts,
        now: call.now,
    }
}

/// What both say, or what each says.
fn judge(policy: &Canonical, read: &KeyPolicy, call: &Call) -> Result<Decision, String> {
    let expected = naive::decide(&world(policy, call), ask(call.action));
    let actual = evaluate(
        read,
        call.action,
        &generate::subject(),
        &call.facts,
        call.now,
    );
    let expects = naive::takes_sender(&call.facts, call.key_type);
    let takes = sender_allows(call.key_type, &call.facts);
    if expects != takes {
        let key_type = call.key_type.name();
        return Err(format!("{key_type}: naive: {expects}\nvault: {takes}"));
    }
    if agree(call.action, &expected, &actual) {
        return Ok(expected);
    }
    Err(format!("naive: {expected:?}\nvault: {actual:?}"))
}

fn ask(action: Action) -> Ask<'static> {
    Ask {
        action: action.name(),
        begins: match action {
            Action::BeginApproval(begun) => Some(begun.name()),
            _ => None,
        },
    }
}

fn agree(action: Action, expected: &Decision, actual: &Result<Permit, Deny>) -> bool {
    match (expected, actual) {
        (Decision::Allow, Ok(permit)) => {
            permit.action() == action && *permit.subject() == generate::subject()
        }
        (Decision::Stranger, Err(Deny::Stranger))
        | (Decision::NotOwner, Err(Deny::NotOwner { .. }))
        | (Decision::NotManager, Err(Deny::NotManager { .. }))
        | (Decision::SecondFactor, Err(Deny::SecondFactor { .. }))
        | (Decision::NoRule, Err(Deny::NoRule { .. })) => true,
        (
            Decision::Condition(name, path, value),
            Err(Deny::Condition {
                rule,
                condition,
                truth,
            }),
        ) => {
            let truth = match truth {
                Truth::True => Value::Yes,
                Truth::False => Value::No,
                Truth::Unknown => Value::Open,
            };
            (name, path, *value) == (rule, condition, truth)
        }
        _ => false,
    }
}

/// The disagreement in its least form.
fn explained(policy: &Canonical, call: &Call) -> String {
    let smaller = |(policy, call): &(Canonical, Call)| {
        let policies = shrink::policies(policy).into_iter();
        let policies = policies.map(|policy| (policy, call.clone()));
        let facts = shrink::facts(&call.facts).into_iter().map(|facts| {
            let call = Call {
                facts,
                ..call.clone()
            };
            (policy.clone(), call)
        });
        facts.chain(policies).collect()
    };
    let differ = |(policy, call): &(Canonical, Call)| {
        read(policy).is_ok_and(|read| judge(policy, &read, call).is_err())
    };
    let (policy, call) = shrink::least((policy.clone(), call.clone()), smaller, differ);
    let said = read(&policy)
        .and_then(|read| judge(&policy, &read, &call))
        .map_or_else(|said| said, |decision| format!("{decision:?}"));
    format!(
        "{:?} by {:?} at {:?}\nunder {}\n{said}",
        call.action,
        call.facts,
        call.now,
        String::from_utf8_lossy(&policy.to_bytes())
    )
}
