//! The canonical form: every member always written out, absent scalars as `none`.

use crate::condition::{Condition, TimeWindow};
use crate::model::{
    KeyPolicy, Lifecycle, Mutability, Owner, PolicyFields, Principals, Recovery, Reserved, Rule,
    Usage,
};
use crate::principal::{CallerIdentity, IssuerRole, NamedCaller, OidcSubject};
use crate::profile::{AttestationProfile, RequiredOid, TcbRule};
use std::fmt::Display;
use vault_encoding::{Canonical, text};

/// Stands for an optional scalar that is not given.
pub(crate) const NONE: &str = "none";
/// The only mutability of a field.
pub(crate) const IMMUTABLE: &str = "immutable";

impl Reserved {
    fn none(self) -> Canonical {
        Canonical::text(NONE)
    }

    fn zero(self) -> Canonical {
        Canonical::text(0)
    }

    fn empty(self) -> Canonical {
        Canonical::List(Vec::new())
    }
}

/// Puts every list that is a set into the order of its canonical text.
pub(crate) fn sort(fields: &mut PolicyFields) {
    fields
        .operations
        .sort_by_cached_key(|item| rule(item).to_bytes());
    fields
        .principals
        .callers
        .sort_by_cached_key(|item| caller(item).to_bytes());
    fields
        .principals
        .tees
        .sort_by_cached_key(|item| profile(item).to_bytes());
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
        ("principals", self::principals(principals)),
        ("recovery", self::recovery(recovery)),
        ("usage", self::usage(usage)),
    ])
}

fn principals(principals: &Principals) -> Canonical {
    let Principals {
        owner,
        managers,
        auditors,
        callers,
        tees,
        mtls,
    } = principals;
    Canonical::map([
        ("auditors", auditors.empty()),
        ("callers", Canonical::set(callers.iter().map(caller))),
        ("managers", managers.empty()),
        ("mtls", mtls.empty()),
        ("owner", self::owner(owner)),
        ("tees", Canonical::set(tees.iter().map(profile))),
    ])
}

fn owner(owner: &Owner) -> Canonical {
    let Owner {
        subject: OidcSubject { issuer, subject },
        second_factor,
    } = owner;
    Canonical::map([
        ("issuer", Canonical::text(issuer)),
        ("second_factor", second_factor.none()),
        ("subject", Canonical::text(subject)),
    ])
}

fn caller(caller: &NamedCaller) -> Canonical {
    let NamedCaller { id, identity } = caller;
    let id = ("id", Canonical::text(id));
    match identity {
        CallerIdentity::Oidc(OidcSubject { issuer, subject }) => {
            let members = [
                ("issuer", Canonical::text(issuer)),
                ("subject", Canonical::text(subject)),
            ];
            Canonical::map([id, ("oidc", Canonical::map(members))])
        }
        CallerIdentity::Role(role) => Canonical::map([id, ("role", issuer_role(role))]),
    }
}

fn issuer_role(role: &IssuerRole) -> Canonical {
    let IssuerRole { issuer, role } = role;
    Canonical::map([
        ("issuer", Canonical::text(issuer)),
        ("role", Canonical::text(role)),
    ])
}

fn profile(profile: &AttestationProfile) -> Canonical {
    let AttestationProfile {
        name,
        mrenclave,
        signer,
        mrtd,
        rtmrs,
        config_merkle_root,
        required_oids,
        platforms,
        tcb,
    } = profile;
    Canonical::map([
        ("config_merkle_root", optional(*config_merkle_root)),
        (
            "isv_prod_id",
            optional(signer.map(|signer| signer.isv_prod_id)),
        ),
        (
            "min_isv_svn",
            optional(signer.map(|signer| signer.min_isv_svn)),
        ),
        ("mrenclave", optional(*mrenclave)),
        ("mrsigner", optional(signer.map(|signer| signer.mrsigner))),
        ("mrtd", mrtd.none()),
        ("name", Canonical::text(name)),
        (
            "platforms",
            Canonical::set(platforms.iter().map(Canonical::text)),
        ),
        (
            "required_oids",
            Canonical::set(required_oids.iter().map(required_oid)),
        ),
        ("rtmrs", rtmrs.empty()),
        ("tcb", self::tcb(tcb)),
    ])
}

fn required_oid(required: &RequiredOid) -> Canonical {
    let RequiredOid { oid, value } = required;
    Canonical::map([
        ("oid", Canonical::text(oid)),
        ("value", Canonical::text(text::base64url(value))),
    ])
}

fn tcb(rule: &TcbRule) -> Canonical {
    let TcbRule {
        statuses,
        advisories,
        min_evaluation_data_number,
        grace,
    } = rule;
    Canonical::map([
        (
            "advisories",
            Canonical::set(advisories.iter().map(Canonical::text)),
        ),
        ("grace", Canonical::text(grace)),
        (
            "min_evaluation_data_number",
            Canonical::text(min_evaluation_data_number),
        ),
        (
            "statuses",
            Canonical::set(statuses.iter().map(|status| Canonical::text(status.name()))),
        ),
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
        Condition::All(members) | Condition::Any(members) => {
            Canonical::list(members.iter().map(self::condition))
        }
        Condition::Not(member) => self::condition(member),
    };
    Canonical::map([(condition.kind(), inner)])
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
        ("deletion_window", deletion_window.zero()),
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

fn mutability(_: &Mutability) -> Canonical {
    let fields = Mutability::FIELDS.map(|field| (field, Canonical::text(IMMUTABLE)));
    Canonical::map(fields)
}

fn optional(value: Option<impl Display>) -> Canonical {
    value.map_or_else(|| Canonical::text(NONE), Canonical::text)
}
