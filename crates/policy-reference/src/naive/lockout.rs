//! Whether anybody can ever use the key, and change what is meant to change.

use super::approval::is_owners_credential;
use super::change::{FIELDS, Level, field, level, promotion};
use crate::text::{choice, items, member, members, named, string};
use std::collections::BTreeMap;
use vault_encoding::Canonical;
use vault_policy::KeyType;

/// Whether usage and rules name only what keys of this type can do.
pub fn fits_type(policy: &Canonical, key_type: KeyType) -> bool {
    let able = BTreeMap::from([
        (
            "p256",
            &["sign", "sign_digest", "verify", "get_public_key"][..],
        ),
        ("ed25519", &["sign", "verify", "get_public_key"]),
        ("aes256-gcm", &["wrap", "unwrap"]),
        ("hmac-sha256", &["mac", "mac_verify"]),
        ("raw-share", &["reconstruct"]),
    ]);
    let able = able.get(key_type.name()).copied().unwrap_or_default();
    let can = |operation: &Canonical| able.contains(&string(operation));
    let rules = members(policy, "operations").iter();
    items(field(policy, "usage.operations")).iter().all(can)
        && rules
            .flat_map(|rule| members(rule, "operations"))
            .all(|operation| can(operation) || string(operation) == "stage_profile")
}

/// Whether it is meant that nobody may ever be able to.
pub fn is_sealed(policy: &Canonical) -> bool {
    named(member(policy, "lifecycle"), "sealed_forever") == "true"
}

/// Whether the managers who are not the owner can reach every quorum that stands in the policy,
/// and the one that a promotion takes.
pub fn is_governable(policy: &Canonical) -> bool {
    let levels = FIELDS.iter().map(|name| level(policy, name));
    levels.chain([promotion(policy)]).all(|level| match level {
        Level::Quorum { threshold, oidc } => able(policy, oidc) >= threshold,
        Level::Owner | Level::Immutable => true,
    })
}

/// How many managers have a credential that counts and are not the owner.
fn able(policy: &Canonical, oidc: bool) -> u64 {
    let principals = member(policy, "principals");
    let persons = members(principals, "managers").iter();
    let able = persons.filter(|person| {
        let credentials = members(person, "credentials");
        let counts = |one: &Canonical| oidc || choice(one).0 == "fido2";
        credentials.iter().any(counts)
            && !credentials
                .iter()
                .any(|one| is_owners_credential(member(principals, "owner"), one))
    });
    able.count() as u64
}
