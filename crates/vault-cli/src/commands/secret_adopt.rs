//! `secret recover --adopt`: which sets are recorded again, under which names and which policy.

use super::secret_json::owner;
use crate::cli::SecretRecover;
use crate::config::Config;
use crate::context::usage;
use crate::fleet::Fleet;
use std::collections::{BTreeMap, BTreeSet};
use vault_client::constellation::{Outcome, Outcomes};
use vault_client::secret::{RecoveredSet, Secrets, agreed_policy};
use vault_client::{Error, ErrorCode, KeyName, Result};
use vault_policy::VaultId;

/// A policy, and the vaults that tell another one, or none.
type Agreed = (Vec<u8>, Vec<(VaultId, Error)>);

/// What can be known of the names before a vault is asked: that they are names, and free.
pub(super) fn check_names(config: &Config, args: &SecretRecover) -> Result<()> {
    if args.adopt.is_empty() {
        return Ok(());
    }
    let records = Secrets::new(config.secrets()?, owner(config)?);
    let mut names = BTreeSet::new();
    for (_, name) in &args.adopt {
        if !names.insert(name) {
            return Err(usage(format_args!("two sets cannot both be named {name}")));
        }
        match records.record(name) {
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
            Ok(_) => {
                return Err(Error::new(ErrorCode::AlreadyExists)
                    .detail(format_args!("a secret {name} is recorded"))
                    .next("evault secret list"));
            }
        }
    }
    Ok(())
}

/// Which of the sets that were found get which name.
pub(super) fn chosen<'a>(
    sets: &[RecoveredSet],
    adopt: &'a [(String, String)],
) -> Result<BTreeMap<usize, &'a str>> {
    let ids: Vec<_> = sets
        .iter()
        .map(|set| set.set_id.map(|id| id.to_string()).unwrap_or_default())
        .collect();
    let mut chosen = BTreeMap::new();
    for (id, name) in adopt {
        let mut found = (0..ids.len()).filter(|at| {
            let known = ids.get(*at);
            known.is_some_and(|known| known.starts_with(id))
        });
        match (found.next(), found.next()) {
            (Some(at), None) if chosen.insert(at, name.as_str()).is_none() => {}
            (Some(_), None) => return Err(usage(format_args!("set {id} is given two names"))),
            (Some(_), Some(_)) => return Err(usage(format_args!("several sets begin with {id}"))),
            (None, _) => {
                return Err(Error::new(ErrorCode::NotFound)
                    .summary("no such set was found on the vaults")
                    .detail(id)
                    .next("evault secret recover"));
            }
        }
    }
    Ok(chosen)
}

/// One set has one record here: of two, the one that is refreshed makes the other worthless.
pub(super) fn check_unrecorded(records: &Secrets, set: &RecoveredSet) -> Result<()> {
    for name in records.names()? {
        // One that cannot be read says nothing of this set.
        let Ok(record) = records.record(&name) else {
            continue;
        };
        if Some(record.set_id) == set.set_id {
            return Err(Error::new(ErrorCode::AlreadyExists)
                .detail(format_args!("set {} is recorded as {name}", record.set_id))
                .next("evault secret list"));
        }
    }
    Ok(())
}

/// The policy of a set's shares, as its vaults tell it, and those that tell another one or none.
pub(super) async fn told_policy(fleet: &Fleet<'_>, set: &RecoveredSet) -> Result<Agreed> {
    let places = set
        .members
        .iter()
        .map(|place| (place.vault_id, place.handle));
    let places: BTreeMap<_, _> = places.collect();
    let vaults: Vec<_> = places.keys().copied().collect();
    let enough = |answered: &[(usize, Result<Vec<u8>>)]| {
        let told = answered.iter().filter_map(|(_, told)| told.as_ref().ok());
        let told: Vec<_> = told.cloned().collect();
        agreed_policy(&told, set.threshold).is_some()
    };
    let told = fleet
        .until(&vaults, enough, async |connected| {
            let vault = connected.peer.vault_id;
            let handle = places.get(&vault).copied();
            let handle = handle.ok_or_else(|| Error::new(ErrorCode::Internal).vault(vault))?;
            let told = connected.client.policy(KeyName::from(handle)).await?;
            Ok(told.value.0)
        })
        .await;
    let id = set.set_id.map(|id| id.to_string()).unwrap_or_default();
    agreed(&told, set.threshold, &id)
}

