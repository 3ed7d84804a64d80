//! What became of each vault's part in a split secret: one outcome for each, and one error where
//! too few did theirs.

use super::secret_json::{entries, say_of_vaults};
use crate::context::Context;
use crate::output::Output;
use std::collections::BTreeMap;
use vault_client::constellation::{Outcome, Outcomes, SplitSecrets};
use vault_client::secret::{Activated, Collected, Failed, Share};
use vault_client::{Error, ErrorCode, Result, Retry};
use vault_policy::VaultId;

/// What a vault did, in a few words.
pub(super) type Did = &'static str;

/// What became of each vault's share, as outcomes: a wrong share is a failure like one that did
/// not come.
pub(super) fn outcomes(collected: &Collected) -> Outcomes<Did> {
    let all = collected.shares.iter().map(|(vault, share)| Outcome {
        vault_id: *vault,
        result: judge(*vault, share),
    });
    Outcomes::new(all.collect())
}

fn judge(vault: VaultId, share: &Share) -> Result<Did> {
    match share {
        Share::Used | Share::Spare => Ok("its share is good"),
        Share::Wrong => Err(wrong(vault, "")),
        Share::Missing(error) => Err(error.clone().vault(vault)),
        Share::Unasked => Err(Error::new(ErrorCode::Timeout)
            .vault(vault)
            .detail("not waited for: the others sufficed")),
    }
}

fn wrong(vault: VaultId, more: &str) -> Error {
    Error::new(ErrorCode::SharesDamaged)
        .vault(vault)
        .detail(format_args!(
            "vault {vault} gave a WRONG share, not the one it was given{more}"
        ))
}

/// What an earlier look at the shares has found besides: who gave a wrong one then, although this
/// time it was not waited for.
pub(super) fn remember(collected: &mut Collected, earlier: &Collected) {
    if collected.shares.is_empty() {
        collected.shares.clone_from(&earlier.shares);
    }
    let wrong = earlier.wrong();
    for (vault, share) in &mut collected.shares {
        if wrong.contains(vault) {
            *share = Share::Wrong;
        }
    }
}

/// Every vault of these lists once, in their order.
pub(super) fn each_once<'a>(lists: impl IntoIterator<Item = &'a VaultId>) -> Vec<VaultId> {
    let mut all = Vec::new();
    for vault in lists {
        if !all.contains(vault) {
            all.push(*vault);
        }
    }
    all
}

fn of<T>(list: &[(VaultId, T)], vault: VaultId) -> Option<&T> {
    let found = list.iter().find(|(other, _)| *other == vault);
    found.map(|(_, what)| what)
}

/// What became of each vault by a split, a refresh or a repair: of every one that holds a share
/// now, or held one before. One that gave a wrong share has failed, also where it got a new one.
pub(super) fn activated(done: &Activated) -> Outcomes<Did> {
    let members: Vec<_> = done.record.members.iter().map(|at| at.vault_id).collect();
    let before = done.collected.shares.iter().map(|(vault, _)| vault);
    let left = done.not_retired.iter().chain(&done.left_on_departed);
    let left = left.map(|(vault, _)| vault);
    let all = members
        .iter()
        .chain(before)
        .chain(&done.retired)
        .chain(left);
    let outcome = |vault| Outcome {
        vault_id: vault,
        result: changed(done, vault, members.contains(&vault)),
    };
    Outcomes::new(each_once(all).into_iter().map(outcome).collect())
}

/// Whether every vault did its part. What is left on a vault that is not of the set any more is
/// told, and takes nothing from the result.
pub(super) fn is_clean(done: &Activated, outcomes: &Outcomes<Did>) -> bool {
    let wrong = done.collected.wrong();
    let is_left = |vault| of(&done.left_on_departed, vault).is_some() && !wrong.contains(&vault);
    outcomes.failed().all(|(vault, _)| is_left(vault))
}

