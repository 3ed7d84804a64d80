//! Whole policies, in canonical form.

use super::profile::profile;
use super::rule::{Names, rule};
use super::universe::{
    AUDITORS, CALLERS, HOSTS, ISSUERS, OPERATIONS, PERSONS, PROFILES, ROLES, SANS, SUBJECTS, fido2,
    hash, none, subject, texts,
};
use crate::naive::change::{FIELDS, highest_threshold};
use crate::rng::Seeded;
use crate::text::{members, named};
use vault_encoding::Canonical;

/// A policy that is well formed.
pub(super) fn policy(rng: &mut Seeded) -> Canonical {
    let persons = if rng.chance(70) {
        rng.some(&PERSONS, 60)
    } else {
        Vec::new()
    };
    let managers = managers(rng, &persons);
    let callers = rng.some(&CALLERS, 50);
    let hosts = rng.some(&HOSTS, 40);
    let profiles = rng.some(&PROFILES, 65);
    let names = Names {
        principals: [&callers[..], &hosts, &profiles].concat(),
        profiles: profiles.clone(),
        managers: persons,
    };
    let count = 1 + rng.below(4);
    let rules: Vec<Canonical> = (0..count).map(|index| rule(rng, index, &names)).collect();
    let auditors = rng.some(&AUDITORS, 30);
    let principals = Canonical::map([
        ("auditors", all(&auditors, |id| caller(rng, id))),
        ("callers", all(&callers, |id| caller(rng, id))),
        ("managers", Canonical::set(managers)),
        ("mtls", all(&hosts, |id| host(rng, id))),
        ("owner", owner(rng)),
        ("tees", versions(rng, &profiles)),
    ]);
    let policy = Canonical::map([
        ("format", Canonical::text("enclave-vaults/key-policy/v1")),
        ("lifecycle", lifecycle(rng)),
        ("operations", Canonical::set(rules)),
        ("principals", principals),
        (
            "recovery",
            Canonical::map([("mode", none()), ("targets", Canonical::list([]))]),
        ),
        ("usage", usage(rng)),
    ]);
    with_mutability(rng, policy)
}

fn all(ids: &[&str], make: impl FnMut(&&str) -> Canonical) -> Canonical {
    Canonical::set(ids.iter().map(make).collect::<Vec<_>>())
}

/// One or two profiles of each name.
fn versions(rng: &mut Seeded, names: &[&str]) -> Canonical {
    let mut profiles = Vec::new();
    for name in names {
        profiles.push(profile(rng, name));
        if rng.chance(30) {
            profiles.push(profile(rng, name));
        }
    }
    Canonical::set(profiles)
}

fn usage(rng: &mut Seeded) -> Canonical {
    let mut operations = rng.some(&OPERATIONS[..3], 80);
    if operations.is_empty() {
        operations.push("sign");
    }
    Canonical::map([("export", none()), ("operations", texts(operations))])
}

fn lifecycle(rng: &mut Seeded) -> Canonical {
    Canonical::map([
        ("deletion_window", Canonical::text(rng.below(3) * 60)),
        ("expires_at", none()),
        ("rotation_period", none()),
        ("sealed_forever", Canonical::text(rng.chance(88))),
        ("usage_limit", none()),
    ])
}

/// A caller, or an auditor.
pub(super) fn caller(rng: &mut Seeded, id: &str) -> Canonical {
    let id = ("id", Canonical::text(id));
    if rng.chance(50) {
        return Canonical::map([id, ("oidc", subject(rng))]);
    }
    let role = Canonical::map([
        ("issuer", Canonical::text(rng.pick(&ISSUERS))),
        ("role", Canonical::text(rng.pick(&ROLES))),
    ]);
    Canonical::map([id, ("role", role)])
}

/// A certificate that is pinned, or whose authority is.
pub(super) fn host(rng: &mut Seeded, id: &str) -> Canonical {
    let id = ("id", Canonical::text(id));
    if rng.chance(50) {
        return Canonical::map([id, ("spki", hash(rng, 3))]);
    }
    let ca = Canonical::map([
        ("san", Canonical::text(rng.pick(&SANS))),
        ("spki", hash(rng, 3)),
    ]);
    Canonical::map([id, ("ca", ca)])
}

