//! What the generated cases reached.

use crate::generate::Call;
use crate::naive::change::{Level, Need, Refusals, level, parts};
use crate::naive::{Decision, World, approval, condition, evidence, takes_sender};
use crate::text::{choice, member, members, number, string};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use vault_encoding::Canonical;
use vault_policy::{Facts, Tee};

/// Counts of decisions, of values of each kind of condition, and of what changes come to.
#[derive(Default, Debug)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
    cases: u64,
}

impl Coverage {
    /// Counts a decision, and what every condition of the policy comes to in it.
    pub(crate) fn take_call(&mut self, world: &World<'_>, call: &Call, decision: &Decision) {
        self.cases += 1;
        let kind = match decision {
            Decision::Allow => "allow",
            Decision::Stranger => "stranger",
            Decision::NotOwner => "not_owner",
            Decision::NotManager => "not_manager",
            Decision::NoRule => "no_rule",
            Decision::SecondFactor => "second_factor",
            Decision::Condition(_, _, crate::naive::Value::Open) => "condition_unknown",
            Decision::Condition(..) => "condition_false",
        };
        self.count(&format!("decision: {kind}"));
        let allowed = if *decision == Decision::Allow {
            "allowed"
        } else {
            "denied"
        };
        self.count(&format!("action: {} {allowed}", call.action));
        let taken = takes_sender(&call.facts, call.key_type);
        self.count(&format!("sender of {}: {taken}", call.key_type.name()));
        for rule in members(world.policy, "operations") {
            for part in parts(member(rule, "condition")) {
                self.condition(world, part);
            }
        }
        if let Some(evidence) = &call.facts.evidence {
            let kind = match evidence.claims().tee {
                Tee::Sgx(_) => "enclave",
                Tee::Tdx(_) => "trust domain",
            };
            self.count(&format!("caller: {kind} {allowed}"));
            for profile in members(member(world.policy, "principals"), "tees") {
                let about = match string(member(profile, "mrtd")) {
                    "none" => "enclaves",
                    _ => "trust domains",
                };
                let fits = evidence::fits(world, profile);
                self.count(&format!("profile of {about}, {kind}: {fits:?}"));
            }
        }
        self.count(&format!("approvals: {}", call.facts.approvals.len()));
        let Facts {
            token,
            evidence,
            certificate,
            ..
        } = &call.facts;
        if token.is_none() && evidence.is_none() && certificate.is_some() {
            self.count(&format!("a certificate alone: {kind}"));
        }
    }

    fn condition(&mut self, world: &World<'_>, part: &Canonical) {
        let (kind, inner) = choice(part);
        let value = condition::holds(world, part);
        self.count(&format!("{kind}: {value:?}"));
        if kind == "manager_approval" {
            let (surely, perhaps) = approval::counted(world, inner);
            let threshold = number(inner, "threshold").unwrap_or(0);
            self.count(&format!(
                "manager_approval: {surely} of {threshold} persons"
            ));
            if perhaps > surely {
                self.count("manager_approval: a person at an unknown time");
            }
        }
    }

    /// Counts what a change of policy takes.
    pub(crate) fn take_change(
        &mut self,
        old: &Canonical,
        fields: &[&str],
        required: &Result<Need, Refusals>,
        verdict: &str,
    ) {
        self.cases += 1;
        for field in fields {
            let level = match level(old, field) {
                Level::Owner => "owner",
                Level::Quorum { oidc: true, .. } => "quorum with oidc",
                Level::Quorum { .. } => "quorum",
                Level::Immutable => "immutable",
            };
            self.count(&format!("changed: {field} at {level}"));
        }
        match required {
            Ok(need) if need.threshold == 0 => self.count("takes: the owner"),
            Ok(need) => self.count(&format!("takes: {} managers", need.threshold)),
            Err(refusals) => {
                for (code, _) in refusals {
                    self.count(&format!("refused: {code}"));
                }
                if let [(code, _)] = refusals.iter().collect::<Vec<_>>()[..] {
                    self.count(&format!("refused alone: {code}"));
                }
            }
        }
        self.count(&format!("verdict: {verdict}"));
    }

    /// Counts what is wrong with a policy.
    pub(crate) fn take_shape(&mut self, faults: &BTreeSet<&'static str>) {
        self.cases += 1;
        if faults.is_empty() {
            self.count("well formed");
        }
        for fault in faults {
            self.count(&format!("fault: {fault}"));
        }
    }

    /// Counts what a policy is that a key shall be made under.
    pub(crate) fn take_verdict(&mut self, said: &str) {
        self.cases += 1;
        self.count(said);
    }

    pub(crate) fn count(&mut self, what: &str) {
        match self.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(what.to_owned(), 1);
            }
        }
    }

    /// Adds what another run reached.
    pub fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        for (what, count) in &other.counts {
            *self.counts.entry(what.clone()).or_default() += count;
        }
    }

    /// How often this was reached.
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// How many cases there were.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// Allowed cases, in percent of all.
    pub fn allow_rate(&self) -> u64 {
        self.of("decision: allow") * 100 / self.cases.max(1)
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cases", self.cases)?;
        for (what, count) in &self.counts {
            writeln!(f, "{count:>9}  {what}")?;
        }
        Ok(())
    }
}
