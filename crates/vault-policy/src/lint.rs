//! What a policy allows more, or less, than its author may think.

use crate::condition::Condition;
use crate::evidence::TcbStatus;
use crate::model::{KeyPolicy, PolicyFields, PrincipalName, Rule};
use crate::mutability::{Field, Level, OidcApproval};
use crate::profile::AttestationProfile;
use crate::update::eligible;
use crate::usage::usage_allows;
use std::collections::BTreeSet;

/// One remark. None makes a policy invalid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Name of the rule; empty if it is not about one.
    pub rule: String,
    /// Where in the rule's condition, or `tees.NAME`, or `callers.ID`; empty for the whole.
    pub condition: String,
    /// The stable code.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

impl Finding {
    fn new(rule: &str, condition: &str, code: &'static str, message: &str) -> Self {
        let (rule, condition) = (rule.to_owned(), condition.to_owned());
        Self {
            rule,
            condition,
            code,
            message: message.to_owned(),
        }
    }
}

/// Every remark: on the whole, on profiles, on rules.
pub fn lint(policy: &KeyPolicy) -> Vec<Finding> {
    let fields = policy.fields();
    let mut findings = Vec::new();
    if fields.lifecycle.sealed_forever {
        let message = "sealed_forever: nobody checked that the key can ever be used";
        findings.push(Finding::new("", "", "sealed_forever", message));
    }
    unused(fields, &mut findings);
    fields
        .principals
        .tees
        .iter()
        .for_each(|tee| profile(tee, &mut findings));
    governance(fields, &mut findings);
    fields
        .operations
        .iter()
        .for_each(|rule| self::rule(fields, rule, &mut findings));
    findings
}

/// Managers whom the owner can do without, and managers who cannot do without each other.
fn governance(fields: &PolicyFields, findings: &mut Vec<Finding>) {
    if fields.principals.managers.is_empty() {
        return;
    }
    let mut say = |field: Field, code, message: &str| {
        let at = format!("mutability.{}", field.name());
        findings.push(Finding::new("", &at, code, message));
    };
    for field in [Field::Operations, Field::Managers] {
        if fields.mutability.level(field) == Level::Owner {
            let message = "the owner alone can do away with every approval";
            say(field, "owner_overrules_managers", message);
        }
    }
    for field in [Field::Callers, Field::Mtls] {
        if fields.mutability.level(field) == Level::Owner {
            let message =
                "the owner alone can give somebody else the name that a rule grants something to";
            say(field, "owner_names_callers", message);
        }
    }
    let needs_all = |(_, level): &(Field, Level)| match level {
        Level::Quorum(quorum) => eligible(fields, quorum.oidc) == quorum.threshold,
        Level::Owner | Level::Immutable => false,
    };
    if let Some((field, _)) = fields.mutability.levels().find(needs_all) {
        let message = "it takes every manager: one who is lost blocks every change";
        say(field, "no_spare_manager", message);
    }
}

fn profile(profile: &AttestationProfile, findings: &mut Vec<Finding>) {
    let at = format!("tees.{}", profile.name);
    let mut say = |code, message: &str| findings.push(Finding::new("", &at, code, message));
    if profile.platforms.is_empty() {
        say(
            "profile_any_platform",
            "without platforms, an enclave on anybody's machine matches",
        );
    }
    if profile.mrtd.is_some() && profile.rtmrs.is_empty() {
        say(
            "td_without_rtmrs",
            "mrtd says what the domain starts from, and rtmrs what it loads after that: its kernel and programs",
        );
    }
    if profile.mrenclave.is_none() && profile.signer.is_some() {
        say(
            "profile_by_signer",
            "whoever holds the signer's key can make a build that matches, today and later",
        );
    }
    let tcb = &profile.tcb;
    let wide = tcb
        .statuses
        .iter()
        .any(|status| *status != TcbStatus::UpToDate);
    if wide || !tcb.advisories.is_empty() || tcb.grace > 0 {
        say("wide_tcb", "platforms with known weaknesses match");
    }
}