/// In one of three policies with a second factor, sometimes one that a manager has too.
pub(super) fn owner(rng: &mut Seeded) -> Canonical {
    let factor = if rng.chance(35) {
        let (id, other) = (rng.below(6) as usize, rng.below(6) as usize);
        fido2(id, if rng.chance(20) { other } else { id })
    } else {
        none()
    };
    Canonical::map([
        ("issuer", Canonical::text(rng.pick(&ISSUERS))),
        ("second_factor", factor),
        ("subject", Canonical::text(rng.pick(&SUBJECTS))),
    ])
}

/// These persons; every credential belongs to one of them only.
pub(super) fn managers(rng: &mut Seeded, persons: &[&str]) -> Vec<Canonical> {
    let mut pool: Vec<Canonical> = (0..6).map(|index| fido2(index, index)).collect();
    for issuer in ISSUERS {
        for subject in SUBJECTS {
            let fields = Canonical::map([
                ("issuer", Canonical::text(issuer)),
                ("subject", Canonical::text(subject)),
            ]);
            pool.push(Canonical::map([("oidc", fields)]));
        }
    }
    let mut deal = |rng: &mut Seeded| pool.swap_remove(rng.below(pool.len() as u64) as usize);
    persons
        .iter()
        .map(|id| {
            let mut credentials = vec![deal(rng)];
            while credentials.len() < 3 && rng.chance(40) {
                credentials.push(deal(rng));
            }
            Canonical::map([
                ("credentials", Canonical::set(credentials)),
                ("id", Canonical::text(id)),
            ])
        })
        .collect()
}

/// A level for every field that the policy may have there.
fn with_mutability(rng: &mut Seeded, policy: Canonical) -> Canonical {
    let levels: Vec<Canonical> = FIELDS
        .iter()
        .map(|name| level(rng, &policy, name))
        .collect();
    let levels = FIELDS.iter().map(ToString::to_string).zip(levels);
    let levels = Canonical::Map(levels.collect());
    match policy {
        Canonical::Map(mut members) => {
            members.insert("mutability".to_owned(), levels);
            Canonical::Map(members)
        }
        other => other,
    }
}

/// A level for one field. Quorums reach the highest threshold of a condition; under a policy
/// that must stay governable, the managers who are not the owner reach the quorum.
pub(super) fn level(rng: &mut Seeded, policy: &Canonical, field: &str) -> Canonical {
    let immutable = Canonical::text("immutable");
    if field == "principals.owner" || (field == "mutability" && rng.chance(50)) {
        return immutable;
    }
    let oidc = rng.chance(50);
    let threshold = highest_threshold(policy).max(1) + rng.pick(&[0, 0, 1]);
    let principals = crate::text::member(policy, "principals");
    let sealed = named(crate::text::member(policy, "lifecycle"), "sealed_forever") == "true";
    let able = reachable(principals, oidc);
    match rng.below(20) {
        0..=2 => immutable,
        3..=7 => Canonical::text("owner"),
        _ if able == 0 && members(principals, "managers").is_empty() => Canonical::text("owner"),
        _ if threshold <= able || sealed => {
            let quorum = Canonical::map([
                (
                    "oidc",
                    Canonical::text(if oidc { "allowed" } else { "refused" }),
                ),
                ("threshold", Canonical::text(threshold)),
            ]);
            Canonical::map([("quorum", quorum)])
        }
        _ => immutable,
    }
}

/// Managers with a credential that counts, none of which is the owner's.
fn reachable(principals: &Canonical, oidc: bool) -> u64 {
    let owner = crate::text::member(principals, "owner");
    let factor = crate::text::member(owner, "second_factor");
    let is_owners = |credential: &Canonical| {
        credential == factor
            || credential.get("oidc").is_some_and(|subject| {
                named(subject, "issuer") == named(owner, "issuer")
                    && named(subject, "subject") == named(owner, "subject")
            })
    };
    let managers = members(principals, "managers").iter();
    let able = managers.filter(|person| {
        let credentials = members(person, "credentials");
        !credentials.iter().any(is_owners)
            && credentials
                .iter()
                .any(|credential| oidc || credential.get("fido2").is_some())
    });
    able.count() as u64
}
