//! Attestation profiles.

use super::universe::{ADVISORIES, OIDS, hash, none};
use crate::rng::Seeded;
use vault_encoding::{Canonical, text};
use vault_policy::TcbStatus;

/// A profile of this name.
pub(super) fn profile(rng: &mut Seeded, name: &str) -> Canonical {
    let by_build = rng.chance(60);
    let by_signer = !by_build || rng.chance(30);
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
        ("mrtd", none()),
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
        ("rtmrs", Canonical::list([])),
        ("tcb", tcb(rng)),
    ])
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
