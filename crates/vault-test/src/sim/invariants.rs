//! What must hold after every event. Each invariant is a function whose name is the sentence.

use crate::sim::machine::Machine;
use crate::sim::memory::Memory;
use std::collections::BTreeSet;
use std::fmt;
use vault_audit::Entry;
use vault_core::Vault;
use vault_core::api::KeyState;
use vault_encoding::Hash;
use vault_encoding::merkle::leaf_hash;
use vault_policy::Lineage;

/// An invariant that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// How it was found.
    pub detail: String,
}

impl Violation {
    /// Of this invariant.
    pub fn of(invariant: &'static str, detail: impl fmt::Display) -> Self {
        Self {
            invariant,
            detail: detail.to_string(),
        }
    }
}

type Checked = Result<(), Violation>;

/// Checked after every event: all that costs a logarithm.
pub(crate) fn after_every_event(vault: &Vault, memory: &Memory, before: (u64, Hash)) -> Checked {
    the_log_only_grows(vault, before)?;
    no_acknowledged_head_is_lost(vault, memory)?;
    time_floor_never_decreases(vault, memory)?;
    destroyed_keys_stay_destroyed(vault, memory)
}

/// Checked after every change of keys, and after every start.
pub(crate) fn after_every_change(machine: &Machine, memory: &Memory) -> Checked {
    no_acknowledged_operation_is_lost(machine, memory)?;
    no_effect_without_its_record(machine)
}

fn the_log_only_grows(vault: &Vault, (size, root): (u64, Hash)) -> Checked {
    if vault.root_at(size) == Some(root) {
        return Ok(());
    }
    Err(Violation::of(
        "the_log_only_grows",
        format!("{} after {size}", vault.size()),
    ))
}

fn no_acknowledged_head_is_lost(vault: &Vault, memory: &Memory) -> Checked {
    match memory.head {
        Some((size, root)) if vault.root_at(size) != Some(root) => {
            let detail = format!("{} leaves, {size} were acknowledged", vault.size());
            Err(Violation::of("no_acknowledged_operation_is_lost", detail))
        }
        _ => Ok(()),
    }
}

fn no_acknowledged_operation_is_lost(machine: &Machine, memory: &Memory) -> Checked {
    let rule = "no_acknowledged_operation_is_lost";
    let vault = &machine.vault;
    for (index, acknowledged) in &memory.leaves {
        if machine.leaf(*index).map(|leaf| leaf_hash(&leaf)) != Some(*acknowledged) {
            return Err(Violation::of(rule, format!("leaf {index}")));
        }
    }
    let there: BTreeSet<_> = vault
        .census()
        .into_iter()
        .map(|(lineage, _)| lineage)
        .collect();
    for key in &memory.keys {
        if !there.contains(&key.lineage) {
            return Err(Violation::of(rule, format!("key {}", key.handle)));
        }
    }
    Ok(())
}

/// The keys that there are, and those that are gone, are exactly those that the log says.
fn no_effect_without_its_record(machine: &Machine) -> Checked {
    let rule = "no_effect_without_its_record";
    let vault = &machine.vault;
    let vault_id = vault.info().vault_id;
    let (mut created, mut destroyed) = (BTreeSet::new(), BTreeSet::new());
    let (mut scheduled, mut cancelled) = (BTreeSet::new(), BTreeSet::new());
    for index in 0..vault.size() {
        let leaf = machine
            .leaf(index)
            .ok_or_else(|| Violation::of(rule, "no leaf"))?;
        let entry = Entry::from_leaf(&leaf).map_err(|error| Violation::of(rule, error))?;
        match entry.operation.as_str() {
            "create_key" if entry.allowed => {
                created.insert(Lineage::derive(&vault_id, &leaf_hash(&leaf)));
            }
            "delete_due" => destroyed.extend(entry.lineage.map(Lineage)),
            // At once, or later: that stands in the change.
            "delete_key" if entry.allowed => scheduled.extend(entry.lineage.map(Lineage)),
            "cancel_deletion" if entry.allowed => cancelled.extend(entry.lineage.map(Lineage)),
            _ => {}
        }
    }
    let census = vault.census();
    let known: BTreeSet<_> = census.iter().map(|(lineage, _)| *lineage).collect();
    let states = census.iter().all(|(lineage, state)| match state {
        KeyState::Destroyed => scheduled.contains(lineage),
        KeyState::PendingDeletion => scheduled.contains(lineage) && !destroyed.contains(lineage),
        _ => {
            let taken_back = !scheduled.contains(lineage) || cancelled.contains(lineage);
            taken_back && !destroyed.contains(lineage)
        }
    });
    if known == created && states {
        return Ok(());
    }
    Err(Violation::of(
        rule,
        format!("{} keys, {} created", known.len(), created.len()),
    ))
}

fn destroyed_keys_stay_destroyed(vault: &Vault, memory: &Memory) -> Checked {
    if memory.destroyed.is_empty() {
        return Ok(());
    }
    let alive = vault
        .census()
        .into_iter()
        .find(|(lineage, state)| *state == KeyState::Enabled && memory.destroyed.contains(lineage));
    match alive {
        None => Ok(()),
        Some((lineage, _)) => Err(Violation::of("destroyed_keys_stay_destroyed", lineage)),
    }
}

fn time_floor_never_decreases(vault: &Vault, memory: &Memory) -> Checked {
    if vault.floor() >= memory.floor {
        return Ok(());
    }
    Err(Violation::of("time_floor_never_decreases", vault.floor()))
}