fn changed(done: &Activated, vault: VaultId, is_member: bool) -> Result<Did> {
    let left = of(&done.not_retired, vault).or_else(|| of(&done.left_on_departed, vault));
    match (of(&done.collected.shares, vault), left) {
        (Some(Share::Wrong), Some(error)) => {
            let left = format!("; an old share may still be there: {}", error.code);
            Err(wrong(vault, &left))
        }
        (Some(Share::Wrong), None) if is_member => Err(wrong(vault, "; it has a new one now")),
        (Some(Share::Wrong), None) => Err(wrong(vault, "; it holds none any more")),
        (_, Some(error)) => Err(error.clone().vault(vault)),
        (Some(Share::Missing(error)), None) if is_member => {
            let why = error.detail.as_deref().map(|why| format!("{why}; "));
            let why = why.unwrap_or_default();
            let told = format!("{why}its share was missing; it has a new one now");
            Err(error.clone().vault(vault).detail(told))
        }
        _ if is_member => Ok("holds a share"),
        _ => Ok("holds none any more"),
    }
}

/// What became of each vault where nothing was changed.
fn unchanged(failed: &Failed) -> Outcomes<Did> {
    let shares = failed.collected.shares.iter().map(|(vault, _)| vault);
    let others = failed.not_prepared.iter().chain(&failed.not_retired);
    let others = others.chain(&failed.left_on_departed);
    let all = each_once(shares.chain(others.map(|(vault, _)| vault)));
    let outcome = |vault| Outcome {
        vault_id: vault,
        result: left_as_it_was(failed, vault),
    };
    Outcomes::new(all.into_iter().map(outcome).collect())
}

fn left_as_it_was(failed: &Failed, vault: VaultId) -> Result<Did> {
    let share = of(&failed.collected.shares, vault);
    let refused = of(&failed.not_prepared, vault)
        .or_else(|| of(&failed.not_retired, vault))
        .or_else(|| of(&failed.left_on_departed, vault));
    match (share, refused) {
        (Some(Share::Wrong), Some(error)) => {
            let more = format!("; and took no new one: {}", error.code);
            Err(wrong(vault, &more))
        }
        (Some(Share::Wrong), None) => Err(wrong(vault, "")),
        (_, Some(error)) => Err(error.clone().vault(vault)),
        (Some(share), None) => judge(vault, share),
        (None, None) => Ok("holds no share"),
    }
}

/// One line for each vault.
pub(super) fn lines(outcomes: &Outcomes<Did>) -> String {
    let line = |outcome: &Outcome<Did>| match &outcome.result {
        Ok(did) => format!("{}  {did}", outcome.vault_id),
        Err(error) => format!("{}  {} [{}]", outcome.vault_id, error.message(), error.code),
    };
    let lines: Vec<_> = outcomes.iter().map(line).collect();
    lines.join("\n")
}

/// That there is no result, why, and what became of every vault. `next` may name another command
/// to try.
pub(super) fn refused(
    context: &Context,
    split: &SplitSecrets,
    failed: Failed,
    next: impl FnOnce(Error) -> Error,
) -> Output {
    say_of_vaults(context, split);
    let outcomes = unchanged(&failed);
    let (vaults, lines) = (entries(split, &outcomes), lines(&outcomes));
    Output::failed(next(failure(failed)), vaults, lines)
}

/// One error for a failure on several vaults, which names every vault that failed and why.
fn failure(failed: Failed) -> Error {
    let Failed {
        error,
        collected,
        not_prepared,
        not_retired,
        left_on_departed,
    } = failed;
    // Where all refused for one reason, that reason helps more than their number.
    let error = match (error.code, refusal(&collected, &not_prepared)) {
        (ErrorCode::TooFewVaults, Some(refusal)) => refusal,
        _ => error,
    };
    let mut failures: BTreeMap<VaultId, ErrorCode> = BTreeMap::new();
    let left = not_retired.iter().chain(&left_on_departed);
    for (vault, why) in left.chain(&not_prepared) {
        failures.insert(*vault, why.code);
    }
    for (vault, share) in &collected.shares {
        match share {
            Share::Missing(why) => drop(failures.entry(*vault).or_insert(why.code)),
            Share::Wrong => drop(failures.insert(*vault, ErrorCode::SharesDamaged)),
            Share::Used | Share::Spare | Share::Unasked => {}
        }
    }
    let told = failures
        .iter()
        .map(|(vault, code)| format!("vault {vault}: {code}"));
    let told: Vec<_> = error.detail.iter().cloned().chain(told).collect();
    if told.is_empty() {
        return error;
    }
    error.detail(told.join("; "))
}

