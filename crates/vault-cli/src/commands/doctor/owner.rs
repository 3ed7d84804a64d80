//! The owner key, and where the shares of split secrets are.

use super::check::{Checks, Found};
use crate::commands::vault_list::short;
use crate::config::Config;
use crate::fleet::Fleet;
use std::collections::{BTreeMap, BTreeSet};
use vault_client::secret::{Member as Place, OwnerKey, OwnerKeyFile, Secrets, SetRecord};
use vault_client::{Constellation, Result};
use vault_governance::Manifest;
use vault_policy::VaultId;

pub(super) fn check(config: &Config, fleet: &Fleet<'_>, checks: &mut Checks) {
    let Some(constellation) = fleet.constellation() else {
        return;
    };
    match owner_key(config) {
        Ok((found, None)) => checks.add("owner key", found),
        Ok((found, Some(owner))) => {
            checks.add("owner key", found);
            if let Err(error) = secrets(config, owner, constellation, checks) {
                checks.add("split secrets", Err(error));
            }
        }
        Err(error) => checks.add("owner key", Err(error)),
    }
}

fn owner_key(config: &Config) -> Result<(Found, Option<OwnerKey>)> {
    let file = OwnerKeyFile::new(config.owner_key()?);
    let Some(owner) = file.load()? else {
        let none = "none yet: the first `evault secret split` makes one";
        return Ok((Found::Well(none.to_owned()), None));
    };
    let found = match file.exported()? {
        Some(true) => Found::Well(format!("{}, exported", file.path().display())),
        _ => Found::warning(
            "there is no copy of it: with it, unlinkability and blame of split secrets are lost",
            "evault owner export owner.key.copy.json",
        ),
    };
    Ok((found, Some(owner)))
}

fn secrets(
    config: &Config,
    owner: OwnerKey,
    constellation: &Constellation,
    checks: &mut Checks,
) -> Result<()> {
    let secrets = Secrets::new(config.secrets()?, owner);
    for name in secrets.names()? {
        let check = format!("secret {name}");
        match secrets.record(&name) {
            Ok(record) => {
                let manifest = constellation.manifest();
                checks.add(check, spread(&record, manifest));
                if let Some(found) = departed(&record, manifest) {
                    checks.add(format!("old shares of {name}"), found);
                }
            }
            Err(error) => checks.add(check, Err(error)),
        }
    }
    Ok(())
}

/// The first thing that is not as it should be.
fn spread(record: &SetRecord, manifest: &Manifest) -> Found {
    let name = &record.name;
    let need = usize::from(record.threshold);
    let mut operators: BTreeMap<&str, usize> = BTreeMap::new();
    let mut machines: BTreeMap<String, usize> = BTreeMap::new();
    let mut gone: Vec<VaultId> = Vec::new();
    for place in &record.members {
        match manifest.member(&place.vault_id) {
            Some(member) => {
                *operators.entry(&member.operator).or_default() += 1;
                *machines.entry(member.platform_id.to_string()).or_default() += 1;
            }
            None => gone.push(place.vault_id),
        }
    }
    if !gone.is_empty() {
        let gone: Vec<_> = gone.iter().map(short).collect();
        let detail = format!(
            "shares on vaults that are no members any more: {}",
            gone.join(", ")
        );
        return Found::warning(detail, format!("evault secret repair {name}"));
    }
    if let Some(found) = unfinished(record) {
        return found;
    }
    let machine = machines.iter().find(|(_, shares)| **shares >= need);
    if let Some((machine, shares)) = machine {
        let detail =
            format!("{shares} shares on one machine, {machine}, and {need} give the secret");
        return Found::warning(detail, "evault constellation show");
    }
    let operator = operators.iter().find(|(_, shares)| **shares >= need);
    if let Some((operator, shares)) = operator {
        let detail =
            format!("{shares} shares with one operator, {operator}, and {need} give the secret");
        return Found::warning(detail, "evault constellation show");
    }
    Found::Well(format!(
        "{need} of {}, generation {}",
        record.shares, record.generation
    ))
}

/// What a refresh left behind that was interrupted, or that did not reach every vault of the set.
fn unfinished(record: &SetRecord) -> Option<Found> {
    let refresh = format!("evault secret refresh {}", record.name);
    let old: BTreeSet<_> = left(record, true).map(|place| place.vault_id).collect();
    if !old.is_empty() {
        let old: Vec<_> = old.iter().map(short).collect();
        let detail = format!(
            "old shares may still lie on {}: refresh again, when they can be reached",
            old.join(", ")
        );
        return Some(Found::warning(detail, refresh));
    }
    let next = record.preparing.as_ref()?.generation;
    let detail = format!("generation {next} was begun, and never came into force");
    Some(Found::warning(detail, refresh))
}

/// Places that may hold a share that is not in force, on vaults of the set or on others.
fn left(record: &SetRecord, of_the_set: bool) -> impl Iterator<Item = &Place> {
    let begun = record.begun.iter().map(|begun| &begun.place);
    let is_of_it = |vault| record.members.iter().any(|at| at.vault_id == vault);
    let left = record.retired.iter().chain(begun);
    left.filter(move |place| is_of_it(place.vault_id) == of_the_set)
}

