//! What makes a policy one that is refused when it is written, as far as members refer to each
//! other; and what a document means that leaves members out.

use super::change::{FIELDS, Level, field, highest_threshold, level, parts};
use crate::text::{choice, items, member, members, named, string};
use std::collections::BTreeSet;
use vault_encoding::Canonical;

/// The codes of everything that is wrong.
pub fn faults(policy: &Canonical) -> BTreeSet<&'static str> {
    let mut faults = BTreeSet::new();
    names(policy, &mut faults);
    references(policy, &mut faults);
    credentials(policy, &mut faults);
    levels(policy, &mut faults);
    faults
}

/// Ids and profile names share one space; profiles alone may share a name among themselves. Rule
/// names are a space of their own.
fn names(policy: &Canonical, faults: &mut BTreeSet<&'static str>) {
    let profiles: BTreeSet<&str> = all(policy, "principals.tees", "name").collect();
    let ids = ["auditors", "callers", "managers", "mtls"];
    let principals = member(policy, "principals");
    let ids = ids.map(|surface| {
        members(principals, surface)
            .iter()
            .map(|one| named(one, "id"))
    });
    let taken = ["any", "owner"].into_iter().chain(profiles);
    let names: Vec<&str> = taken.chain(ids.into_iter().flatten()).collect();
    let rules: Vec<&str> = all(policy, "operations", "name").collect();
    if repeats(&names) || repeats(&rules) {
        faults.insert("name_taken");
    }
}

fn all<'a>(
    policy: &'a Canonical,
    of: &str,
    key: &'a str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let all = items(field(policy, of)).iter();
    all.map(move |one| named(one, key))
}

fn repeats<T: Ord>(all: &[T]) -> bool {
    all.iter().collect::<BTreeSet<_>>().len() < all.len()
}

fn references(policy: &Canonical, faults: &mut BTreeSet<&'static str>) {
    let is = |surface: &str, key, name: &str| {
        items(field(policy, surface))
            .iter()
            .any(|one| named(one, key) == name)
    };
    for rule in members(policy, "operations") {
        for name in members(rule, "principals").iter().map(string) {
            let known = matches!(name, "any" | "owner")
                || is("principals.callers", "id", name)
                || is("principals.mtls", "id", name)
                || is("principals.tees", "name", name);
            if !known {
                faults.insert("unknown_principal");
            }
        }
        for part in parts(member(rule, "condition")) {
            match choice(part) {
                ("attestation_matches", inner)
                    if !is("principals.tees", "name", named(inner, "profile")) =>
                {
                    faults.insert("unknown_profile");
                }
                ("manager_approval", inner) => {
                    let listed = members(inner, "managers");
                    if !listed
                        .iter()
                        .all(|id| is("principals.managers", "id", string(id)))
                    {
                        faults.insert("unknown_manager");
                    }
                }
                _ => {}
            }
        }
    }
}

/// No two persons have a credential by the same id, of the same key or for the same subject.
fn credentials(policy: &Canonical, faults: &mut BTreeSet<&'static str>) {
    let persons = items(field(policy, "principals.managers"));
    let identities: Vec<(&str, &str, Vec<u8>)> = persons
        .iter()
        .flat_map(|person| {
            members(person, "credentials")
                .iter()
                .map(move |one| (person, one))
        })
        .flat_map(|(person, credential)| {
            let person = named(person, "id");
            match choice(credential) {
                ("oidc", subject) => vec![(person, "subject", subject.to_bytes())],
                (_, key) => vec![
                    (person, "id", member(key, "credential_id").to_bytes()),
                    (person, "key", member(key, "public_key").to_bytes()),
                ],
            }
        })
        .collect();
    let taken = |(person, kind, value): &(&str, &str, Vec<u8>)| {
        identities
            .iter()
            .any(|other| other.0 != *person && other.1 == *kind && other.2 == *value)
    };
    if identities.iter().any(taken) {
        faults.insert("credential_taken");
    }
}

fn levels(policy: &Canonical, faults: &mut BTreeSet<&'static str>) {
    let managers = !items(field(policy, "principals.managers")).is_empty();
    for name in FIELDS {
        match level(policy, name) {
            Level::Quorum { .. } if !managers => {
                faults.insert("quorum_without_managers");
            }
            Level::Quorum { threshold, .. } if threshold < highest_threshold(policy) => {
                faults.insert("quorum_too_low");
            }
            _ => {}
        }
    }
    if level(policy, "principals.owner") != Level::Immutable {
        faults.insert("not_enforced");
    }
}

/// What a document says that has no `usage`: the operations of the rules, but staging, which
/// uses no key.
pub fn default_usage(policy: &Canonical) -> Canonical {
    let rules = members(policy, "operations").iter();
    let listed = rules.flat_map(|rule| members(rule, "operations"));
    let used = listed.filter(|operation| string(operation) != "stage_profile");
    Canonical::set(used.cloned())
}

/// The canonical form of a level.
pub fn written(level: Level) -> Canonical {
    match level {
        Level::Owner => Canonical::text("owner"),
        Level::Immutable => Canonical::text("immutable"),
        Level::Quorum { threshold, oidc } => {
            let oidc = if oidc { "allowed" } else { "refused" };
            let quorum = Canonical::map([
                ("oidc", Canonical::text(oidc)),
                ("threshold", Canonical::text(threshold)),
            ]);
            Canonical::map([("quorum", quorum)])
        }
    }
}

/// What stands for these members when they are left out; none for those that must be there.
pub fn default_of(object: &Canonical, name: &str) -> Option<Canonical> {
    let text = Canonical::text;
    let has = |name: &str| object.get(name).is_some();
    Some(match name {
        "managers" | "auditors" | "callers" | "tees" | "mtls" if has("owner") => {
            Canonical::list([])
        }
        "targets" | "rtmrs" | "required_oids" | "platforms" | "advisories" => Canonical::list([]),
        "second_factor" | "mrenclave" | "mrsigner" | "isv_prod_id" | "min_isv_svn" | "mrtd"
        | "config_merkle_root" | "export" | "expires_at" | "rotation_period" | "usage_limit"
        | "mode" | "from" | "until" => text("none"),
        "statuses" => Canonical::set([text("UpToDate")]),
        "min_evaluation_data_number" | "grace" | "deletion_window" => text("0"),
        "sealed_forever" => text("false"),
        "condition" => Canonical::map([("all", Canonical::list([]))]),
        "fresh_for" => text("300"),
        "oidc" if has("fresh_for") => text("refused"),
        "threshold" if has("fresh_for") => text("1"),
        _ => return None,
    })
}
