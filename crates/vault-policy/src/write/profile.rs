//! Writes attestation profiles.

use super::optional;
use crate::ids::TdMeasurement;
use crate::profile::{AttestationProfile, RequiredOid, TcbRule};
use vault_encoding::{Canonical, text};

pub(crate) fn profile(profile: &AttestationProfile) -> Canonical {
    let AttestationProfile {
        name,
        mrenclave,
        signer,
        mrtd,
        rtmrs,
        config_merkle_root,
        required_oids,
        platforms,
        tcb,
    } = profile;
    Canonical::map([
        ("config_merkle_root", optional(*config_merkle_root)),
        (
            "isv_prod_id",
            optional(signer.map(|signer| signer.isv_prod_id)),
        ),
        (
            "min_isv_svn",
            optional(signer.map(|signer| signer.min_isv_svn)),
        ),
        ("mrenclave", optional(*mrenclave)),
        ("mrsigner", optional(signer.map(|signer| signer.mrsigner))),
        ("mrtd", optional(*mrtd)),
        ("name", Canonical::text(name)),
        (
            "platforms",
            Canonical::set(platforms.iter().map(Canonical::text)),
        ),
        (
            "required_oids",
            Canonical::set(required_oids.iter().map(required_oid)),
        ),
        ("rtmrs", Canonical::set(rtmrs.iter().map(rtmr))),
        ("tcb", self::tcb(tcb)),
    ])
}

fn rtmr((index, value): (&u8, &TdMeasurement)) -> Canonical {
    Canonical::map([
        ("index", Canonical::text(index)),
        ("value", Canonical::text(value)),
    ])
}

fn required_oid(required: &RequiredOid) -> Canonical {
    let RequiredOid { oid, value } = required;
    Canonical::map([
        ("oid", Canonical::text(oid)),
        ("value", Canonical::text(text::base64url(value))),
    ])
}

fn tcb(rule: &TcbRule) -> Canonical {
    let TcbRule {
        statuses,
        advisories,
        min_evaluation_data_number,
        grace,
    } = rule;
    Canonical::map([
        (
            "advisories",
            Canonical::set(advisories.iter().map(Canonical::text)),
        ),
        ("grace", Canonical::text(grace)),
        (
            "min_evaluation_data_number",
            Canonical::text(min_evaluation_data_number),
        ),
        (
            "statuses",
            Canonical::set(statuses.iter().map(|status| Canonical::text(status.name()))),
        ),
    ])
}
