//! What owners change of their keys: policies, proposed profiles, deletions that wait.

use crate::sim::invariants::Violation;
use crate::sim::memory::{KnownKey, Memory};
use crate::sim::rng::SimRng;
use vault_core::api::{
    KeyRef, PromoteProfile, RevokeProfile, ScheduleDeletion, StageProfile, UpdatePolicy,
};
use vault_core::{Answer, Request};
use vault_encoding::{Hash, Json, Limits};
use vault_policy::{AttestationProfile, KeyPolicy, Lineage, PolicyVersion};

/// Profiles that are proposed.
const PROFILES: u64 = 3;
/// Seconds. The clock steps by hours now and then, so that some deletions fall due and some do not.
const WINDOW: u64 = 3_000;

/// A change of this key, some of which the vault refuses.
pub(crate) fn choose(key: &KnownKey, name: KeyRef, rng: &mut SimRng) -> Option<Request> {
    let number = rng.below(PROFILES);
    let expected_version = key.version;
    Some(match rng.below(9) {
        0 | 1 => Request::UpdatePolicy(UpdatePolicy {
            key: name,
            policy: policy(key, rng)?.canonical_bytes().to_vec(),
            expected_version,
        }),
        2 => Request::StageProfile(StageProfile {
            key: name,
            profile: profile(number)?.canonical_bytes(),
        }),
        3 => Request::PromoteProfile(PromoteProfile {
            key: name,
            digest: profile(number)?.digest(),
            expected_version,
        }),
        4 => Request::RevokeProfile(RevokeProfile {
            key: name,
            digest: profile(number)?.digest(),
        }),
        5 => Request::ScheduleDeletion(ScheduleDeletion {
            key: name,
            window: WINDOW,
        }),
        6 => Request::CancelDeletion { key: name },
        7 => Request::ListProfiles { key: name },
        _ => Request::GetPolicy { key: name },
    })
}

/// The first policy with another deletion window: what was promoted since is taken back by it.
fn policy(key: &KnownKey, rng: &mut SimRng) -> Option<KeyPolicy> {
    let mut fields = key.owner.policy(key.key_type)?.fields().clone();
    fields.lifecycle.deletion_window = rng.below(WINDOW);
    KeyPolicy::from_fields(fields).ok()
}

fn profile(number: u64) -> Option<AttestationProfile> {
    let byte = format!("{:02x}", 0x10 + number);
    let text = format!(r#"{{"name":"build","mrenclave":"{}"}}"#, byte.repeat(32));
    let limits = Limits {
        bytes: 1 << 10,
        depth: 4,
        nodes: 16,
    };
    let json = Json::parse(text.as_bytes(), limits).ok()?;
    AttestationProfile::from_json(&json).ok()
}

/// A version that somebody was told, by an answer under a head of this size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    lineage: Lineage,
    size: u64,
    version: PolicyVersion,
}

/// What an answer says of the policy's version.
pub(crate) fn version_in(answer: &Answer) -> Option<PolicyVersion> {
    match answer {
        Answer::UpdatePolicy { policy_version, .. }
        | Answer::PromoteProfile { policy_version, .. }
        | Answer::GetPolicy { policy_version, .. } => Some(*policy_version),
        Answer::GetKey(info) => Some(info.policy_version),
        _ => None,
    }
}

/// The key that a request changes or reads, if an answer to it may have a version.
pub(crate) fn key_of(request: &Request) -> Option<&KeyRef> {
    match request {
        Request::UpdatePolicy(update) => Some(&update.key),
        Request::PromoteProfile(promote) => Some(&promote.key),
        Request::GetPolicy { key } | Request::GetKey { key } => Some(key),
        _ => None,
    }
}

/// Whoever had seen a head when they asked is not told an earlier version than stood under it.
/// `changed` is set for calls whose repeats are answered as they were the first time.
pub(crate) fn check(
    memory: &mut Memory,
    lineage: Lineage,
    seen: Option<u64>,
    told: (u64, PolicyVersion),
    changed: bool,
) -> Result<(), Violation> {
    let (size, version) = told;
    let known = memory
        .versions
        .iter()
        .filter(|known| known.lineage == lineage && seen.is_some_and(|seen| known.size <= seen));
    let newest = known.map(|known| known.version).max();
    if !changed && newest.is_some_and(|newest| version < newest) {
        return Err(Violation::of(
            "policy_versions_never_go_back",
            format!("{version:?} after {newest:?}"),
        ));
    }
    memory.versions.push(Told {
        lineage,
        size,
        version,
    });
    for key in memory.keys.iter_mut().filter(|key| key.lineage == lineage) {
        key.version = key.version.max(version);
    }
    Ok(())
}

/// Whether the profiles that are listed are some that were proposed.
pub(crate) fn are_proposed(answer: &Answer) -> bool {
    let Answer::ListProfiles { profiles } = answer else {
        return true;
    };
    let proposed: Vec<Hash> = (0..PROFILES)
        .filter_map(profile)
        .map(|known| known.digest())
        .collect();
    profiles
        .iter()
        .all(|found| proposed.contains(&found.digest))
}
