//! Bounds of an attestation profile.

use super::{Checked, identity};
use crate::error::Fault;
use crate::model::KeyPolicy;
use crate::profile::{AttestationProfile, RequiredOid};

/// A trust domain has RTMR0 to RTMR3.
const LAST_RTMR: u8 = 3;

/// The path of a member; a profile that stands alone is at none.
fn below(path: &str, member: &str) -> String {
    match path {
        "" => member.to_owned(),
        path => format!("{path}.{member}"),
    }
}

pub(super) fn profile(profile: &AttestationProfile, path: &str) -> Checked {
    measured(profile, path)?;
    if profile.tcb.statuses.is_empty() {
        return Err(Fault::Expected("at least one status").at(below(path, "tcb.statuses")));
    }
    for advisory in &profile.tcb.advisories {
        identity(advisory, &below(path, "tcb.advisories"))?;
    }
    let limit = KeyPolicy::MAX_OIDS;
    if profile.required_oids.len() > limit {
        return Err(Fault::TooMany { limit }.at(below(path, "required_oids")));
    }
    profile
        .required_oids
        .iter()
        .try_for_each(|required| oid(required, path))
}

/// An enclave or a trust domain, and not both.
fn measured(profile: &AttestationProfile, path: &str) -> Checked {
    let enclave = profile.mrenclave.is_some() || profile.signer.is_some();
    if !enclave && profile.mrtd.is_none() {
        return Err(Fault::NoMeasurement.at(path));
    }
    if enclave && profile.mrtd.is_some() {
        let fault = Fault::Expected("mrtd, or else mrenclave and mrsigner");
        return Err(fault.at(below(path, "mrtd")));
    }
    if enclave && !profile.rtmrs.is_empty() {
        return Err(Fault::Expected("mrtd beside rtmrs").at(below(path, "rtmrs")));
    }
    if profile.rtmrs.keys().any(|index| *index > LAST_RTMR) {
        return Err(Fault::Expected("an index from 0 to 3").at(below(path, "rtmrs")));
    }
    Ok(())
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
        Err(Fault::Expected("a dotted OID").at(below(path, "required_oids")))
    }
}
