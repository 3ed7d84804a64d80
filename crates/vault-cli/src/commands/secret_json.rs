//! What the commands of split secrets have in common: the vaults, the owner key, and how each
//! vault's part is told.

use crate::config::{Config, invalid};
use crate::context::Context;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use vault_client::constellation::{Outcome, Outcomes, SplitSecrets};
use vault_client::secret::{
    Activated, Collected, Failed, OwnerKey, OwnerKeyFile, Secrets, SetRecord, Share,
};
use vault_client::{Error, ErrorCode, Result, Retry};
use vault_policy::VaultId;

/// The vaults of the constellation, which alone hold shares.
pub(super) fn on_constellation(
    fleet: &Fleet<'_>,
    config: &Config,
    owner: OwnerKey,
) -> Result<SplitSecrets> {
    let constellation = fleet.constellation().ok_or_else(|| {
        invalid("shares are kept by a constellation: set manifest and [constellation]")
    })?;
    Ok(constellation.secrets(Secrets::new(config.secrets()?, owner)))
}

/// The owner key that must be there.
pub(super) fn owner(config: &Config) -> Result<OwnerKey> {
    let file = OwnerKeyFile::new(config.owner_key()?);
    file.load()?.ok_or_else(|| {
        Error::new(ErrorCode::NotFound)
            .detail(format_args!(
                "there is no owner key {}",
                file.path().display()
            ))
            .next("evault owner import owner.key.copy.json")
    })
}

/// What became of each vault's share, as outcomes: a wrong share is a failure like one that did
/// not come.
pub(super) fn outcomes(collected: &Collected) -> Outcomes<()> {
    let all = collected.shares.iter().map(|(vault, share)| Outcome {
        vault_id: *vault,
        result: match share {
            Share::Used | Share::Spare => Ok(()),
            Share::Wrong => {
                Err(Error::new(ErrorCode::SharesDamaged)
                    .vault(*vault)
                    .detail(format_args!(
                        "vault {vault} gave a share that is not the one it was given"
                    )))
            }
            Share::Missing(error) => Err(error.clone()),
            Share::Unasked => Err(Error::new(ErrorCode::Timeout)
                .vault(*vault)
                .detail("not waited for: the others sufficed")),
        },
    });
    Outcomes::new(all.collect())
}

/// Vaults from which no share came, for whatever reason.
pub(super) fn missing(collected: &Collected) -> Vec<VaultId> {
    let is = |share: &Share| matches!(share, Share::Missing(_) | Share::Unasked);
    let missing = collected.shares.iter().filter(|(_, share)| is(share));
    missing.map(|(vault, _)| *vault).collect()
}

/// Ids as JSON.
pub(super) fn ids<'a>(vaults: impl IntoIterator<Item = &'a VaultId>) -> Value {
    vaults.into_iter().map(ToString::to_string).collect()
}

/// The members `used,wrong,missing`.
pub(super) fn judged(collected: &Collected) -> [(&'static str, Value); 3] {
    [
        ("used", ids(&collected.used())),
        ("wrong", ids(&collected.wrong())),
        ("missing", ids(&missing(collected))),
    ]
}

/// The members `name,set_id,generation,threshold,shares`.
pub(super) fn described(record: &SetRecord) -> Map<String, Value> {
    let members = [
        ("name", json!(record.name)),
        ("set_id", json!(record.set_id.to_string())),
        ("generation", json!(record.generation)),
        ("threshold", json!(record.threshold)),
        ("shares", json!(record.shares)),
    ];
    let members = members.into_iter();
    members
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The entries of `vaults`, with the receipt of what each confirmed last.
pub(super) fn entries<'a, T: 'a>(
    split: &SplitSecrets,
    outcomes: impl IntoIterator<Item = &'a Outcome<T>>,
) -> Value {
    let receipts = split.receipts();
    let entry = |outcome: &Outcome<T>| match (&outcome.result, receipts.get(&outcome.vault_id)) {
        (Ok(_), Some(done)) => output::vault(&done.peer, Some(&done.receipt)),
        (Ok(_), None) => json!({
            "vault_id": outcome.vault_id.to_string(),
            "ok": true,
            "simulated": null,
            "receipt": null,
            "error": null,
        }),
        (Err(error), _) => output::failed_vault(outcome.vault_id, error),
    };
    outcomes.into_iter().map(entry).collect()
}

/// What became of each vault after a split, a refresh or a repair: those that hold a share now,
/// and those that could not be freed of an old one.
pub(super) fn activated(done: &Activated) -> Outcomes<()> {
    let mut all: Vec<_> = done
        .record
        .members
        .iter()
        .map(|place| Outcome {
            vault_id: place.vault_id,
            result: Ok(()),
        })
        .collect();
    for (vault, error) in &done.not_retired {
        let error = error.clone().vault(*vault);
        match all.iter_mut().find(|outcome| outcome.vault_id == *vault) {
            Some(outcome) => outcome.result = Err(error),
            None => all.push(Outcome {
                vault_id: *vault,
                result: Err(error),
            }),
        }
    }
    Outcomes::new(all)
}

/// How it ends where the goal was met: partial if any vault failed.
pub(super) fn exit(context: &Context, clean: bool) -> Exit {
    match clean || context.global.allow_partial {
        true => Exit::Done,
        false => Exit::Partial,
    }
}

/// One error for a failure on several vaults, which names every vault that failed and why.
pub(super) fn failure(failed: Failed) -> Error {
    let Failed {
        error,
        collected,
        not_prepared,
        not_retired,
    } = failed;
    // Where all refused for one reason, that reason helps more than their number.
    let error = match (error.code, refusal(&collected, &not_prepared)) {
        (ErrorCode::TooFewVaults, Some(refusal)) => refusal,
        _ => error,
    };
    let mut failures: BTreeMap<VaultId, ErrorCode> = BTreeMap::new();
    for (vault, why) in not_prepared.iter().chain(&not_retired) {
        failures.insert(*vault, why.code);
    }
    for (vault, share) in &collected.shares {
        if let Share::Missing(why) = share {
            failures.entry(*vault).or_insert(why.code);
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

/// What all that did not store a share, or else all that were to give one, refused alike.
fn refusal(collected: &Collected, not_prepared: &[(VaultId, Error)]) -> Option<Error> {
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

/// Says on stderr which vaults failed although the goal was met.
pub(super) fn note_failures(context: &Context, outcomes: &Outcomes<()>) {
    for (vault, error) in outcomes.failed() {
        context.note_failure(&vault, error);
    }
}

/// Says so where a simulated vault had a part in it, or a wrong place was named for one.
pub(super) fn say_of_vaults(context: &Context, split: &SplitSecrets) {
    let receipts = split.receipts();
    let mut peers = receipts.values().map(|done| &done.peer);
    if peers.any(|peer| peer.evidence.claims().simulated) {
        context.note_simulated();
    }
    let vaults: Vec<_> = receipts.keys().copied().collect();
    context.note_refused(split.constellation(), &vaults);
}

#[cfg(test)]
mod tests {
    use super::*;
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