/// Old shares on vaults that are not of the set any more: what they are worth, and what can be
/// done. Every refresh tries to destroy them, and may never reach them.
fn departed(record: &SetRecord, manifest: &Manifest) -> Option<Found> {
    let need = usize::from(record.threshold);
    let places: Vec<_> = left(record, false).collect();
    let vaults: BTreeSet<_> = places.iter().map(|place| place.vault_id).collect();
    let listed = vaults.iter().any(|vault| manifest.member(vault).is_some());
    let named = places
        .iter()
        .map(|place| format!("{} on {}", place.handle, short(&place.vault_id)));
    let named: Vec<_> = named.collect();
    let enough = vaults.len() >= need;
    let worth = match enough {
        _ if vaults.is_empty() => return None,
        true => format!(
            "{need} of one generation are the secret, and there are {}: have them deleted by hand, \
             or replace the secret itself",
            vaults.len()
        ),
        false => format!(
            "a stolen one is worth nothing while fewer than {need} of its generation are, and new \
             ones do not count: have it deleted by hand, or leave it"
        ),
    };
    let detail = format!(
        "may still lie on vaults that are not of the set any more ({}); {worth}",
        named.join(", ")
    );
    match (listed, enough) {
        (true, _) => {
            let refresh = format!("evault secret refresh {}", record.name);
            Some(Found::warning(detail, refresh))
        }
        (false, true) => Some(Found::warning(detail, "evault secret list")),
        (false, false) => Some(Found::Well(detail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_client::secret::SetId;
    use vault_encoding::Hash;
    use vault_governance::{ConstellationId, GovernanceKey, Member, Quorum};
    use vault_policy::{KeyHandle, Measurement, PlatformId};

    fn vault(number: u8) -> VaultId {
        VaultId(Hash([number; 32]))
    }

    /// Vault by vault: operator and machine.
    fn manifest(vaults: &[(&str, u8)]) -> Manifest {
        let members = (1..)
            .zip(vaults)
            .map(|(number, (operator, machine))| Member {
                vault_id: vault(number),
                platform_id: PlatformId(Hash([*machine; 32])),
                measurement: Measurement(Hash([9; 32])),
                trust_root: Hash([8; 32]),
                operator: (*operator).to_owned(),
            });
        let quorum = Quorum::new(vec![GovernanceKey([1; 32])], 1).unwrap();
        let id = ConstellationId(Hash([5; 32]));
        Manifest::new(id, 1, members.collect(), quorum).unwrap()
    }

    /// 2 of vaults 1 to 3.
    fn record() -> SetRecord {
        let place = |number| Place {
            vault_id: vault(number),
            handle: KeyHandle([number; 16]),
        };
        SetRecord {
            name: "seed".to_owned(),
            set_id: SetId([7; 16]),
            threshold: 2,
            generation: 1,
            last_generation: 1,
            shares: 3,
            members: (1..=3).map(place).collect(),
            policy: Vec::new(),
            preparing: None,
            retired: Vec::new(),
            begun: Vec::new(),
        }
    }

    fn warning(record: &SetRecord, vaults: &[(&str, u8)]) -> Option<(String, String)> {
        match spread(record, &manifest(vaults)) {
            Found::Warning(detail, next) => Some((detail, next)),
            Found::Well(_) => None,
            Found::Failed(error) => panic!("{error}"),
        }
    }

    #[test]
    fn enough_shares_with_one_operator_or_on_one_machine_are_warned_of() {
        let apart = [("ann", 1), ("bob", 2), ("cyn", 3)];
        assert_eq!(warning(&record(), &apart), None);
        let operator = [("ann", 1), ("ann", 2), ("cyn", 3)];
        let (detail, _) = warning(&record(), &operator).unwrap();
        assert!(detail.contains("operator, ann"), "{detail}");
        let machine = [("ann", 1), ("bob", 1), ("cyn", 3)];
        let (detail, _) = warning(&record(), &machine).unwrap();
        assert!(detail.contains("one machine"), "{detail}");
    }

    #[test]
    fn old_shares_and_vaults_that_are_no_members_are_warned_of_with_the_remedy() {
        let apart = [("ann", 1), ("bob", 2), ("cyn", 3)];
        let mut old = record();
        old.retired.push(old.members[0]);
        let (detail, next) = warning(&old, &apart).unwrap();
        assert_eq!(next, "evault secret refresh seed");
        assert!(detail.contains("refresh again"), "{detail}");
        let (detail, next) = warning(&record(), &apart[..2]).unwrap();
        assert!(detail.contains(&short(&vault(3))), "{detail}");
        assert_eq!(next, "evault secret repair seed");
    }

    #[test]
    fn of_old_shares_on_vaults_that_left_it_is_said_what_they_are_worth() {
        let apart = [("ann", 1), ("bob", 2), ("cyn", 3)];
        let mut old = record();
        assert!(departed(&old, &manifest(&apart)).is_none());
        let place = |number| Place {
            vault_id: vault(number),
            handle: KeyHandle([number; 16]),
        };
        old.retired.push(place(4));
        // Nothing else is wrong, and one share is worth nothing.
        assert_eq!(warning(&old, &apart), None);
        let Some(Found::Well(detail)) = departed(&old, &manifest(&apart)) else {
            panic!("a warning that nobody can end");
        };
        for part in [
            "worth nothing",
            "leave it",
            &short(&vault(4)),
            &place(4).handle.to_string(),
        ] {
            assert!(detail.contains(part), "{part}: {detail}");
        }
        // A member of the constellation can still be asked to destroy it.
        let four = [("ann", 1), ("bob", 2), ("cyn", 3), ("dan", 4)];
        let Some(Found::Warning(_, next)) = departed(&old, &manifest(&four)) else {
            panic!("no warning");
        };
        assert_eq!(next, "evault secret refresh seed");
        // As many as the threshold may be the secret.
        old.retired.push(place(5));
        let Some(Found::Warning(detail, _)) = departed(&old, &manifest(&apart)) else {
            panic!("no warning");
        };
        assert!(
            detail.contains("2 of one generation are the secret"),
            "{detail}"
        );
    }
}
