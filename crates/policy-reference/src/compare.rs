//! One case, judged twice.

use crate::coverage::Coverage;
use crate::generate::{self, Case};
use crate::naive::{self, Decision, Value, World};
use vault_encoding::Canonical;
use vault_policy::{Deny, KeyPolicy, Permit, Truth, evaluate, sender_allows};

/// Judges the cases of `count` seeds from `first` on; the first disagreement ends it.
pub fn run(first: u64, count: u64) -> Result<Coverage, String> {
    let mut coverage = Coverage::default();
    for seed in first..first + count {
        let case = generate::case(seed);
        let decision = judge(&case).map_err(|reason| format!("seed {seed}: {reason}"))?;
        coverage.take(&case, &decision);
    }
    Ok(coverage)
}

fn judge(case: &Case) -> Result<Decision, String> {
    let canonical = case.policy.to_bytes();
    let policy = KeyPolicy::from_canonical(&canonical)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&canonical)))?;
    let world = World {
        policy: &case.policy,
        facts: &case.facts,
        now: case.now,
    };
    let expected = naive::decide(&world, case.action);
    let actual = evaluate(
        &policy,
        case.action,
        &generate::subject(),
        &case.facts,
        case.now,
    );
    let (expects, takes) = (
        naive::takes_sender(&world, case.key_type),
        sender_allows(case.key_type, &case.facts),
    );
    if expects != takes {
        return Err(format!(
            "{} from {:?}\nnaive: {expects}\nvault: {takes}",
            case.key_type.name(),
            case.facts
        ));
    }
    if agree(&world, case, &expected, &actual) {
        return Ok(expected);
    }
    Err(format!(
        "{} by {:?} at {:?}\nunder {}\nnaive: {expected:?}\nvault: {actual:?}",
        case.action,
        case.facts,
        case.now,
        String::from_utf8_lossy(&canonical)
    ))
}

fn agree(
    world: &World<'_>,
    case: &Case,
    expected: &Decision,
    actual: &Result<Permit, Deny>,
) -> bool {
    match (expected, actual) {
        (Decision::Allow, Ok(permit)) => {
            permit.action() == case.action && *permit.subject() == generate::subject()
        }
        (Decision::Stranger, Err(Deny::Stranger))
        | (Decision::NotOwner, Err(Deny::NotOwner { .. }))
        | (Decision::NoRule, Err(Deny::NoRule { .. })) => true,
        (
            Decision::Conditions(unmet),
            Err(Deny::Condition {
                rule,
                condition,
                truth,
            }),
        ) => unmet.iter().any(|(name, whole)| {
            name == rule && names_what_is_unmet(world, whole, condition, *truth)
        }),
        _ => false,
    }
}

/// Whether the path leads to a part of the condition that has this value and is not True.
fn names_what_is_unmet(world: &World<'_>, whole: &Canonical, path: &str, truth: Truth) -> bool {
    let mut at = whole;
    let mut value = naive::holds(world, at);
    for (depth, step) in path.split('.').enumerate() {
        let (kind, index) = match step.split_once('[') {
            Some((kind, index)) => (
                kind,
                index
                    .strip_suffix(']')
                    .and_then(|i| i.parse::<usize>().ok()),
            ),
            None => (step, None),
        };
        let Some(inner) = at.get(kind) else {
            return false;
        };
        value = naive::holds(world, at);
        match (inner, index) {
            (Canonical::List(items), Some(index)) => match items.get(index) {
                Some(item) => at = item,
                None => return false,
            },
            (_, None) => return depth + 1 == path.split('.').count() && is(value, truth),
            _ => return false,
        }
    }
    is(value, truth)
}

fn is(value: Value, truth: Truth) -> bool {
    matches!(
        (value, truth),
        (Value::No, Truth::False) | (Value::Open, Truth::Unknown)
    )
}
