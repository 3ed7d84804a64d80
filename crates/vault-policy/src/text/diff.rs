//! What an edit of a policy widens, and what it narrows.

use super::implies::implies;
use super::{rights, words};
use crate::condition::Condition;
use crate::model::{KeyPolicy, Owner, PolicyFields, PrincipalName};
use crate::mutability::Field;
use crate::operation::Operation;
use crate::principal::{Credential, Person};
use crate::update::Change;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Whether more is possible than before, or less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// More.
    Widens,
    /// Less.
    Narrows,
    /// More for some and less for others, or the form alone, or nobody can tell.
    Changes,
}

impl Direction {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Widens => "widens",
            Self::Narrows => "narrows",
            Self::Changes => "changes",
        }
    }
}

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The field of the policy.
    pub field: Field,
    /// What it comes to.
    pub direction: Direction,
    /// In words.
    pub text: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            direction,
            text,
        } = self;
        write!(f, "{} {}: {text}", field.name(), direction.name())
    }
}

/// Every difference, by field. Each field that differs has at least one.
pub fn diff(old: &KeyPolicy, new: &KeyPolicy) -> Vec<Difference> {
    let (old, new) = (old.fields(), new.fields());
    let mut found = Found {
        field: Field::Operations,
        differences: Vec::new(),
    };
    for field in Change::between(old, new).fields {
        found.field = field;
        let before = found.differences.len();
        found.field(old, new);
        if found.differences.len() == before {
            found.say(Direction::Changes, "written otherwise, to the same effect");
        }
    }
    found.differences
}

struct Found {
    field: Field,
    differences: Vec<Difference>,
}

impl Found {
    fn say(&mut self, direction: Direction, text: impl Into<String>) {
        self.differences.push(Difference {
            field: self.field,
            direction,
            text: text.into(),
        });
    }

    fn field(&mut self, old: &PolicyFields, new: &PolicyFields) {
        let (before, after) = (&old.principals, &new.principals);
        match self.field {
            Field::Operations => self.operations(old, new),
            Field::Callers => {
                let list = |of: &PolicyFields| -> BTreeMap<String, String> {
                    let callers = of.principals.callers.iter();
                    callers
                        .map(|it| (it.id.clone(), words::caller(&it.identity)))
                        .collect()
                };
                self.named("caller", &list(old), &list(new));
            }
            Field::Auditors => {
                let list = |of: &PolicyFields| -> BTreeMap<String, String> {
                    let auditors = of.principals.auditors.iter();
                    auditors
                        .map(|it| (it.id.clone(), words::caller(&it.identity)))
                        .collect()
                };
                self.named("auditor", &list(old), &list(new));
            }
            Field::Mtls => {
                let list = |of: &PolicyFields| -> BTreeMap<String, String> {
                    let mtls = of.principals.mtls.iter();
                    mtls.map(|it| (it.id.clone(), words::certificate(&it.identity)))
                        .collect()
                };
                self.named("certificate", &list(old), &list(new));
            }
            Field::Managers => self.managers(&before.managers, &after.managers),
            Field::PrincipalsOwner => self.owner(&before.owner, &after.owner),
            Field::Tees => self.tees(old, new),
            Field::UsageOperations => {
                self.usage(&old.usage.operations, &new.usage.operations);
            }
            Field::DeletionWindow | Field::SealedForever => self.lifecycle(old, new),
            Field::Mutability => self.mutability(old, new),
            // Never differ: nothing but the default can stand there.
            Field::ExpiresAt
            | Field::RotationPeriod
            | Field::UsageLimit
            | Field::RecoveryMode
            | Field::RecoveryTargets
            | Field::Export => {}
        }
    }

    /// Per operation and principal, since that is what people ask: a rule may grant to one and
    /// restrict another.
    fn operations(&mut self, old: &PolicyFields, new: &PolicyFields) {
        for operation in Operation::ALL {
            let mut names = rights::named(old, operation);
            names.extend(rights::named(new, operation));
            for name in names {
                self.right(old, new, operation, &name);
            }
        }
    }

    fn right(
        &mut self,
        old: &PolicyFields,
        new: &PolicyFields,
        operation: Operation,
        name: &PrincipalName,
    ) {
        let requirement =
            |of| rights::rules(of, operation, name).map(|rules| rights::requirement(&rules));
        let (who, what) = (name.as_str(), operation.name());
        match (requirement(old), requirement(new)) {
            (None, None) => {}
            (None, Some(takes)) => {
                let takes = words::condition(&takes);
                self.say(
                    Direction::Widens,
                    format!("\"{who}\" may {what}; it takes {takes}"),
                );
            }
            (Some(before), None) => self.no_longer(new, operation, name, &before),
            (Some(before), Some(after)) => {
                let direction = match (implies(&after, &before), implies(&before, &after)) {
                    (true, true) => return,
                    (true, false) => Direction::Narrows,
                    (false, true) => Direction::Widens,
                    (false, false) => Direction::Changes,
                };
                let (before, after) = (words::condition(&before), words::condition(&after));
                let text = format!("for \"{who}\" to {what}, it takes {after}; it took {before}");
                self.say(direction, text);
            }
        }
    }

