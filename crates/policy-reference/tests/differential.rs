//! The two implementations agree, and the cases reach everything there is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use policy_reference::compare::{
    CHANGES, DECISIONS, Kind, LOCKOUTS, SEQUENCES, SHAPES, SIMULATIONS,
};
use policy_reference::coverage::Coverage;
use policy_reference::naive::change::FIELDS;
use std::time::Instant;

/// Of decisions; of what takes longer, one in so many of these. `EVAULT_POLICY_CASES`
/// sets another number, `EVAULT_POLICY_SEED` the first seed.
const CASES: u64 = 24_000;
const CHANGE: u64 = 2;
const SHAPE: u64 = 12;
const LOCKOUT: u64 = 12;
const SEQUENCE: u64 = 48;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |number| number.parse().unwrap())
}

/// Runs one kind on all processors and says what it reached.
fn covered(kind: &Kind, share: u64) -> Coverage {
    let cases = number("EVAULT_POLICY_CASES", CASES) / share;
    let first = number("EVAULT_POLICY_SEED", 0);
    println!("{}: seeds from {first} to {}", kind.name, first + cases - 1);
    let start = Instant::now();
    let coverage = kind
        .spread(first, cases)
        .unwrap_or_else(|seed| panic!("seed {seed}: {}", (kind.explain)(seed).unwrap()));
    println!("{coverage}in {:?}", start.elapsed());
    coverage
}

/// Each of these at least once in so many cases.
fn reaches<'a>(coverage: &Coverage, one_in: u64, wanted: impl IntoIterator<Item = &'a str>) {
    let missing: Vec<&str> = wanted
        .into_iter()
        .filter(|what| coverage.of(what) <= coverage.cases() / one_in)
        .collect();
    assert!(missing.is_empty(), "hardly reached: {missing:?}");
}

/// Both kinds of callers meet profiles of both, and match those of their own alone.
fn assert_kinds_stay_apart(coverage: &Coverage) {
    let reached = [
        "caller: enclave allowed",
        "caller: enclave denied",
        "caller: trust domain allowed",
        "caller: trust domain denied",
        "profile of enclaves, enclave: Yes",
        "profile of enclaves, enclave: No",
        "profile of enclaves, trust domain: No",
        "profile of trust domains, enclave: No",
        "profile of trust domains, trust domain: Yes",
        "profile of trust domains, trust domain: No",
    ];
    reaches(coverage, 500, reached);
    for of_other in ["enclaves, trust domain", "trust domains, enclave"] {
        for value in ["Yes", "Open"] {
            let what = format!("profile of {of_other}: {value}");
            assert_eq!(coverage.of(&what), 0, "{what}");
        }
    }
}

fn assert_calls_reach_everything(coverage: &Coverage) {
    assert!((20..=80).contains(&coverage.allow_rate()), "{coverage}");
    let decisions = [
        "decision: allow",
        "decision: stranger",
        "decision: not_owner",
        "decision: not_manager",
        "decision: no_rule",
        "decision: second_factor",
        "decision: condition_false",
        "decision: condition_unknown",
        "sender of raw-share: true",
        "sender of raw-share: false",
    ];
    reaches(coverage, 200, decisions);
    for action in [
        "sign",
        "verify",
        "get_public_key",
        "stage_profile",
        "get_key",
        "get_policy",
        "delete_key",
        "update_policy",
        "list_profiles",
        "promote_profile",
        "revoke_profile",
        "cancel_deletion",
        "issue_approval",
        "begin_approval",
    ] {
        for outcome in ["allowed", "denied"] {
            reaches(
                coverage,
                2000,
                [format!("action: {action} {outcome}").as_str()],
            );
        }
    }
    let leaves = ["attestation_matches", "time_window", "manager_approval"];
    for kind in [&leaves[..], &["all", "any", "not"]].concat() {
        for value in ["Yes", "No", "Open"] {
            reaches(coverage, 1000, [format!("{kind}: {value}").as_str()]);
        }
    }
    reaches(
        coverage,
        500,
        ["caller_holds_role: Yes", "caller_holds_role: No"],
    );
    assert_kinds_stay_apart(coverage);
    for (counted, threshold) in [
        (0, 1),
        (1, 1),
        (2, 1),
        (0, 2),
        (1, 2),
        (2, 2),
        (3, 2),
        (2, 3),
        (3, 3),
    ] {
        let what = format!("manager_approval: {counted} of {threshold} persons");
        reaches(coverage, 5000, [what.as_str()]);
    }
    reaches(
        coverage,
        500,
        ["manager_approval: a person at an unknown time"],
    );
    for answer in [
        "allow",
        "stranger",
        "not_owner",
        "no_rule",
        "condition_false",
    ] {
        reaches(
            coverage,
            2000,
            [format!("a certificate alone: {answer}").as_str()],
        );
    }
    for count in 0..=4 {
        reaches(coverage, 100, [format!("approvals: {count}").as_str()]);
    }
}

