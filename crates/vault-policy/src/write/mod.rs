//! The canonical form: every member always written out, absent scalars as `none`.

mod principals;
mod profile;

pub(crate) use profile::profile;

use crate::condition::{Condition, ManagerApproval, TimeWindow};
use crate::model::{KeyPolicy, Lifecycle, PolicyFields, Recovery, Reserved, Rule, Usage};
use crate::mutability::{Level, Mutability, Quorum};
use principals::{caller, certificate, credential, issuer_role, person};
use std::fmt::Display;
use vault_encoding::Canonical;

/// Stands for an optional scalar that is not given.
pub(crate) const NONE: &str = "none";
/// The mutability of what never changes,
pub(crate) const IMMUTABLE: &str = "immutable";
/// and of what the owner changes alone.
pub(crate) const OWNER: &str = "owner";

impl Reserved {
    fn none(self) -> Canonical {
        Canonical::text(NONE)
    }

    fn empty(self) -> Canonical {
        Canonical::List(Vec::new())
    }
}

/// Puts every list that is a set into the order of its canonical text, and drops what stands
/// twice where that is allowed.
pub(crate) fn sort(fields: &mut PolicyFields) {
    let principals = &mut fields.principals;
    fields.operations.sort_by_cached_key(text_of(rule));
    principals.auditors.sort_by_cached_key(text_of(caller));
    principals.callers.sort_by_cached_key(text_of(caller));
    for manager in &mut principals.managers {
        let credentials = &mut manager.credentials;
        credentials.sort_by_cached_key(text_of(credential));
        credentials.dedup();
    }
    principals.managers.sort_by_cached_key(text_of(person));
    principals.mtls.sort_by_cached_key(text_of(certificate));
    principals.tees.sort_by_cached_key(text_of(profile));
    principals.tees.dedup();
}

fn text_of<T>(write: impl Fn(&T) -> Canonical) -> impl FnMut(&T) -> Vec<u8> {
    move |item| write(item).to_bytes()
}

pub(crate) fn policy(fields: &PolicyFields) -> Canonical {
    let PolicyFields {
        principals,
        operations,
        usage,
        lifecycle,
        recovery,
        mutability,
    } = fields;
    Canonical::map([
        ("format", Canonical::text(KeyPolicy::FORMAT)),
        ("lifecycle", self::lifecycle(lifecycle)),
        ("mutability", self::mutability(mutability)),
        ("operations", Canonical::set(operations.iter().map(rule))),
        ("principals", principals::principals(principals)),
        ("recovery", self::recovery(recovery)),
        ("usage", self::usage(usage)),
    ])
}

fn rule(rule: &Rule) -> Canonical {
    let Rule {
        name,
        operations,
        principals,
        condition,
    } = rule;
    Canonical::map([
        ("condition", self::condition(condition)),
        ("name", Canonical::text(name)),
        (
            "operations",
            Canonical::set(operations.iter().map(|op| Canonical::text(op.name()))),
        ),
        (
            "principals",
            Canonical::set(principals.iter().map(|id| Canonical::text(id.as_str()))),
        ),
    ])
}

/// One member, whose name is the kind. The lists of `all` and `any` keep their order: refusals
/// name positions in them.
pub(crate) fn condition(condition: &Condition) -> Canonical {
    let inner = match condition {
        Condition::AttestationMatches(profile) => {
            Canonical::map([("profile", Canonical::text(profile))])
        }
        Condition::TimeWindow(TimeWindow { from, until }) => {
            Canonical::map([("from", optional(*from)), ("until", optional(*until))])
        }
        Condition::CallerHoldsRole(role) => issuer_role(role),
        Condition::ManagerApproval(approval) => manager_approval(approval),
        Condition::All(members) | Condition::Any(members) => {
            Canonical::list(members.iter().map(self::condition))
        }
        Condition::Not(member) => self::condition(member),
    };
    Canonical::map([(condition.kind(), inner)])
}

fn manager_approval(approval: &ManagerApproval) -> Canonical {
    let ManagerApproval {
        managers,
        threshold,
        fresh_for,
        oidc,
    } = approval;
    Canonical::map([
        ("fresh_for", Canonical::text(fresh_for)),
        (
            "managers",
            Canonical::set(managers.iter().map(Canonical::text)),
        ),
        ("oidc", Canonical::text(oidc.name())),
        ("threshold", Canonical::text(threshold)),
    ])
}

fn usage(usage: &Usage) -> Canonical {
    let Usage { operations, export } = usage;
    Canonical::map([
        ("export", export.none()),
        (
            "operations",
            Canonical::set(operations.iter().map(|op| Canonical::text(op.name()))),
        ),
    ])
}

fn lifecycle(lifecycle: &Lifecycle) -> Canonical {
    let Lifecycle {
        expires_at,
        rotation_period,
        deletion_window,
        usage_limit,
        sealed_forever,
    } = lifecycle;
    Canonical::map([
        ("deletion_window", Canonical::text(deletion_window)),
        ("expires_at", expires_at.none()),
        ("rotation_period", rotation_period.none()),
        ("sealed_forever", Canonical::text(sealed_forever)),
        ("usage_limit", usage_limit.none()),
    ])
}

fn recovery(recovery: &Recovery) -> Canonical {
    let Recovery { mode, targets } = recovery;
    Canonical::map([("mode", mode.none()), ("targets", targets.empty())])
}

fn mutability(mutability: &Mutability) -> Canonical {
    let fields = mutability
        .levels()
        .map(|(field, level)| (field.name().to_owned(), self::level(level)));
    Canonical::Map(fields.collect())
}

fn level(level: Level) -> Canonical {
    match level {
        Level::Owner => Canonical::text(OWNER),
        Level::Quorum(Quorum { threshold, oidc }) => {
            let quorum = [
                ("oidc", Canonical::text(oidc.name())),
                ("threshold", Canonical::text(threshold)),
            ];
            Canonical::map([("quorum", Canonical::map(quorum))])
        }
        Level::Immutable => Canonical::text(IMMUTABLE),
    }
}

fn optional(value: Option<impl Display>) -> Canonical {
    value.map_or_else(|| Canonical::text(NONE), Canonical::text)
}
