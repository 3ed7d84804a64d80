//! Reads attestation profiles.

use super::Shape;
use super::node::{Node, Object};
use crate::error::{Fault, PolicyError};
use crate::evidence::TcbStatus;
use crate::ids::TdMeasurement;
use crate::profile::{AttestationProfile, RequiredOid, SignerMatch, TcbRule};
use std::collections::BTreeMap;
use std::str::FromStr;
use vault_encoding::{Hash, text};

pub(super) fn profile(node: Node<'_>) -> Result<AttestationProfile, PolicyError> {
    let profile = node.object(&Shape::PROFILE)?;
    let oids = profile
        .optional("required_oids")
        .map(|list| list.each(required_oid));
    let platforms = profile
        .optional("platforms")
        .map(|list| list.each(|item| hex(&item)));
    let root = profile.given("config_merkle_root");
    Ok(AttestationProfile {
        name: profile.required("name")?.identity()?,
        mrenclave: profile
            .given("mrenclave")
            .map(|node| hex(&node))
            .transpose()?,
        signer: signer(&profile)?,
        mrtd: profile.given("mrtd").map(|node| wide(&node)).transpose()?,
        rtmrs: rtmrs(&profile)?,
        config_merkle_root: root
            .map(|node| node.named(HEX, Hash::from_hex))
            .transpose()?,
        required_oids: oids.transpose()?.unwrap_or_default(),
        platforms: platforms.transpose()?.unwrap_or_default(),
        tcb: profile
            .optional("tcb")
            .map(tcb)
            .transpose()?
            .unwrap_or_default(),
    })
}

pub(super) const HEX: &str = "64 lower-case hex digits";
const WIDE_HEX: &str = "96 lower-case hex digits";

fn hex<T: FromStr>(node: &Node<'_>) -> Result<T, PolicyError> {
    node.named(HEX, |text| text.parse().ok())
}

fn wide(node: &Node<'_>) -> Result<TdMeasurement, PolicyError> {
    node.named(WIDE_HEX, |text| text.parse().ok())
}

/// Each register once.
fn rtmrs(profile: &Object<'_>) -> Result<BTreeMap<u8, TdMeasurement>, PolicyError> {
    let Some(list) = profile.optional("rtmrs") else {
        return Ok(BTreeMap::new());
    };
    let listed: Vec<(u8, TdMeasurement)> = list.each(rtmr)?;
    let count = listed.len();
    let rtmrs: BTreeMap<u8, TdMeasurement> = listed.into_iter().collect();
    if rtmrs.len() == count {
        Ok(rtmrs)
    } else {
        Err(list.fault(Fault::Expected("each index once")))
    }
}

fn rtmr(node: Node<'_>) -> Result<(u8, TdMeasurement), PolicyError> {
    let rtmr = node.object(&Shape::RTMR)?;
    Ok((
        rtmr.required("index")?.number()?,
        wide(&rtmr.required("value")?)?,
    ))
}

/// All three, or none of them.
fn signer(profile: &Object<'_>) -> Result<Option<SignerMatch>, PolicyError> {
    let parts = ["mrsigner", "isv_prod_id", "min_isv_svn"].map(|name| profile.given(name));
    match parts {
        [None, None, None] => Ok(None),
        [Some(mrsigner), Some(isv_prod_id), Some(min_isv_svn)] => Ok(Some(SignerMatch {
            mrsigner: hex(&mrsigner)?,
            isv_prod_id: isv_prod_id.number()?,
            min_isv_svn: min_isv_svn.number()?,
        })),
        _ => Err(profile.fault(Fault::Expected(
            "mrsigner, isv_prod_id and min_isv_svn together",
        ))),
    }
}

fn required_oid(node: Node<'_>) -> Result<RequiredOid, PolicyError> {
    let required = node.object(&Shape::OID)?;
    let value = required.required("value")?;
    Ok(RequiredOid {
        oid: required.required("oid")?.text()?.to_owned(),
        value: value.named("unpadded base64url", text::unbase64url)?,
    })
}

fn tcb(node: Node<'_>) -> Result<TcbRule, PolicyError> {
    let tcb = node.object(&Shape::TCB)?;
    let default = TcbRule::default();
    let statuses = tcb.optional("statuses").map(|list| list.each(status));
    let advisories = tcb
        .optional("advisories")
        .map(|list| list.each(|item| item.identity()));
    let number = tcb.optional("min_evaluation_data_number");
    Ok(TcbRule {
        statuses: statuses.transpose()?.unwrap_or(default.statuses),
        advisories: advisories.transpose()?.unwrap_or(default.advisories),
        min_evaluation_data_number: number.map(|node| node.number()).transpose()?.unwrap_or(0),
        grace: tcb
            .optional("grace")
            .map(|node| node.number())
            .transpose()?
            .unwrap_or(0),
    })
}

fn status(node: Node<'_>) -> Result<TcbStatus, PolicyError> {
    node.named("a TCB status", TcbStatus::from_name)
}