fn assert_changes_reach_everything(coverage: &Coverage) {
    let refusals = [
        "no_change",
        "immutable",
        "profile_added",
        "profile_changed",
        "usage_widened",
        "window_shortened",
        "unsealed",
        "mutability_lowered",
    ];
    for code in refusals {
        let (reached, alone) = (format!("refused: {code}"), format!("refused alone: {code}"));
        reaches(coverage, 500, [reached.as_str()]);
        reaches(coverage, 2000, [alone.as_str()]);
    }
    let verdicts = [
        "takes: the owner",
        "takes: 1 managers",
        "takes: 2 managers",
        "takes: 3 managers",
        "verdict: updated",
        "verdict: refused",
        "verdict: not usable",
        "verdict: approvals are missing",
        "verdict: promoted",
        "verdict: promotion refused",
        "promotion refused: immutable",
        "promotion refused: no_change",
        "promotion refused: approval_missing",
    ];
    reaches(coverage, 500, verdicts);
    let reserved = [
        "expires_at",
        "rotation_period",
        "usage_limit",
        "recovery",
        "export",
    ];
    for field in FIELDS {
        if reserved.iter().any(|name| field.contains(name)) {
            continue;
        }
        for level in ["owner", "quorum", "quorum with oidc", "immutable"] {
            if field != "principals.owner" || level == "immutable" {
                reaches(
                    coverage,
                    5000,
                    [format!("changed: {field} at {level}").as_str()],
                );
            }
        }
    }
}

#[test]
fn two_evaluators_agree_on_generated_calls_which_reach_every_answer() {
    assert_calls_reach_everything(&covered(&DECISIONS, 1));
}

#[test]
fn two_judges_of_changes_agree_on_generated_edits_which_reach_every_refusal() {
    assert_changes_reach_everything(&covered(&CHANGES, CHANGE));
}

#[test]
fn two_readers_agree_on_flawed_policies_and_on_documents_that_leave_defaults_out() {
    let coverage = covered(&SHAPES, SHAPE);
    for code in [
        "name_taken",
        "credential_taken",
        "unknown_principal",
        "unknown_profile",
        "unknown_manager",
        "quorum_without_managers",
        "quorum_too_low",
        "not_enforced",
    ] {
        reaches(&coverage, 200, [format!("fault: {code}").as_str()]);
    }
    reaches(&coverage, 4, ["well formed"]);
}

#[test]
fn what_is_refused_because_nobody_could_use_or_govern_it_is_not_used_by_any_call_made_up() {
    let coverage = covered(&LOCKOUTS, LOCKOUT);
    let verdicts = [
        "usable",
        "sealed",
        "not of the type",
        "not governable",
        "nobody was found",
    ];
    reaches(&coverage, 100, verdicts);
}

#[test]
fn no_six_updates_by_one_principal_reach_what_the_first_policy_did_not_imply() {
    let coverage = covered(&SEQUENCES, SEQUENCE);
    for updates in [1, 2, 3, 6] {
        reaches(&coverage, 200, [format!("updates: {updates}").as_str()]);
    }
    reaches(&coverage, 200, ["updates by whom no right rests on"]);
    for field in [
        "operations",
        "principals.managers",
        "principals.tees",
        "mutability",
    ] {
        reaches(&coverage, 200, [format!("changed: {field}").as_str()]);
    }
}

#[test]
fn a_simulated_call_is_answered_as_the_call_would_be() {
    let coverage = covered(&SIMULATIONS, SHAPE);
    reaches(&coverage, 5, ["allowed", "denied for want of something"]);
    assert_eq!(coverage.of("allowed, and something is missing"), 0);
}
