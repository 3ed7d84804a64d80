//! What the generated cases reached.

use crate::generate::Case;
use crate::naive::{self, Decision, World};
use std::collections::BTreeMap;
use std::fmt;
use vault_encoding::Canonical;

/// Counts of decisions, and of values of each kind of condition.
#[derive(Default, Debug)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
    cases: u64,
}

impl Coverage {
    pub(crate) fn take(&mut self, case: &Case, decision: &Decision) {
        self.cases += 1;
        let kind = match decision {
            Decision::Allow => "allow",
            Decision::Stranger => "stranger",
            Decision::NotOwner => "not owner",
            Decision::NoRule => "no rule",
            Decision::Conditions(_) => "condition",
        };
        self.count(&format!("decision: {kind}"));
        self.count(&format!("action: {}", case.action));
        let world = World {
            policy: &case.policy,
            facts: &case.facts,
            now: case.now,
        };
        let taken = naive::takes_sender(&world, case.key_type);
        self.count(&format!("sender of {}: {taken}", case.key_type.name()));
        if let Canonical::List(rules) = naive::member(&case.policy, "operations") {
            for rule in rules {
                self.condition(&world, naive::member(rule, "condition"));
            }
        }
    }

    fn condition(&mut self, world: &World<'_>, condition: &Canonical) {
        let Canonical::Map(one) = condition else {
            return;
        };
        for (kind, inner) in one {
            self.count(&format!("{kind}: {:?}", naive::holds(world, condition)));
            match inner {
                Canonical::List(items) => items.iter().for_each(|each| self.condition(world, each)),
                inner if kind == "not" => self.condition(world, inner),
                _ => {}
            }
        }
    }

    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    /// How often this was reached.
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Allowed cases, in percent of all.
    pub fn allow_rate(&self) -> u64 {
        self.of("decision: allow") * 100 / self.cases.max(1)
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cases, {} % allowed", self.cases, self.allow_rate())?;
        for (what, count) in &self.counts {
            writeln!(f, "{count:>9}  {what}")?;
        }
        Ok(())
    }
}
