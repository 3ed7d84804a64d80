//! Names and bounds of who is named.

use super::profile::profile;
use super::{Checked, identity, name};
use crate::error::Fault;
use crate::model::{PolicyFields, Principals};
use crate::principal::{
    CallerIdentity, CertificateIdentity, Credential, Fido2Credential, IssuerRole, NamedCaller,
    OidcSubject, Person, is_san,
};
use std::collections::BTreeSet;

pub(super) fn principals(fields: &PolicyFields) -> Checked {
    let principals = &fields.principals;
    let owner = &principals.owner;
    subject(&owner.subject, "principals.owner")?;
    if let Some(factor) = &owner.second_factor {
        fido2(factor, "principals.owner.second_factor.fido2")?;
    }
    let mut taken = BTreeSet::from(["any", "owner"]);
    callers(&principals.callers, "principals.callers", &mut taken)?;
    callers(&principals.auditors, "principals.auditors", &mut taken)?;
    managers(&principals.managers, &mut taken)?;
    certificates(principals, &mut taken)?;
    profiles(principals, &taken)
}

fn subject(subject: &OidcSubject, path: &str) -> Checked {
    identity(&subject.issuer, &format!("{path}.issuer"))?;
    identity(&subject.subject, &format!("{path}.subject"))
}

pub(super) fn issuer_role(role: &IssuerRole, path: &str) -> Checked {
    identity(&role.issuer, &format!("{path}.issuer"))?;
    identity(&role.role, &format!("{path}.role"))
}

fn callers<'a>(list: &'a [NamedCaller], at: &str, taken: &mut BTreeSet<&'a str>) -> Checked {
    for (index, caller) in list.iter().enumerate() {
        let path = format!("{at}[{index}]");
        name(&caller.id, taken, &format!("{path}.id"))?;
        match &caller.identity {
            CallerIdentity::Oidc(oidc) => subject(oidc, &format!("{path}.oidc"))?,
            CallerIdentity::Role(role) => issuer_role(role, &format!("{path}.role"))?,
        }
    }
    Ok(())
}

fn managers<'a>(persons: &'a [Person], taken: &mut BTreeSet<&'a str>) -> Checked {
    let limit = Person::MAX;
    if persons.len() > limit {
        return Err(Fault::TooMany { limit }.at("principals.managers"));
    }
    let mut known: Vec<&Credential> = Vec::new();
    for (index, person) in persons.iter().enumerate() {
        let path = format!("principals.managers[{index}]");
        name(&person.id, taken, &format!("{path}.id"))?;
        let path = format!("{path}.credentials");
        self::credentials(person, &path)?;
        let taken = |own: &Credential| known.iter().any(|other| own.is_same(other));
        if person.credentials.iter().any(taken) {
            return Err(Fault::CredentialTaken.at(path));
        }
        known.extend(&person.credentials);
    }
    Ok(())
}

fn credentials(person: &Person, path: &str) -> Checked {
    let limit = Person::MAX_CREDENTIALS;
    if person.credentials.is_empty() {
        return Err(Fault::Expected("at least one credential").at(path));
    }
    if person.credentials.len() > limit {
        return Err(Fault::TooMany { limit }.at(path));
    }
    for (index, credential) in person.credentials.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match credential {
            Credential::Fido2(credential) => fido2(credential, &format!("{path}.fido2"))?,
            Credential::Oidc(oidc) => subject(oidc, &format!("{path}.oidc"))?,
        }
    }
    Ok(())
}

fn fido2(credential: &Fido2Credential, path: &str) -> Checked {
    let at = |member: &str| format!("{path}.{member}");
    if !(1..=Fido2Credential::MAX_ID).contains(&credential.credential_id.len()) {
        return Err(Fault::Expected("1 to 1023 bytes").at(at("credential_id")));
    }
    if !credential.algorithm.has_form(&credential.public_key) {
        let expected = Fault::Expected("an uncompressed P-256 point, or 32 bytes for eddsa");
        return Err(expected.at(at("public_key")));
    }
    let limit = Fido2Credential::MAX_ORIGINS;
    match credential.origins.len() {
        0 => return Err(Fault::Expected("at least one origin").at(at("origins"))),
        count if count > limit => return Err(Fault::TooMany { limit }.at(at("origins"))),
        _ => {}
    }
    for origin in &credential.origins {
        identity(origin, &at("origins"))?;
    }
    identity(&credential.rp_id, &at("rp_id"))
}

fn certificates<'a>(principals: &'a Principals, taken: &mut BTreeSet<&'a str>) -> Checked {
    for (index, named) in principals.mtls.iter().enumerate() {
        let path = format!("principals.mtls[{index}]");
        name(&named.id, taken, &format!("{path}.id"))?;
        if let CertificateIdentity::Ca { san, .. } = &named.identity {
            let path = format!("{path}.ca.san");
            identity(san, &path)?;
            if !is_san(san) {
                return Err(Fault::Expected("dns:…, uri:…, email:… or ip:…").at(path));
            }
        }
    }
    Ok(())
}

/// Several profiles may have one name, which nothing else has.
fn profiles(principals: &Principals, taken: &BTreeSet<&str>) -> Checked {
    for (index, tee) in principals.tees.iter().enumerate() {
        let path = format!("principals.tees[{index}]");
        name(&tee.name, &mut taken.clone(), &format!("{path}.name"))?;
        profile(tee, &path)?;
    }
    Ok(())
}
