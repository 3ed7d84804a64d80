//! The two evaluators agree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use policy_reference::compare;

fn assert_agreement(cases: u64) {
    let coverage = compare::run(0, cases).unwrap_or_else(|reason| panic!("{reason}"));
    println!("{coverage}");
    assert!((20..=80).contains(&coverage.allow_rate()), "{coverage}");
    for decision in ["allow", "stranger", "not owner", "no rule", "condition"] {
        assert!(
            coverage.of(&format!("decision: {decision}")) >= cases / 100,
            "{decision}"
        );
    }
    for taken in ["true", "false"] {
        let reached = coverage.of(&format!("sender of raw-share: {taken}"));
        assert!(reached >= cases / 100, "sender {taken}");
    }
    for kind in [
        "time_window",
        "attestation_matches",
        "caller_holds_role",
        "all",
        "any",
        "not",
    ] {
        for value in ["Yes", "No", "Open"] {
            if (kind, value) != ("caller_holds_role", "Open") {
                assert!(
                    coverage.of(&format!("{kind}: {value}")) > 0,
                    "{kind} {value}"
                );
            }
        }
    }
}

#[test]
fn two_evaluators_agree_on_ten_thousand_generated_cases() {
    assert_agreement(20_000);
}

#[test]
#[ignore = "the long run: a million cases"]
fn two_evaluators_agree_on_a_million_generated_cases() {
    assert_agreement(1_000_000);
}
