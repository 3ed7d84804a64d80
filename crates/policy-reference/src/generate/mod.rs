//! Policies, facts, times and edits from a seed, out of a universe so small that they meet.
//!
//! A seed always gives the same case. Some seeds in a row share one policy, most of them from
//! [`LONG`] on, so that a long run spends its time on judging.

mod edit;
mod evidence;
mod facts;
mod flaw;
mod policy;
mod profile;
mod rule;
mod universe;

use crate::naive;
use crate::rng::Seeded;
use crate::text::{member, named};
use vault_encoding::{Canonical, Hash};
use vault_policy::{
    Action, Approvable, Facts, KeyHandle, KeySubject, KeyType, KeyVersion, Lineage, Operation,
    PolicyHash, PolicyVersion, TokenFacts, VaultTime,
};

/// From this seed on, 64 in a row share a policy, below it 4.
pub const LONG: u64 = 1 << 32;

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked.
    pub action: Action,
    /// What is proven.
    pub facts: Facts,
    /// When.
    pub now: VaultTime,
    /// The type of the key that it is asked of.
    pub key_type: KeyType,
}

/// One change, asked for by whoever the facts prove.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the policy shall be.
    pub new: Canonical,
    /// A profile that shall be let in, beside that.
    pub profile: Canonical,
    /// What is proven.
    pub facts: Facts,
    /// When.
    pub now: VaultTime,
}

/// The number of the policy of this seed.
pub fn group(seed: u64) -> u64 {
    seed / if seed < LONG { 4 } else { 64 }
}

/// The policy of this seed, in canonical form.
pub fn policy(seed: u64) -> Canonical {
    policy::policy(&mut Seeded::new(group(seed)))
}

/// The call of this seed, under its policy.
pub fn call(seed: u64, policy: &Canonical) -> Call {
    let rng = &mut Seeded::new(!seed);
    let now = facts::now(rng);
    Call {
        action: action(rng),
        facts: facts::facts(rng, policy, now),
        now,
        key_type: one(rng, &KeyType::ALL, KeyType::RawShare),
    }
}

/// The change of this seed, of its policy: mostly asked for by the owner.
pub fn change(seed: u64, policy: &Canonical) -> Change {
    let rng = &mut Seeded::new(!seed ^ (1 << 62));
    let now = facts::now(rng);
    let mut facts = facts::facts(rng, policy, now);
    let owner = member(member(policy, "principals"), "owner");
    if let Some(TokenFacts {
        issuer, subject, ..
    }) = facts.token.as_mut().filter(|_| rng.chance(80))
    {
        named(owner, "issuer").clone_into(issuer);
        named(owner, "subject").clone_into(subject);
    }
    Change {
        new: edit::edited(rng, policy),
        profile: edit::profile(rng, policy),
        facts,
        now,
    }
}

/// A policy that may not be well formed.
pub fn flawed(seed: u64) -> Canonical {
    let rng = &mut Seeded::new(seed ^ (1 << 61));
    let policy = policy::policy(rng);
    flaw::flawed(rng, &policy)
}

/// A document as people write it, and the policy that it means.
pub fn document(seed: u64) -> (Canonical, Canonical) {
    let rng = &mut Seeded::new(seed ^ (1 << 60));
    let policy = policy::policy(rng);
    flaw::document(rng, &policy)
}

/// A policy under which a key of this type shall be made, and when: mostly not meant to be sealed.
pub fn written(seed: u64) -> (Canonical, KeyType, VaultTime) {
    let rng = &mut Seeded::new(seed ^ (1 << 59));
    let mut policy = policy::policy(rng);
    if rng.chance(80) {
        let sealed = Canonical::text("false");
        policy = naive::change::with(&policy, "lifecycle.sealed_forever", sealed);
    }
    let key_type = if rng.chance(90) {
        KeyType::P256Signing
    } else {
        one(rng, &KeyType::ALL, KeyType::RawShare)
    };
    (policy, key_type, facts::now(rng))
}

/// A policy for a sequence of changes: in every other one, nobody alone changes what rights rest
/// on.
pub fn start(seed: u64, granting: &[&str]) -> Canonical {
    let rng = &mut Seeded::new(seed ^ (1 << 58));
    let policy = policy::policy(rng);
    if rng.chance(50) {
        return policy;
    }
    let immutable = Canonical::text("immutable");
    granting.iter().fold(policy, |policy, name| {
        naive::change::with_level(&policy, name, immutable.clone())
    })
}

/// A key that decisions are about; they do not depend on it.
pub fn subject() -> KeySubject {
    KeySubject {
        handle: KeyHandle([7; 16]),
        lineage: Lineage(Hash([1; 32])),
        version: KeyVersion(1),
        policy_hash: PolicyHash(Hash([2; 32])),
        policy_version: PolicyVersion(1),
    }
}

fn action(rng: &mut Seeded) -> Action {
    match rng.below(40) {
        0 => Action::GetKey,
        1 => Action::GetPolicy,
        2 => Action::Delete,
        3 => Action::UpdatePolicy,
        4 => Action::ListProfiles,
        5 => Action::PromoteProfile,
        6 => Action::RevokeProfile,
        7..=8 => Action::CancelDeletion,
        9..=10 => Action::IssueApproval,
        11..=14 => {
            let all: Vec<Approvable> = Approvable::all().collect();
            Action::BeginApproval(one(rng, &all, Approvable::Delete))
        }
        _ => {
            let name = rng.pick(&universe::OPERATIONS);
            Action::Operation(Operation::from_name(name).unwrap_or(Operation::Sign))
        }
    }
}

fn one<T: Copy>(rng: &mut Seeded, all: &[T], otherwise: T) -> T {
    let index = rng.below(all.len() as u64) as usize;
    all.get(index).copied().unwrap_or(otherwise)
}