/// INVARIANT: one answer of each vault. As many vaults as the threshold must tell the same: fewer
/// could have the next shares stored under a policy of their choice.
fn agreed(told: &Outcomes<Vec<u8>>, threshold: u8, id: &str) -> Result<Agreed> {
    let answers: Vec<_> = told.succeeded().map(|(_, policy)| policy.clone()).collect();
    let Some(policy) = agreed_policy(&answers, threshold) else {
        let each = told.iter().map(tells);
        let each: Vec<_> = each.collect();
        let code = match answers.len() < usize::from(threshold) {
            true => ErrorCode::TooFewVaults,
            false => ErrorCode::VerificationFailed,
        };
        return Err(Error::new(code)
            .detail(format_args!(
                "fewer than {threshold} vaults agree on one policy for the shares of set {id}: \
                 give it with --policy FILE; {}",
                each.join("; ")
            ))
            .next(format!(
                "evault secret recover --adopt {id}=NAME --policy policy.yaml"
            )));
    };
    let others = told.iter().filter_map(|outcome| match &outcome.result {
        Ok(other) if *other == policy => None,
        Ok(_) => Some((outcome.vault_id, tells_another(outcome.vault_id))),
        Err(error) => Some((outcome.vault_id, error.clone().vault(outcome.vault_id))),
    });
    let others = others.collect();
    Ok((policy, others))
}

fn tells_another(vault: VaultId) -> Error {
    Error::new(ErrorCode::VerificationFailed)
        .vault(vault)
        .detail(format_args!(
            "vault {vault} tells another policy for its share than the others"
        ))
        .next("evault secret list")
}

fn tells(outcome: &Outcome<Vec<u8>>) -> String {
    let vault = outcome.vault_id;
    match &outcome.result {
        Ok(policy) => format!("vault {vault}: policy {}", vault_encoding::sha256(policy)),
        Err(error) => format!("vault {vault}: {}", error.code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_client::secret::{Member, SetId};
    use vault_encoding::Hash;
    use vault_policy::KeyHandle;
    use zeroize::Zeroizing;

    fn vault(number: u8) -> VaultId {
        VaultId(Hash([number; 32]))
    }

    /// Vaults 1, 2, … tell these policies, or fail.
    fn told(policies: &[Result<&str, ErrorCode>]) -> Outcomes<Vec<u8>> {
        let told = (1..).zip(policies).map(|(number, policy)| Outcome {
            vault_id: vault(number),
            result: match policy {
                Ok(policy) => Ok(policy.as_bytes().to_vec()),
                Err(code) => Err(Error::new(*code)),
            },
        });
        Outcomes::new(told.collect())
    }

    #[test]
    fn one_vault_that_tells_another_policy_is_named_and_not_followed() {
        for order in [["forged", "a", "a"], ["a", "a", "forged"]] {
            let forger = order.iter().position(|policy| *policy == "forged").unwrap();
            let (policy, others) = agreed(&told(&order.map(Ok)), 2, "5e7").unwrap();
            assert_eq!(policy, b"a");
            let [(named, error)] = others.as_slice() else {
                panic!("{others:?}");
            };
            assert_eq!(*named, vault(forger as u8 + 1));
            assert_eq!(error.code, ErrorCode::VerificationFailed);
        }
    }

    #[test]
    fn without_as_many_as_the_threshold_it_is_refused_and_a_policy_asked_for() {
        let split = told(&[Ok("a"), Ok("b"), Ok("c")]);
        let two = told(&[Ok("a"), Ok("a"), Ok("b"), Ok("b")]);
        let away = told(&[Ok("a"), Err(ErrorCode::Unavailable)]);
        for (told, code) in [
            (split, ErrorCode::VerificationFailed),
            (two, ErrorCode::VerificationFailed),
            (away, ErrorCode::TooFewVaults),
        ] {
            let error = agreed(&told, 2, "5e7").unwrap_err();
            assert_eq!(error.code, code);
            let message = error.message();
            assert!(message.contains("--policy FILE"), "{message}");
            for outcome in &told {
                assert!(message.contains(&outcome.vault_id.to_string()), "{message}");
            }
            assert!(error.next.contains("--policy"), "{}", error.next);
        }
    }

    fn set(number: u8) -> RecoveredSet {
        RecoveredSet {
            secret: Zeroizing::new(Vec::new()),
            set_id: Some(SetId([number; 16])),
            generation: Some(1),
            newest_generation: 1,
            threshold: 2,
            shares: 2,
            complete: true,
            members: vec![Member {
                vault_id: vault(1),
                handle: KeyHandle([1; 16]),
            }],
            retired: Vec::new(),
            others: Vec::new(),
        }
    }

    #[test]
    fn a_set_is_meant_by_the_beginning_of_its_id_and_gets_one_name() {
        let sets = [set(0x11), set(0x12), set(0x33)];
        let adopt = |wanted: &[(&str, &str)]| {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
                .collect();
            let chosen = chosen(&sets, &wanted).map_err(|error| error.code)?;
            Ok(chosen.into_keys().collect::<Vec<_>>())
        };
        assert_eq!(adopt(&[("33", "a"), ("1111", "b")]), Ok(vec![0, 2]));
        for (wanted, code) in [
            (&[("1", "a")][..], ErrorCode::InvalidArgument),
            (&[("33", "a"), ("3", "b")], ErrorCode::InvalidArgument),
            (&[("44", "a")], ErrorCode::NotFound),
        ] {
            assert_eq!(adopt(wanted), Err(code), "{wanted:?}");
        }
    }
}