fn unused(fields: &PolicyFields, findings: &mut Vec<Finding>) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for rule in &fields.operations {
        used.extend(rule.principals.iter().map(PrincipalName::as_str));
        visit(&rule.condition, "", &mut |condition, _| {
            if let Condition::AttestationMatches(profile) = condition {
                used.insert(profile);
            }
        });
    }
    let callers = fields.principals.callers.iter();
    let callers = callers.map(|caller| ("callers", &caller.id));
    let tees = fields
        .principals
        .tees
        .iter()
        .map(|profile| ("tees", &profile.name));
    let mtls = fields.principals.mtls.iter();
    let mtls = mtls.map(|named| ("mtls", &named.id));
    for (list, name) in callers
        .chain(tees)
        .chain(mtls)
        .filter(|(_, name)| !used.contains(name.as_str()))
    {
        let at = format!("{list}.{name}");
        findings.push(Finding::new(
            "",
            &at,
            "unused_principal",
            "no rule and no condition names it",
        ));
    }
}

fn rule(fields: &PolicyFields, rule: &Rule, findings: &mut Vec<Finding>) {
    let mut say = |condition: &str, code, message: &str| {
        findings.push(Finding::new(&rule.name, condition, code, message));
    };
    let always = rule.condition == Condition::always();
    if always
        && rule
            .principals
            .iter()
            .all(|name| *name == PrincipalName::Any)
    {
        say(
            "",
            "no_effect",
            "a rule for `any` never grants, and this one restricts nothing",
        );
    }
    let granting = rule
        .principals
        .iter()
        .any(|name| *name != PrincipalName::Any);
    let dead = |operation| !usage_allows(&fields.usage, operation);
    if granting && rule.operations.iter().copied().any(dead) {
        say(
            "",
            "rule_beyond_usage",
            "the usage forbids an operation that this rule grants",
        );
    }
    if !always && sheddable(fields, rule) {
        say(
            rule.condition.kind(),
            "sheddable_condition",
            "a caller who is also another rule's principal escapes this condition by not proving \
             to be this rule's; what everybody must obey belongs into a rule for `any`",
        );
    }
    visit(&rule.condition, "", &mut |condition, path| {
        if matches!(condition, Condition::Any(members) if members.is_empty()) {
            say(path, "never_true", "`any` of nothing never holds");
        }
        if matches!(condition, Condition::ManagerApproval(approval) if approval.oidc == OidcApproval::Allowed)
        {
            let message = "whoever can issue a manager's token can approve";
            say(path, "approval_by_token", message);
        }
        if matches!(condition, Condition::ManagerApproval(approval) if approval.fresh_for == 0) {
            let message =
                "fresh_for 0: no approval comes within the second in which it was asked for";
            say(path, "never_fresh", message);
        }
    });
}

/// Whether another rule grants one of its operations to somebody whom this one does not name.
fn sheddable(fields: &PolicyFields, rule: &Rule) -> bool {
    let named = |name: &PrincipalName| {
        *name == PrincipalName::Any
            || rule.principals.contains(name)
            || rule.principals.contains(&PrincipalName::Any)
    };
    fields.operations.iter().any(|other| {
        !other.operations.is_disjoint(&rule.operations)
            && other.principals.iter().any(|name| !named(name))
    })
}

/// Calls `see` with every condition and its path, outside in.
fn visit<'a>(condition: &'a Condition, above: &str, see: &mut impl FnMut(&'a Condition, &str)) {
    let path = match above {
        "" => condition.kind().to_owned(),
        above => format!("{above}.{}", condition.kind()),
    };
    see(condition, &path);
    match condition {
        Condition::All(members) | Condition::Any(members) => {
            for (index, member) in members.iter().enumerate() {
                visit(member, &format!("{path}[{index}]"), see);
            }
        }
        Condition::Not(member) => visit(member, &path, see),
        Condition::AttestationMatches(_)
        | Condition::TimeWindow(_)
        | Condition::CallerHoldsRole(_)
        | Condition::ManagerApproval(_) => {}
    }
}
