//! The judgement.

use super::authority::{Authority, promotion_quorum};
use super::change::Change;
use super::deny::UpdateDeny;
use crate::condition::Condition;
use crate::facts::Facts;
use crate::model::{KeyPolicy, PolicyFields, Rule};
use crate::mutability::{Field, Level};
use crate::operation::KeyType;
use crate::profile::AttestationProfile;
use crate::time::VaultTime;
use crate::validate::validate;

type Judged = Result<(), UpdateDeny>;

/// Whether the old policy lets a caller with these facts put the new one in its place.
pub fn judge_update(
    old: &KeyPolicy,
    new: &KeyPolicy,
    key_type: KeyType,
    facts: &Facts,
    now: VaultTime,
) -> Judged {
    let (authority, field) = judged(old, new)?;
    validate(new, key_type, now).map_err(UpdateDeny::Invalid)?;
    authority.given(old, facts, field)
}

/// What it takes to put the new policy in the old one's place, or why nothing is enough. Whether
/// a key can live under the new one is asked by [`judge_update`].
pub fn required(old: &KeyPolicy, new: &KeyPolicy) -> Result<Authority, UpdateDeny> {
    judged(old, new).map(|(authority, _)| authority)
}

/// What it takes to promote a profile, or that nothing is enough.
pub fn required_for_promotion(old: &KeyPolicy) -> Result<Authority, UpdateDeny> {
    promotion(old.fields())
}

/// The policy with this profile beside those that it has. Nothing else of it changes.
pub fn promote(
    old: &KeyPolicy,
    profile: &AttestationProfile,
    key_type: KeyType,
    facts: &Facts,
    now: VaultTime,
) -> Result<KeyPolicy, UpdateDeny> {
    let mut fields = old.fields().clone();
    if fields.principals.tees.contains(profile) {
        return Err(UpdateDeny::NoChange);
    }
    let authority = promotion(&fields)?;
    fields.principals.tees.push(profile.clone());
    let new = KeyPolicy::from_fields(fields).map_err(UpdateDeny::NotAPolicy)?;
    validate(&new, key_type, now).map_err(UpdateDeny::Invalid)?;
    authority.given(old, facts, None)?;
    Ok(new)
}

fn promotion(old: &PolicyFields) -> Result<Authority, UpdateDeny> {
    match old.mutability.level(Field::Tees) {
        Level::Immutable => Err(UpdateDeny::Immutable { field: Field::Tees }),
        Level::Owner | Level::Quorum(_) => Ok(Authority::OWNER.and(promotion_quorum(old))),
    }
}

/// The authority, and the first field that asks for all of its managers.
fn judged(old: &KeyPolicy, new: &KeyPolicy) -> Result<(Authority, Option<Field>), UpdateDeny> {
    let (old, new) = (old.fields(), new.fields());
    let change = Change::between(old, new);
    if change.fields.is_empty() {
        return Err(UpdateDeny::NoChange);
    }
    monotone(old, new)?;
    let mut authority = Authority::OWNER;
    let mut asks = None;
    for field in &change.fields {
        let more = authority.and(by_level(old, *field)?.managers);
        if more != authority {
            (authority, asks) = (more, Some(*field));
        }
    }
    let weaker = weakens_attestation(&old.operations, &new.operations);
    if weaker || hands_over(old, new) || eases_promotion(old, new) {
        let more = authority.and(promotion(old)?.managers);
        if more != authority {
            (authority, asks) = (more, Some(Field::Tees));
        }
    }
    Ok((authority, asks))
}

fn by_level(old: &PolicyFields, field: Field) -> Result<Authority, UpdateDeny> {
    match old.mutability.level(field) {
        Level::Owner => Ok(Authority::OWNER),
        Level::Quorum(quorum) => Ok(Authority::OWNER.and(Some(quorum))),
        Level::Immutable => Err(UpdateDeny::Immutable { field }),
    }
}

/// What goes one way only, whoever asks for it.
fn monotone(old: &PolicyFields, new: &PolicyFields) -> Judged {
    profiles(&old.principals.tees, &new.principals.tees)?;
    let mut added = new.usage.operations.difference(&old.usage.operations);
    if let Some(operation) = added.next() {
        let operation = *operation;
        return Err(UpdateDeny::UsageWidened { operation });
    }
    if new.lifecycle.deletion_window < old.lifecycle.deletion_window {
        return Err(UpdateDeny::WindowShortened);
    }
    if old.lifecycle.sealed_forever && !new.lifecycle.sealed_forever {
        return Err(UpdateDeny::Unsealed);
    }
    for (field, level) in old.mutability.levels() {
        let new = new.mutability.level(field);
        if !new.covers(level) {
            let old = level;
            return Err(UpdateDeny::MutabilityLowered { field, old, new });
        }
    }
    Ok(())
}

/// An update only removes profiles.
fn profiles(old: &[AttestationProfile], new: &[AttestationProfile]) -> Judged {
    let Some(added) = new.iter().find(|profile| !old.contains(profile)) else {
        return Ok(());
    };
    let name = added.name.clone();
    let gone = |profile: &AttestationProfile| profile.name == name && !new.contains(profile);
    Err(match old.iter().any(gone) {
        true => UpdateDeny::ProfileChanged { name },
        false => UpdateDeny::ProfileAdded { name },
    })
}

/// Whether a rule that asks for evidence is not there as it was.
fn weakens_attestation(old: &[Rule], new: &[Rule]) -> bool {
    old.iter()
        .filter(|rule| asks_for_evidence(&rule.condition))
        .any(|rule| !new.contains(rule))
}

/// Whether what rules grant to a profile's name is granted to somebody else by that name: else an
/// update would let in who is no build at all.
fn hands_over(old: &PolicyFields, new: &PolicyFields) -> bool {
    let new = &new.principals;
    let was_a_build = |id: &String| old.principals.tees.iter().any(|tee| tee.name == *id);
    let callers = new.callers.iter().map(|caller| &caller.id);
    callers
        .chain(new.mtls.iter().map(|named| &named.id))
        .any(was_a_build)
}

/// Whether a promotion would take less than it does, or others: else an update and a promotion
/// together would reach what a promotion alone does not.
fn eases_promotion(old: &PolicyFields, new: &PolicyFields) -> bool {
    let Some(before) = promotion_quorum(old) else {
        return false;
    };
    let known = &old.principals.managers;
    // Who loses a credential may be somebody else, too: the owner's own manager, or two of one.
    let mut persons = new.principals.managers.iter();
    let others = persons.any(|person| !known.contains(person));
    let promotes = |policy: &PolicyFields| policy.mutability.level(Field::Tees) != Level::Immutable;
    let covers = promotion_quorum(new).is_some_and(|after| after.covers(before));
    promotes(old) && (others || promotes(new) && !covers)
}

fn asks_for_evidence(condition: &Condition) -> bool {
    let mut asks = false;
    condition.each(&mut |member| asks |= matches!(member, Condition::AttestationMatches(_)));
    asks
}
