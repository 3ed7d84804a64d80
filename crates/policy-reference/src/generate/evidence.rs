//! What an enclave proves.

use super::universe::{ADVISORIES, OIDS, TIMES, digest};
use crate::rng::Seeded;
use crate::text::{member, members, string};
use vault_encoding::{Canonical, Hash};
use vault_policy::{
    EvidenceClaims, Measurement, PlatformId, SgxFacts, TcbStatus, TdMeasurement, TdxFacts, Tee,
    UnixSeconds, VerifiedEvidence,
};

/// Evidence that mostly is nearly that of a profile of the policy.
pub(super) fn evidence(rng: &mut Seeded, principals: &Canonical) -> VerifiedEvidence {
    let mut claims = claims(rng);
    if let Canonical::List(profiles) = member(principals, "tees")
        && let Some(profile) = profiles.get(rng.below(profiles.len().max(2) as u64) as usize)
    {
        resemble(rng, &mut claims, profile);
    }
    VerifiedEvidence::assertion(claims)
}

/// Gives each claim the value that the profile asks for, but for one in eight.
fn resemble(rng: &mut Seeded, claims: &mut EvidenceClaims, profile: &Canonical) {
    let asks = |name| string(member(profile, name));
    let hash = |name| Hash::from_hex(asks(name));
    let tcb = member(profile, "tcb");
    measured(rng, &mut claims.tee, profile);
    if let Some(wanted) = hash("config_merkle_root").filter(|_| rng.chance(88)) {
        claims.config_merkle_root = Some(wanted);
    }
    if let Canonical::List(platforms) = member(profile, "platforms")
        && let Some(wanted) = platforms
            .first()
            .and_then(|one| Hash::from_hex(string(one)))
        && rng.chance(88)
    {
        claims.platform_id = PlatformId(wanted);
    }
    if let Ok(lowest) = string(member(tcb, "min_evaluation_data_number")).parse()
        && rng.chance(88)
    {
        claims.tcb_evaluation_data_number = lowest;
    }
    if string(member(tcb, "grace")) != "0" && rng.chance(75) {
        // What the platform was before it was outdated is accepted by every profile, or by some.
        claims.tcb_status = if rng.chance(70) {
            TcbStatus::OutOfDate
        } else {
            TcbStatus::OutOfDateConfigurationNeeded
        };
    }
}

/// An enclave or a trust domain, as the profile is about one or the other.
fn measured(rng: &mut Seeded, tee: &mut Tee, profile: &Canonical) {
    let asks = |name| string(member(profile, name));
    let hash = |name| Hash::from_hex(asks(name));
    let mrtd: Option<TdMeasurement> = asks("mrtd").parse().ok();
    if rng.chance(88) {
        *tee = if mrtd.is_some() {
            domain(rng)
        } else {
            enclave(rng)
        };
    }
    match tee {
        Tee::Sgx(sgx) => {
            if let Some(wanted) = hash("mrenclave").filter(|_| rng.chance(88)) {
                sgx.mrenclave = Measurement(wanted);
            }
            if let Some(wanted) = hash("mrsigner").filter(|_| rng.chance(88)) {
                sgx.mrsigner = Measurement(wanted);
            }
            if let Some(wanted) = asks("isv_prod_id").parse().ok().filter(|_| rng.chance(88)) {
                sgx.isv_prod_id = wanted;
            }
            if let Some(wanted) = asks("min_isv_svn").parse().ok().filter(|_| rng.chance(88)) {
                sgx.isv_svn = wanted;
            }
        }
        Tee::Tdx(td) => {
            if let Some(wanted) = mrtd.filter(|_| rng.chance(92)) {
                td.mrtd = wanted;
            }
            for rtmr in members(profile, "rtmrs") {
                let index: usize = string(member(rtmr, "index")).parse().unwrap_or(0);
                if let (Some(actual), Ok(wanted)) = (
                    td.rtmrs.get_mut(index),
                    string(member(rtmr, "value")).parse(),
                ) && rng.chance(92)
                {
                    *actual = wanted;
                }
            }
        }
    }
}

fn enclave(rng: &mut Seeded) -> Tee {
    Tee::Sgx(SgxFacts {
        mrenclave: Measurement(digest(rng.below(2))),
        mrsigner: Measurement(digest(rng.below(2))),
        isv_prod_id: rng.below(3) as u16,
        isv_svn: rng.below(4) as u16,
    })
}

/// One in ten is configured by its host.
fn domain(rng: &mut Seeded) -> Tee {
    let mut wide = || TdMeasurement([rng.below(2) as u8 + 1; 48]);
    let (mrtd, rtmrs) = (wide(), [wide(), wide(), wide(), wide()]);
    Tee::Tdx(Box::new(TdxFacts {
        mrtd,
        rtmrs,
        mr_config_id: TdMeasurement([u8::from(rng.chance(10)); 48]),
        attributes: 0,
        xfam: 0,
    }))
}

fn claims(rng: &mut Seeded) -> EvidenceClaims {
    let status = if rng.chance(75) {
        0
    } else {
        rng.below(6) as usize
    };
    EvidenceClaims {
        tee: if rng.chance(80) {
            enclave(rng)
        } else {
            domain(rng)
        },
        platform_id: PlatformId(digest(rng.below(2))),
        config_merkle_root: rng.chance(70).then(|| digest(rng.below(2))),
        oids: rng
            .some(&OIDS, 75)
            .into_iter()
            .map(|oid| (oid.to_owned(), vec![rng.below(2) as u8; 3]))
            .collect(),
        tcb_status: TcbStatus::ALL
            .get(status)
            .copied()
            .unwrap_or(TcbStatus::UpToDate),
        advisories: rng
            .some(&ADVISORIES, 15)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        tcb_evaluation_data_number: rng.below(15) as u32,
        tcb_date: UnixSeconds(rng.pick(&TIMES)),
        collateral_issued_at: UnixSeconds(50),
        simulated: false,
    }
}
