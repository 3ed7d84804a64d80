//! Which fields differ between two policies.

use crate::model::{Lifecycle, PolicyFields, Principals, Recovery, Usage};
use crate::mutability::Field;
use std::collections::BTreeSet;

/// The fields that differ.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// In the order of the canonical form.
    pub fields: BTreeSet<Field>,
}

impl Change {
    /// Every field is taken apart here, so that one cannot be added without deciding about it.
    pub fn between(old: &PolicyFields, new: &PolicyFields) -> Self {
        let PolicyFields {
            principals,
            operations,
            usage,
            lifecycle,
            recovery,
            mutability,
        } = old;
        let mut change = Self::default();
        change.principals(principals, &new.principals);
        change.note(Field::Operations, operations != &new.operations);
        change.usage(usage, &new.usage);
        change.lifecycle(lifecycle, &new.lifecycle);
        change.recovery(recovery, &new.recovery);
        change.note(Field::Mutability, mutability != &new.mutability);
        change
    }

    /// Names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name())
    }

    fn note(&mut self, field: Field, differs: bool) {
        if differs {
            self.fields.insert(field);
        }
    }

    fn principals(&mut self, old: &Principals, new: &Principals) {
        let Principals {
            owner,
            managers,
            auditors,
            callers,
            tees,
            mtls,
        } = old;
        self.note(Field::PrincipalsOwner, owner != &new.owner);
        self.note(Field::Managers, managers != &new.managers);
        self.note(Field::Auditors, auditors != &new.auditors);
        self.note(Field::Callers, callers != &new.callers);
        self.note(Field::Tees, tees != &new.tees);
        self.note(Field::Mtls, mtls != &new.mtls);
    }

    fn usage(&mut self, old: &Usage, new: &Usage) {
        let Usage { operations, export } = old;
        self.note(Field::UsageOperations, operations != &new.operations);
        self.note(Field::Export, export != &new.export);
    }

    fn lifecycle(&mut self, old: &Lifecycle, new: &Lifecycle) {
        let Lifecycle {
            expires_at,
            rotation_period,
            deletion_window,
            usage_limit,
            sealed_forever,
        } = old;
        self.note(Field::ExpiresAt, expires_at != &new.expires_at);
        self.note(
            Field::RotationPeriod,
            rotation_period != &new.rotation_period,
        );
        self.note(
            Field::DeletionWindow,
            deletion_window != &new.deletion_window,
        );
        self.note(Field::UsageLimit, usage_limit != &new.usage_limit);
        self.note(Field::SealedForever, sealed_forever != &new.sealed_forever);
    }

    fn recovery(&mut self, old: &Recovery, new: &Recovery) {
        let Recovery { mode, targets } = old;
        self.note(Field::RecoveryMode, mode != &new.mode);
        self.note(Field::RecoveryTargets, targets != &new.targets);
    }
}
