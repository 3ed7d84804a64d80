//! Several vaults at once: none hidden, none waited for longer than it is worth, none asked twice
//! for what counts.

use super::*;
use crate::constellation::fan::{Attempt, Effect, Reached, each, first, gather};
use crate::constellation::outcome::Goal;
use tokio::time::{Instant, sleep};

const HEDGE: Duration = Duration::from_millis(300);

fn failing(code: ErrorCode, reached: Reached) -> Attempt {
    Attempt {
        error: Error::new(code),
        reached,
    }
}

/// How many times each vault was asked.
#[derive(Default)]
struct Calls(Mutex<Vec<VaultId>>);

impl Calls {
    fn note(&self, vault: VaultId) {
        self.0.lock().unwrap().push(vault);
    }

    fn all(&self) -> Vec<VaultId> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn every_vault_is_asked_at_once_and_every_outcome_is_told_in_order() {
    let vaults = [vault(1), vault(2), vault(3)];
    let begun = Instant::now();
    let outcomes = each(&vaults, |id| async move {
        sleep(Duration::from_secs(if id == vault(1) { 5 } else { 1 })).await;
        match id == vault(2) {
            true => Err(Error::new(ErrorCode::Locked)),
            false => Ok(id),
        }
    })
    .await;
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    let told: Vec<_> = outcomes.iter().map(|outcome| outcome.vault_id).collect();
    assert_eq!(told, vaults);
    assert_eq!(outcomes.goal(2), Goal::Partial);
    assert_eq!(outcomes.failed().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_vault_does_not_delay_a_goal_that_is_met() {
    let vaults = [vault(1), vault(2), vault(3)];
    let begun = Instant::now();
    let two = |answered: &[(usize, Result<VaultId>)]| answered.len() >= 2;
    let outcomes = gather(&vaults, HEDGE, two, |id| async move {
        if id == vault(1) {
            std::future::pending::<()>().await;
        }
        Ok(id)
    })
    .await;
    assert_eq!(begun.elapsed(), HEDGE);
    assert_eq!(outcomes.goal(2), Goal::Partial);
    let (missing, error) = outcomes.failed().next().unwrap();
    assert_eq!((missing, error.code), (vault(1), ErrorCode::Timeout));
}

#[tokio::test(start_paused = true)]
async fn a_failure_moves_on_at_once_and_is_told_beside_the_answer() {
    let begun = Instant::now();
    let answer = first(
        &[vault(1), vault(2)],
        Effect::None,
        HEDGE,
        |id| async move {
            match id == vault(1) {
                true => Err(failing(ErrorCode::Unavailable, Reached::Vault)),
                false => Ok(7),
            }
        },
    )
    .await
    .unwrap();
    assert_eq!((answer.vault_id, answer.value), (vault(2), 7));
    assert_eq!(answer.failed[0].0, vault(1));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn silence_is_hedged_and_the_loser_is_dropped() {
    let calls = Calls::default();
    let finished = Calls::default();
    let begun = Instant::now();
    let answer = first(&[vault(1), vault(2)], Effect::None, HEDGE, |id| {
        let (calls, finished) = (&calls, &finished);
        async move {
            calls.note(id);
            if id == vault(1) {
                sleep(Duration::from_secs(10)).await;
            }
            finished.note(id);
            Ok::<_, Attempt>(id)
        }
    })
    .await
    .unwrap();
    assert_eq!(answer.vault_id, vault(2));
    assert_eq!(begun.elapsed(), HEDGE);
    assert_eq!(calls.all(), [vault(1), vault(2)]);
    assert_eq!(finished.all(), [vault(2)]);
}

#[tokio::test(start_paused = true)]
async fn the_slower_of_two_wins_if_it_answers_first_after_all() {
    let answer = first(
        &[vault(1), vault(2)],
        Effect::None,
        HEDGE,
        |id| async move {
            let wait = if id == vault(1) { 400 } else { 1000 };
            sleep(Duration::from_millis(wait)).await;
            Ok::<_, Attempt>(id)
        },
    )
    .await
    .unwrap();
    assert_eq!(answer.vault_id, vault(1));
}

#[tokio::test(start_paused = true)]
async fn what_counts_is_never_hedged_and_never_made_again_where_it_may_have_happened() {
    let calls = Calls::default();
    let begun = Instant::now();
    let answer = first(&[vault(1), vault(2)], Effect::Once, HEDGE, |id| {
        calls.note(id);
        async move {
            sleep(Duration::from_secs(10)).await;
            Ok::<_, Attempt>(id)
        }
    })
    .await
    .unwrap();
    assert_eq!(answer.vault_id, vault(1));
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    let lost = first(&[vault(1), vault(2)], Effect::Once, HEDGE, |id| {
        calls.note(id);
        async { Err::<(), _>(failing(ErrorCode::Unavailable, Reached::Vault)) }
    })
    .await
    .unwrap_err();
    assert_eq!(lost.code, ErrorCode::Unavailable);
    assert_eq!(calls.all(), [vault(1), vault(1)]);
}

/// Which vaults are asked for something that counts, when each fails like this.
async fn asked(effect: Effect, attempt: &Attempt) -> Vec<VaultId> {
    let calls = Calls::default();
    let vaults = [vault(1), vault(2), vault(3)];
    let failed = first(&vaults, effect, HEDGE, |id| {
        calls.note(id);
        async { Err::<(), _>(attempt.clone()) }
    })
    .await;
    assert!(failed.is_err());
    calls.all()
}

#[tokio::test(start_paused = true)]
async fn of_all_failures_only_refusals_let_what_counts_go_on_to_the_next_vault() {
    let refusals = [
        ErrorCode::InvalidArgument,
        ErrorCode::TooLarge,
        ErrorCode::PolicyInvalid,
        ErrorCode::Unauthenticated,
        ErrorCode::TokenExpired,
        ErrorCode::NotAttested,
        ErrorCode::EvidenceRefused,
        ErrorCode::RoleRequired,
        ErrorCode::PolicyDenied,
        ErrorCode::UsageDenied,
        ErrorCode::NotFound,
        ErrorCode::Locked,
        ErrorCode::RateLimited,
        ErrorCode::QuotaExceeded,
        ErrorCode::IssuerUnavailable,
        ErrorCode::TimeUnknown,
        ErrorCode::SenderConstraintRequired,
        ErrorCode::DpopNonceRequired,
        ErrorCode::GovernanceRefused,
        ErrorCode::ApprovalRefused,
        ErrorCode::VersionConflict,
        ErrorCode::PendingDeletion,
        ErrorCode::UpdateRefused,
    ];
    let all = [vault(1), vault(2), vault(3)];
    for code in ErrorCode::ALL {
        let once = |reached| {
            let attempt = failing(code, reached);
            async move { asked(Effect::Once, &attempt).await }
        };
        let refused = refusals.contains(&code);
        let expected = if refused { &all[..] } else { &all[..1] };
        assert_eq!(once(Reached::Vault).await, expected, "{code}");
        assert_eq!(once(Reached::Effect).await, all[..1], "{code}");
        assert_eq!(once(Reached::Nowhere).await, all, "{code}");
        let read = asked(Effect::None, &failing(code, Reached::Effect)).await;
        assert_eq!(read, all, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_none_answers_every_failure_is_named() {
    let error = first(&[vault(1), vault(2)], Effect::None, HEDGE, |_| async {
        Err::<(), _>(failing(ErrorCode::Unavailable, Reached::Vault))
    })
    .await
    .unwrap_err();
    assert_eq!(error.code, ErrorCode::TooFewVaults);
    for id in [vault(1), vault(2)] {
        assert!(error.message().contains(&id.to_string()), "{error}");
    }
    let none = first(&[], Effect::None, HEDGE, |_| async {
        Ok::<(), Attempt>(())
    })
    .await;
    assert_eq!(none.unwrap_err().code, ErrorCode::TooFewVaults);
}
