//! Attestation profiles.

use super::universe::{ADVISORIES, OIDS, hash, none, wide};
use crate::rng::Seeded;
use vault_encoding::{Canonical, text};
use vault_policy::TcbStatus;

/// A profile of this name.
pub(super) fn profile(rng: &mut Seeded, name: &str) -> Canonical {
    let of_domain = rng.chance(25);
    let by_build = !of_domain && rng.chance(60);
    let by_signer = !of_domain && (!by_build || rng.chance(30));
    let rtmrs = if of_domain {
        rng.some(&["0", "1", "2", "3"], 40)
    } else {
        Vec::new()
    };
    let number = |rng: &mut Seeded| {
        if by_signer {
            Canonical::text(rng.below(3))
        } else {
            none()
        }
    };
    let oids = rng.some(&OIDS, 15);
    let platforms = if rng.chance(30) {
        vec![hash(rng, 2)]
    } else {
        Vec::new()
    };
    Canonical::map([
        (
            "config_merkle_root",
            if rng.chance(25) { hash(rng, 2) } else { none() },
        ),
        ("isv_prod_id", number(rng)),
        ("min_isv_svn", number(rng)),
        ("mrenclave", if by_build { hash(rng, 2) } else { none() }),
        ("mrsigner", if by_signer { hash(rng, 2) } else { none() }),
        ("mrtd", if of_domain { wide(rng, 2) } else { none() }),
        ("name", Canonical::text(name)),
        ("platforms", Canonical::set(platforms)),
        (
            "required_oids",
            Canonical::set(
                oids.into_iter()
                    .map(|oid| required(rng, oid))
                    .collect::<Vec<_>>(),
            ),
        ),
        (
            "rtmrs",
            Canonical::set(
                rtmrs
                    .into_iter()
                    .map(|index| rtmr(rng, index))
                    .collect::<Vec<_>>(),
            ),
        ),
        ("tcb", tcb(rng)),
    ])
}

fn rtmr(rng: &mut Seeded, index: &str) -> Canonical {
    Canonical::map([("index", Canonical::text(index)), ("value", wide(rng, 2))])
}

fn tcb(rng: &mut Seeded) -> Canonical {
    let statuses = rng.some(&TcbStatus::ALL.map(TcbStatus::name)[1..], 25);
    Canonical::map([
        (
            "advisories",
            Canonical::set(rng.some(&ADVISORIES, 60).into_iter().map(Canonical::text)),
        ),
        (
            "grace",
            Canonical::text(if rng.chance(40) {
                100 * (1 + rng.below(3))
            } else {
                0
            }),
        ),
        (
            "min_evaluation_data_number",
            Canonical::text(rng.below(3) * 5),
        ),
        (
            "statuses",
            Canonical::set(
                ["UpToDate"]
                    .into_iter()
                    .chain(statuses)
                    .map(Canonical::text),
            ),
        ),
    ])
}

fn required(rng: &mut Seeded, oid: &str) -> Canonical {
    let value = text::base64url(&[rng.below(2) as u8; 3]);
    Canonical::map([
        ("oid", Canonical::text(oid)),
        ("value", Canonical::text(value)),
    ])
}
