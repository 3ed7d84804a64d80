//! Writes who is named.

use super::NONE;
use super::profile::profile;
use crate::model::{Owner, Principals};
use crate::principal::{
    CallerIdentity, CertificateIdentity, Credential, Fido2Credential, IssuerRole, NamedCaller,
    NamedCertificate, OidcSubject, Person,
};
use vault_encoding::{Canonical, text};

pub(super) fn principals(principals: &Principals) -> Canonical {
    let Principals {
        owner,
        managers,
        auditors,
        callers,
        tees,
        mtls,
    } = principals;
    Canonical::map([
        ("auditors", Canonical::set(auditors.iter().map(caller))),
        ("callers", Canonical::set(callers.iter().map(caller))),
        ("managers", Canonical::set(managers.iter().map(person))),
        ("mtls", Canonical::set(mtls.iter().map(certificate))),
        ("owner", self::owner(owner)),
        ("tees", Canonical::set(tees.iter().map(profile))),
    ])
}

fn owner(owner: &Owner) -> Canonical {
    let Owner {
        subject: OidcSubject { issuer, subject },
        second_factor,
    } = owner;
    let second_factor = match second_factor {
        None => Canonical::text(NONE),
        Some(credential) => Canonical::map([("fido2", fido2(credential))]),
    };
    Canonical::map([
        ("issuer", Canonical::text(issuer)),
        ("second_factor", second_factor),
        ("subject", Canonical::text(subject)),
    ])
}

pub(super) fn person(person: &Person) -> Canonical {
    let Person { id, credentials } = person;
    Canonical::map([
        (
            "credentials",
            Canonical::set(credentials.iter().map(credential)),
        ),
        ("id", Canonical::text(id)),
    ])
}

pub(super) fn credential(credential: &Credential) -> Canonical {
    match credential {
        Credential::Fido2(credential) => Canonical::map([("fido2", fido2(credential))]),
        Credential::Oidc(subject) => Canonical::map([("oidc", oidc(subject))]),
    }
}

fn fido2(credential: &Fido2Credential) -> Canonical {
    let Fido2Credential {
        algorithm,
        credential_id,
        origins,
        public_key,
        rp_id,
    } = credential;
    Canonical::map([
        ("algorithm", Canonical::text(algorithm.name())),
        (
            "credential_id",
            Canonical::text(text::base64url(credential_id)),
        ),
        (
            "origins",
            Canonical::set(origins.iter().map(Canonical::text)),
        ),
        ("public_key", Canonical::text(text::base64url(public_key))),
        ("rp_id", Canonical::text(rp_id)),
    ])
}

pub(super) fn caller(caller: &NamedCaller) -> Canonical {
    let NamedCaller { id, identity } = caller;
    let id = ("id", Canonical::text(id));
    match identity {
        CallerIdentity::Oidc(subject) => Canonical::map([id, ("oidc", oidc(subject))]),
        CallerIdentity::Role(role) => Canonical::map([id, ("role", issuer_role(role))]),
    }
}

pub(super) fn certificate(certificate: &NamedCertificate) -> Canonical {
    let NamedCertificate { id, identity } = certificate;
    let id = ("id", Canonical::text(id));
    match identity {
        CertificateIdentity::Spki(spki) => Canonical::map([id, ("spki", Canonical::text(spki))]),
        CertificateIdentity::Ca { san, spki } => {
            let members = [
                ("san", Canonical::text(san)),
                ("spki", Canonical::text(spki)),
            ];
            Canonical::map([("ca", Canonical::map(members)), id])
        }
    }
}

fn oidc(subject: &OidcSubject) -> Canonical {
    let OidcSubject { issuer, subject } = subject;
    Canonical::map([
        ("issuer", Canonical::text(issuer)),
        ("subject", Canonical::text(subject)),
    ])
}

pub(super) fn issuer_role(role: &IssuerRole) -> Canonical {
    let IssuerRole { issuer, role } = role;
    Canonical::map([
        ("issuer", Canonical::text(issuer)),
        ("role", Canonical::text(role)),
    ])
}
