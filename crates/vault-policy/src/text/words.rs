//! Conditions, persons and profiles in words.

use crate::condition::{Condition, ManagerApproval, TimeWindow};
use crate::mutability::OidcApproval;
use crate::principal::{CallerIdentity, CertificateIdentity, Credential, Person};
use crate::profile::AttestationProfile;

/// A condition as a phrase: "it takes …".
pub(super) fn condition(condition: &Condition) -> String {
    let list = |members: &[Condition], word: &str| {
        let members: Vec<String> = members.iter().map(self::condition).collect();
        match members.as_slice() {
            [only] => only.clone(),
            members => format!("({})", members.join(word)),
        }
    };
    match condition {
        Condition::AttestationMatches(profile) => format!("evidence of profile \"{profile}\""),
        Condition::TimeWindow(window) => self::window(*window),
        Condition::CallerHoldsRole(role) => {
            format!("role \"{}\" of {}", role.role, role.issuer)
        }
        Condition::ManagerApproval(approval) => self::approval(approval),
        Condition::All(members) if members.is_empty() => "nothing more".to_owned(),
        Condition::Any(members) if members.is_empty() => "what never holds".to_owned(),
        Condition::All(members) => list(members, " and "),
        Condition::Any(members) => list(members, " or "),
        Condition::Not(member) => format!("not {}", self::condition(member)),
    }
}

fn window(window: TimeWindow) -> String {
    match (window.from, window.until) {
        (Some(from), Some(until)) => format!("a time from {from} until {until}"),
        (Some(from), None) => format!("a time from {from} on"),
        (None, Some(until)) => format!("a time until {until}"),
        (None, None) => "any time".to_owned(),
    }
}

fn approval(approval: &ManagerApproval) -> String {
    let ManagerApproval {
        managers,
        threshold,
        fresh_for,
        oidc,
    } = approval;
    let by = match oidc {
        OidcApproval::Allowed => "",
        OidcApproval::Refused => " with an authenticator",
    };
    format!(
        "approval{by} by {threshold} of {}, at most {fresh_for} s old",
        names(managers.iter())
    )
}

/// Names, quoted and separated.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    names.join(", ")
}

pub(super) fn caller(identity: &CallerIdentity) -> String {
    match identity {
        CallerIdentity::Oidc(oidc) => format!("{} of {}", oidc.subject, oidc.issuer),
        CallerIdentity::Role(role) => format!("whoever has role {} of {}", role.role, role.issuer),
    }
}

pub(super) fn certificate(identity: &CertificateIdentity) -> String {
    match identity {
        CertificateIdentity::Spki(spki) => format!("the certificate with key {spki}"),
        CertificateIdentity::Ca { san, spki } => {
            format!("certificates for {san} of the authority with key {spki}")
        }
    }
}

pub(super) fn person(person: &Person) -> String {
    let credentials: Vec<String> = person.credentials.iter().map(credential).collect();
    credentials.join(", ")
}

pub(super) fn credential(credential: &Credential) -> String {
    match credential {
        Credential::Fido2(fido2) => format!(
            "authenticator {} of {}",
            vault_encoding::text::base64url(&fido2.credential_id),
            fido2.rp_id
        ),
        Credential::Oidc(oidc) => format!("token of {} of {}", oidc.subject, oidc.issuer),
    }
}

/// What evidence a profile accepts.
pub(super) fn profile(profile: &AttestationProfile) -> String {
    let build = profile.mrenclave.map(|build| format!("build {build}"));
    let signer = profile.signer.map(|signer| {
        format!(
            "product {} of signer {} from version {} on",
            signer.isv_prod_id, signer.mrsigner, signer.min_isv_svn
        )
    });
    let domain = profile.mrtd.map(|mrtd| {
        let rtmrs: Vec<String> = profile
            .rtmrs
            .iter()
            .map(|(index, rtmr)| format!("RTMR{index} {rtmr}"))
            .collect();
        match rtmrs.as_slice() {
            [] => format!("trust domain {mrtd} with whatever it loads"),
            rtmrs => format!("trust domain {mrtd} with {}", rtmrs.join(", ")),
        }
    });
    let platforms = match profile.platforms.len() {
        0 => "on any machine".to_owned(),
        1 => "on one machine".to_owned(),
        count => format!("on {count} machines"),
    };
    let parts: Vec<String> = [build, signer, domain, Some(platforms)]
        .into_iter()
        .flatten()
        .collect();
    parts.join(", ")
}
