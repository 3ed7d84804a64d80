//! Whether appraised evidence is what a profile asks for.

use super::{Value, World};
use crate::text::{member, members, named, string};
use vault_encoding::{Canonical, text};
use vault_policy::{EvidenceClaims, Tee, VaultTime};

/// Whether the evidence of this connection fits the profile.
pub fn fits(world: &World<'_>, profile: &Canonical) -> Value {
    let Some(evidence) = &world.facts.evidence else {
        return Value::No;
    };
    let claims = evidence.claims();
    if !measured(claims, profile) || !configured(claims, profile) {
        return Value::No;
    }
    let tcb = member(profile, "tcb");
    let lowest: u64 = string(member(tcb, "min_evaluation_data_number"))
        .parse()
        .unwrap_or(u64::MAX);
    let accepted = members(tcb, "advisories");
    let known = |advisory: &String| accepted.iter().any(|each| string(each) == advisory);
    if u64::from(claims.tcb_evaluation_data_number) < lowest || !claims.advisories.iter().all(known)
    {
        return Value::No;
    }
    status(claims, tcb, world.now)
}

/// A profile is about enclaves or about trust domains, and never about both.
fn measured(claims: &EvidenceClaims, profile: &Canonical) -> bool {
    let asks = |name| match string(member(profile, name)) {
        "none" => None,
        wanted => Some(wanted),
    };
    let is = |name, actual: String| asks(name).is_none_or(|wanted| wanted == actual);
    match (&claims.tee, asks("mrtd")) {
        (Tee::Sgx(sgx), None) => {
            let svn = asks("min_isv_svn").is_none_or(|lowest| {
                lowest
                    .parse::<u64>()
                    .is_ok_and(|lowest| lowest <= u64::from(sgx.isv_svn))
            });
            is("mrenclave", sgx.mrenclave.to_string())
                && is("mrsigner", sgx.mrsigner.to_string())
                && is("isv_prod_id", sgx.isv_prod_id.to_string())
                && svn
        }
        (Tee::Tdx(td), Some(mrtd)) => {
            let listed = members(profile, "rtmrs");
            let stands = |rtmr: &Canonical| {
                let index: usize = named(rtmr, "index").parse().unwrap_or(usize::MAX);
                let actual = td.rtmrs.get(index).map(ToString::to_string);
                actual.as_deref() == Some(named(rtmr, "value"))
            };
            mrtd == td.mrtd.to_string()
                && listed.iter().all(stands)
                && td.mr_config_id.0.iter().all(|byte| *byte == 0)
        }
        (Tee::Sgx(_), Some(_)) | (Tee::Tdx(_), None) => false,
    }
}

fn configured(claims: &EvidenceClaims, profile: &Canonical) -> bool {
    let root = match string(member(profile, "config_merkle_root")) {
        "none" => true,
        wanted => claims
            .config_merkle_root
            .is_some_and(|actual| actual.to_string() == wanted),
    };
    let platforms = members(profile, "platforms");
    let platform = platforms.is_empty()
        || platforms
            .iter()
            .any(|listed| string(listed) == claims.platform_id.to_string());
    let oids = members(profile, "required_oids").iter().all(|required| {
        claims.oids.iter().any(|(oid, value)| {
            oid == string(member(required, "oid"))
                && text::base64url(value) == string(member(required, "value"))
        })
    });
    root && platform && oids
}

/// An outdated platform counts as what it was before for `grace` seconds from its TCB date.
fn status(claims: &EvidenceClaims, tcb: &Canonical, now: VaultTime) -> Value {
    let listed = |name: &str| {
        members(tcb, "statuses")
            .iter()
            .any(|each| string(each) == name)
    };
    let before = match claims.tcb_status.name() {
        "OutOfDate" => "UpToDate",
        "OutOfDateConfigurationNeeded" => "ConfigurationNeeded",
        _ => "",
    };
    if listed(claims.tcb_status.name()) {
        return Value::Yes;
    }
    let grace: u64 = string(member(tcb, "grace")).parse().unwrap_or(0);
    if grace == 0 || !listed(before) {
        return Value::No;
    }
    let end = claims.tcb_date.0.saturating_add(grace);
    match now {
        VaultTime::Unknown => Value::Open,
        VaultTime::Known { hi, .. } if hi.0 < end => Value::Yes,
        VaultTime::Known { lo, .. } if end <= lo.0 => Value::No,
        VaultTime::Known { .. } => Value::Open,
    }
}
