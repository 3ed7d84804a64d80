//! Whether one condition asks for at least as much as another, as far as their forms show.

use crate::condition::{Condition, ManagerApproval, TimeWindow};

/// Pairs that are compared at most; beyond them the answer is no.
const PAIRS: u32 = 1 << 14;

/// Whether whoever meets `strong` meets `weak`. `true` is certain, `false` is not.
pub(super) fn implies(strong: &Condition, weak: &Condition) -> bool {
    let mut left = PAIRS;
    follows(strong, weak, &mut left)
}

fn follows(strong: &Condition, weak: &Condition, left: &mut u32) -> bool {
    let Some(less) = left.checked_sub(1) else {
        return false;
    };
    *left = less;
    match (strong, weak) {
        (_, Condition::All(members)) => members.iter().all(|weak| follows(strong, weak, left)),
        (Condition::Any(members), _) => members.iter().all(|strong| follows(strong, weak, left)),
        (Condition::All(strong), Condition::Any(weak)) => {
            let whole = Condition::All(strong.clone());
            strong
                .iter()
                .any(|strong| follows(strong, &Condition::Any(weak.clone()), left))
                || weak.iter().any(|weak| follows(&whole, weak, left))
        }
        (Condition::All(members), _) => members.iter().any(|strong| follows(strong, weak, left)),
        (_, Condition::Any(members)) => members.iter().any(|weak| follows(strong, weak, left)),
        (Condition::Not(strong), Condition::Not(weak)) => follows(weak, strong, left),
        (Condition::TimeWindow(strong), Condition::TimeWindow(weak)) => inside(*strong, *weak),
        (Condition::ManagerApproval(strong), Condition::ManagerApproval(weak)) => {
            asks_for_more(strong, weak)
        }
        (strong, weak) => strong == weak,
    }
}

fn inside(strong: TimeWindow, weak: TimeWindow) -> bool {
    let begins = weak
        .from
        .is_none_or(|weak| strong.from.is_some_and(|strong| strong >= weak));
    let ends = weak
        .until
        .is_none_or(|weak| strong.until.is_some_and(|strong| strong <= weak));
    begins && ends
}

fn asks_for_more(strong: &ManagerApproval, weak: &ManagerApproval) -> bool {
    strong.managers.is_subset(&weak.managers)
        && strong.threshold >= weak.threshold
        && strong.fresh_for <= weak.fresh_for
        && strong.oidc >= weak.oidc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutability::OidcApproval;
    use crate::time::UnixSeconds;

    fn window(from: u64, until: u64) -> Condition {
        Condition::TimeWindow(TimeWindow {
            from: Some(UnixSeconds(from)),
            until: Some(UnixSeconds(until)),
        })
    }

    fn approval(threshold: u32, fresh_for: u64) -> Condition {
        Condition::ManagerApproval(ManagerApproval {
            managers: ["a".to_owned(), "b".to_owned()].into(),
            threshold,
            fresh_for,
            oidc: OidcApproval::Refused,
        })
    }

    #[test]
    fn what_asks_for_more_implies_what_asks_for_less_and_not_the_other_way() {
        let not = |inner| Condition::Not(Box::new(inner));
        let profile = || Condition::AttestationMatches("app".into());
        for (strong, weak) in [
            (window(2, 3), window(1, 4)),
            (not(window(1, 4)), not(window(2, 3))),
            (approval(2, 60), approval(1, 300)),
            (profile(), Condition::always()),
            (Condition::Any(Vec::new()), profile()),
            (Condition::All(vec![profile(), window(1, 2)]), window(1, 2)),
            (window(1, 2), Condition::Any(vec![profile(), window(1, 2)])),
            (
                Condition::All(vec![profile(), window(1, 2)]),
                Condition::Any(vec![Condition::All(vec![window(0, 2), profile()])]),
            ),
        ] {
            assert!(implies(&strong, &weak), "{strong:?} {weak:?}");
            assert!(implies(&strong, &strong) && implies(&weak, &weak));
        }
        for (one, other) in [
            (window(1, 3), window(2, 4)),
            (approval(2, 300), approval(1, 60)),
            (profile(), window(1, 2)),
        ] {
            assert!(!implies(&one, &other) && !implies(&other, &one));
        }
    }
}
