//! Names, references and bounds of a policy, however it was made.

use crate::condition::{Condition, TimeWindow};
use crate::error::{Fault, PolicyError};
use crate::model::{KeyPolicy, PolicyFields, PrincipalName, Rule};
use crate::principal::{CallerIdentity, IssuerRole, OidcSubject};
use crate::profile::{AttestationProfile, RequiredOid};
use std::collections::BTreeSet;
use unicode_normalization::is_nfc;

type Checked = Result<(), PolicyError>;

pub(crate) fn well_formed(fields: &PolicyFields) -> Checked {
    subject(&fields.principals.owner.subject, "principals.owner")?;
    principals(fields)?;
    rules(fields)
}

/// Compared byte for byte everywhere, so nothing that looks alike may differ in its bytes.
pub(crate) fn identity(text: &str, path: &str) -> Checked {
    let good = (1..=KeyPolicy::MAX_NAME).contains(&text.len())
        && is_nfc(text)
        && !text.chars().any(char::is_control);
    if good {
        Ok(())
    } else {
        Err(Fault::BadIdentity.at(path))
    }
}

fn subject(subject: &OidcSubject, path: &str) -> Checked {
    identity(&subject.issuer, &format!("{path}.issuer"))?;
    identity(&subject.subject, &format!("{path}.subject"))
}

fn issuer_role(role: &IssuerRole, path: &str) -> Checked {
    identity(&role.issuer, &format!("{path}.issuer"))?;
    identity(&role.role, &format!("{path}.role"))
}

fn principals(fields: &PolicyFields) -> Checked {
    let mut taken = BTreeSet::from(["any", "owner"]);
    for (index, caller) in fields.principals.callers.iter().enumerate() {
        let path = format!("principals.callers[{index}]");
        name(&caller.id, &mut taken, &format!("{path}.id"))?;
        match &caller.identity {
            CallerIdentity::Oidc(oidc) => subject(oidc, &format!("{path}.oidc"))?,
            CallerIdentity::Role(role) => issuer_role(role, &format!("{path}.role"))?,
        }
    }
    for (index, profile) in fields.principals.tees.iter().enumerate() {
        let path = format!("principals.tees[{index}]");
        name(&profile.name, &mut taken, &format!("{path}.name"))?;
        self::profile(profile, &path)?;
    }
    Ok(())
}

fn name<'a>(name: &'a str, taken: &mut BTreeSet<&'a str>, path: &str) -> Checked {
    identity(name, path)?;
    if taken.insert(name) {
        Ok(())
    } else {
        Err(Fault::NameTaken.at(path))
    }
}

fn profile(profile: &AttestationProfile, path: &str) -> Checked {
    if profile.mrenclave.is_none() && profile.signer.is_none() {
        return Err(Fault::NoMeasurement.at(path));
    }
    if profile.tcb.statuses.is_empty() {
        return Err(Fault::Expected("at least one status").at(format!("{path}.tcb.statuses")));
    }
    for advisory in &profile.tcb.advisories {
        identity(advisory, &format!("{path}.tcb.advisories"))?;
    }
    let limit = KeyPolicy::MAX_OIDS;
    if profile.required_oids.len() > limit {
        return Err(Fault::TooMany { limit }.at(format!("{path}.required_oids")));
    }
    profile
        .required_oids
        .iter()
        .try_for_each(|required| oid(required, path))
}

fn oid(required: &RequiredOid, path: &str) -> Checked {
    let arc = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|digit| digit.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'))
    };
    let good = required.oid.len() <= KeyPolicy::MAX_NAME
        && required.oid.contains('.')
        && required.oid.split('.').all(arc);
    if good {
        Ok(())
    } else {
        Err(Fault::Expected("a dotted OID").at(format!("{path}.required_oids")))
    }
}

fn rules(fields: &PolicyFields) -> Checked {
    let limit = KeyPolicy::MAX_RULES;
    if fields.operations.len() > limit {
        return Err(Fault::TooMany { limit }.at("operations"));
    }
    let mut taken = BTreeSet::new();
    let mut nodes = KeyPolicy::MAX_NODES;
    for (index, rule) in fields.operations.iter().enumerate() {
        let path = format!("operations[{index}]");
        name(&rule.name, &mut taken, &format!("{path}.name"))?;
        self::rule(fields, rule, &path)?;
        let mut walk = Walk {
            fields,
            nodes: &mut nodes,
        };
        let path = format!("{path}.condition");
        walk.condition(&rule.condition, KeyPolicy::MAX_DEPTH, false, &path)?;
    }
    Ok(())
}

fn rule(fields: &PolicyFields, rule: &Rule, path: &str) -> Checked {
    if rule.operations.is_empty() {
        return Err(Fault::Expected("at least one operation").at(format!("{path}.operations")));
    }
    if rule.principals.is_empty() {
        return Err(Fault::Expected("at least one principal").at(format!("{path}.principals")));
    }
    match rule
        .principals
        .iter()
        .find(|principal| !is_named(fields, principal))
    {
        None => Ok(()),
        Some(_) => Err(Fault::UnknownPrincipal.at(format!("{path}.principals"))),
    }
}

fn is_named(fields: &PolicyFields, principal: &PrincipalName) -> bool {
    match principal {
        PrincipalName::Any | PrincipalName::Owner => true,
        PrincipalName::Id(id) => {
            fields
                .principals
                .callers
                .iter()
                .any(|caller| caller.id == *id)
                || fields
                    .principals
                    .tees
                    .iter()
                    .any(|profile| profile.name == *id)
        }
    }
}

struct Walk<'a> {
    fields: &'a PolicyFields,
    nodes: &'a mut usize,
}

impl Walk<'_> {
    fn condition(
        &mut self,
        condition: &Condition,
        depth: usize,
        negated: bool,
        path: &str,
    ) -> Checked {
        let depth = depth.checked_sub(1).ok_or(Fault::TooDeep.at(path))?;
        let limit = KeyPolicy::MAX_NODES;
        *self.nodes = self
            .nodes
            .checked_sub(1)
            .ok_or(Fault::TooMany { limit }.at(path))?;
        let path = format!("{path}.{}", condition.kind());
        match condition {
            Condition::AttestationMatches(_) | Condition::CallerHoldsRole(_) if negated => {
                Err(Fault::NotOverFacts.at(path))
            }
            Condition::AttestationMatches(profile) => self.profile(profile, &path),
            Condition::CallerHoldsRole(role) => issuer_role(role, &path),
            Condition::TimeWindow(window) => self::window(*window, &path),
            Condition::All(members) | Condition::Any(members) => {
                let mut members = members.iter().enumerate();
                members.try_for_each(|(index, member)| {
                    self.condition(member, depth, negated, &format!("{path}[{index}]"))
                })
            }
            Condition::Not(member) => self.condition(member, depth, true, &path),
        }
    }

    fn profile(&self, name: &str, path: &str) -> Checked {
        match self
            .fields
            .principals
            .tees
            .iter()
            .any(|profile| profile.name == name)
        {
            true => Ok(()),
            false => Err(Fault::UnknownProfile.at(format!("{path}.profile"))),
        }
    }
}

fn window(window: TimeWindow, path: &str) -> Checked {
    match (window.from, window.until) {
        (None, None) => Err(Fault::Expected("from, until or both").at(path)),
        (Some(from), Some(until)) if until <= from => Err(Fault::EmptyWindow.at(path)),
        (None, Some(until)) if until.0 == 0 => Err(Fault::EmptyWindow.at(path)),
        _ => Ok(()),
    }
}
