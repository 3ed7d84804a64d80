//! Bounds of an attestation profile.

use super::{Checked, identity};
use crate::error::Fault;
use crate::model::KeyPolicy;
use crate::profile::{AttestationProfile, RequiredOid};

/// The path of a member; a profile that stands alone is at none.
fn below(path: &str, member: &str) -> String {
    match path {
        "" => member.to_owned(),
        path => format!("{path}.{member}"),
    }
}

pub(super) fn profile(profile: &AttestationProfile, path: &str) -> Checked {
    if profile.mrenclave.is_none() && profile.signer.is_none() {
        return Err(Fault::NoMeasurement.at(path));
    }
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