    /// Rules bind everybody whom they name: who may do it by another name, too, is bound no more.
    fn no_longer(
        &mut self,
        new: &PolicyFields,
        operation: Operation,
        name: &PrincipalName,
        before: &Condition,
    ) {
        let (who, what) = (name.as_str(), operation.name());
        let text = format!("\"{who}\" may no longer {what}");
        if *before == Condition::always() || rights::named(new, operation).is_empty() {
            return self.say(Direction::Narrows, text);
        }
        let took = words::condition(before);
        let lifted = format!("who may by another name is not asked for {took} any more");
        self.say(Direction::Changes, format!("{text}; {lifted}"));
    }

    fn named(
        &mut self,
        kind: &str,
        old: &BTreeMap<String, String>,
        new: &BTreeMap<String, String>,
    ) {
        for (id, who) in new {
            match old.get(id) {
                None => self.say(Direction::Widens, format!("{kind} \"{id}\" is {who}")),
                Some(before) if before != who => {
                    let text = format!("{kind} \"{id}\" is {who}; it was {before}");
                    self.say(Direction::Changes, text);
                }
                Some(_) => {}
            }
        }
        for (id, who) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
            self.say(
                Direction::Narrows,
                format!("{kind} \"{id}\" is gone: {who}"),
            );
        }
    }

    fn managers(&mut self, old: &[Person], new: &[Person]) {
        for person in new {
            let id = &person.id;
            match old.iter().find(|known| known.id == *id) {
                None => {
                    let text = format!("manager \"{id}\" may approve: {}", words::person(person));
                    self.say(Direction::Widens, text);
                }
                Some(known) => self.credentials(id, &known.credentials, &person.credentials),
            }
        }
        for gone in old
            .iter()
            .filter(|known| new.iter().all(|it| it.id != known.id))
        {
            let text = format!("manager \"{}\" may no longer approve", gone.id);
            self.say(Direction::Narrows, text);
        }
    }

    fn credentials(&mut self, id: &str, old: &[Credential], new: &[Credential]) {
        for added in new.iter().filter(|it| !old.contains(it)) {
            let text = format!("manager \"{id}\" may use {}", words::credential(added));
            self.say(Direction::Widens, text);
        }
        for gone in old.iter().filter(|it| !new.contains(it)) {
            let with = words::credential(gone);
            let text = format!("manager \"{id}\" may no longer use {with}");
            match gone {
                Credential::Fido2(_) => self.say(Direction::Narrows, text),
                // By their token they were known to be who asks.
                Credential::Oidc(_) => {
                    let counts = "counts beside who asks by it";
                    self.say(Direction::Changes, format!("{text}, and {counts}"));
                }
            }
        }
    }

    fn owner(&mut self, old: &Owner, new: &Owner) {
        if old.subject != new.subject {
            let who =
                |owner: &Owner| format!("{} of {}", owner.subject.subject, owner.subject.issuer);
            let text = format!("the owner is {}; it was {}", who(new), who(old));
            self.say(Direction::Changes, text);
        }
        match (&old.second_factor, &new.second_factor) {
            (None, Some(_)) => {
                self.say(
                    Direction::Narrows,
                    "what the owner does takes a second factor",
                );
            }
            (Some(_), None) => {
                self.say(
                    Direction::Widens,
                    "what the owner does takes no second factor",
                );
            }
            (old, new) if old != new => {
                self.say(Direction::Changes, "the owner has another second factor");
            }
            _ => {}
        }
    }

    fn tees(&mut self, old: &PolicyFields, new: &PolicyFields) {
        let (old, new) = (&old.principals.tees, &new.principals.tees);
        for added in new.iter().filter(|it| !old.contains(it)) {
            let text = format!(
                "profile \"{}\" accepts {}",
                added.name,
                words::profile(added)
            );
            self.say(Direction::Widens, text);
        }
        for gone in old.iter().filter(|it| !new.contains(it)) {
            let text = format!(
                "profile \"{}\" no longer accepts {}",
                gone.name,
                words::profile(gone)
            );
            self.say(Direction::Narrows, text);
        }
    }

    fn usage(&mut self, old: &BTreeSet<Operation>, new: &BTreeSet<Operation>) {
        for added in new.difference(old) {
            self.say(
                Direction::Widens,
                format!("the key may be used to {}", added.name()),
            );
        }
        for gone in old.difference(new) {
            self.say(
                Direction::Narrows,
                format!("the key may never {} again", gone.name()),
            );
        }
    }

    fn lifecycle(&mut self, old: &PolicyFields, new: &PolicyFields) {
        let (before, after) = (&old.lifecycle, &new.lifecycle);
        if self.field == Field::SealedForever {
            let text = match after.sealed_forever {
                true => "nobody checks any more that the key can be used and governed",
                false => "the key must be usable and governable",
            };
            return self.say(Direction::Changes, text);
        }
        let (from, to) = (before.deletion_window, after.deletion_window);
        let direction = match to > from {
            true => Direction::Narrows,
            false => Direction::Widens,
        };
        let text = format!("a deletion can be cancelled for {to} s; it was {from} s");
        self.say(direction, text);
    }

    fn mutability(&mut self, old: &PolicyFields, new: &PolicyFields) {
        for (field, before) in old.mutability.levels() {
            let after = new.mutability.level(field);
            let direction = match (after.covers(before), before.covers(after)) {
                (true, true) => continue,
                (true, false) => Direction::Narrows,
                (false, true) => Direction::Widens,
                (false, false) => Direction::Changes,
            };
            let name = field.name();
            self.say(
                direction,
                format!("{name} is changed by {after}; it was {before}"),
            );
        }
    }
}