/// Evidence against a vault, or what all that did not store a share, or else all that were to give one,
/// refused alike.
fn refusal(collected: &Collected, not_prepared: &[(VaultId, Error)]) -> Option<Error> {
    let not_given = collected
        .shares
        .iter()
        .filter_map(|(_, share)| match share {
            Share::Missing(error) => Some(error),
            Share::Used | Share::Spare | Share::Wrong | Share::Unasked => None,
        });
    let mut failed = not_prepared.iter().map(|(_, error)| error).chain(not_given);
    if let Some(evidence) = failed.find(|error| error.code.is_contradiction()) {
        return Some(evidence.clone());
    }
    let Some((_, first)) = not_prepared.first() else {
        let one = outcomes(collected).error(1)?;
        let refused = one.retry != Retry::Later && one.code != ErrorCode::SharesDamaged;
        return refused.then_some(one);
    };
    let same = not_prepared
        .iter()
        .all(|(_, error)| error.code == first.code);
    (same && first.retry != Retry::Later).then(|| first.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::secret_json::missing;
    use vault_encoding::Hash;

    fn vault(number: u8) -> VaultId {
        VaultId(Hash([number; 32]))
    }

    fn missing_for(code: ErrorCode) -> Share {
        Share::Missing(Error::new(code))
    }

    fn failed(shares: [Share; 2]) -> Failed {
        let vaults = [vault(1), vault(2)].into_iter();
        Failed {
            collected: Collected {
                shares: vaults.zip(shares).collect(),
            },
            ..Failed::from(Error::new(ErrorCode::TooFewVaults).detail("2 needed"))
        }
    }

    #[test]
    fn too_few_vaults_are_each_named_with_their_reason() {
        let shares = [
            missing_for(ErrorCode::Unavailable),
            missing_for(ErrorCode::Locked),
        ];
        let error = failure(failed(shares));
        assert_eq!(error.code, ErrorCode::TooFewVaults);
        let message = error.message();
        for part in [
            "2 needed",
            &format!("{}: unavailable", vault(1)),
            &format!("{}: locked", vault(2)),
        ] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }

    #[test]
    fn a_refusal_that_all_vaults_share_is_the_error() {
        let code = ErrorCode::SenderConstraintRequired;
        let error = failure(failed([missing_for(code), missing_for(code)]));
        assert_eq!(error.code, code);
    }

    #[test]
    fn what_all_vaults_refused_to_store_for_is_the_error() {
        let mut failed = failed([Share::Used, Share::Used]);
        let refused = Error::new(ErrorCode::QuotaExceeded);
        failed.not_prepared = vec![(vault(1), refused.clone()), (vault(2), refused)];
        let error = failure(failed);
        assert_eq!(error.code, ErrorCode::QuotaExceeded);
        assert!(error.message().contains(&vault(2).to_string()), "{error}");
    }

    #[test]
    fn a_wrong_share_is_a_failure_of_its_vault_although_the_goal_was_met() {
        let vaults = [vault(1), vault(2), vault(3)].into_iter();
        let shares = [Share::Used, Share::Wrong, Share::Unasked];
        let collected = Collected {
            shares: vaults.zip(shares).collect(),
        };
        let told = outcomes(&collected);
        let codes: Vec<_> = told
            .failed()
            .map(|(vault, error)| (vault, error.code))
            .collect();
        let wrong = (vault(2), ErrorCode::SharesDamaged);
        assert_eq!(codes, [wrong, (vault(3), ErrorCode::Timeout)]);
        assert_eq!(missing(&collected), [vault(3)]);
    }
}
