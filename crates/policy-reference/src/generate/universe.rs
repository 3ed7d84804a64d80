//! What cases are made of: so little of everything that they meet.

use crate::rng::Seeded;
use vault_encoding::{Canonical, Hash, text};

pub(super) const ISSUERS: [&str; 2] = ["https://a.example", "https://b.example"];
pub(super) const SUBJECTS: [&str; 3] = ["ann", "bob", "eve"];
pub(super) const ROLES: [&str; 2] = ["vault:owner", "ci"];
pub(super) const CALLERS: [&str; 3] = ["robot", "staff", "peer"];
pub(super) const HOSTS: [&str; 2] = ["host", "gateway"];
pub(super) const AUDITORS: [&str; 2] = ["audit", "desk"];
pub(super) const PERSONS: [&str; 4] = ["carol", "dave", "erin", "frank"];
pub(super) const PROFILES: [&str; 2] = ["app", "app-next"];
pub(super) const SANS: [&str; 3] = ["dns:a.example", "dns:b.example", "uri:spiffe://a/b"];
pub(super) const ADVISORIES: [&str; 2] = ["INTEL-SA-00289", "INTEL-SA-00615"];
pub(super) const OIDS: [&str; 2] = ["1.3.6.1.4.1.1", "1.3.6.1.4.1.2"];
/// All of a P-256 key.
pub(super) const OPERATIONS: [&str; 4] = ["sign", "verify", "get_public_key", "stage_profile"];
pub(super) const TIMES: [u64; 5] = [100, 200, 300, 400, 500];
pub(super) const FRESH: [u64; 4] = [0, 100, 300, u64::MAX];

/// Multiples of the base points: algorithm and public key.
pub(super) const KEYS: [(&str, &str); 6] = [
    (
        "es256",
        "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    ),
    (
        "es256",
        "BHzyexiNA09-ilI4AwS1GsPAiWnid_IbNaYLSPxHZpl4B3dVENuO0EApPZrGn3Qw27p9reY86YIpngS3nSJ4c9E",
    ),
    (
        "es256",
        "BF7L5NGmMwpEyPfvlR1L8WXmxrch762phftBZhvG5_1shzRkDEmY_343SwbOGmSi7NgqsDY4T7g9mnmxJ6J9UDI",
    ),
    (
        "es256",
        "BOJTSjUy0I-7oC3eZZ7mK9ADH-LbeFWW71CTAkRrAwhS4PFXWkxjPMcZ3-5f2oYtdk78lsPzDuAFXELCPxhO2MY",
    ),
    ("eddsa", "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY"),
    ("eddsa", "yaP4aq5GXw5WUThkUQ85l1YfosnoXqIdwikjCfPNYCI"),
];

/// The credential id with this number.
pub(super) fn credential_id(index: usize) -> Vec<u8> {
    vec![index as u8 + 1; 4]
}

/// The public key with this number.
pub(super) fn public_key(index: usize) -> Vec<u8> {
    KEYS.get(index)
        .and_then(|(_, key)| text::unbase64url(key))
        .unwrap_or_default()
}

/// A FIDO2 credential: the id of one number, the key of one, mostly the same.
pub(super) fn fido2(id: usize, key: usize) -> Canonical {
    let (algorithm, public) = KEYS.get(key).copied().unwrap_or_default();
    let fields = Canonical::map([
        ("algorithm", Canonical::text(algorithm)),
        (
            "credential_id",
            Canonical::text(text::base64url(&credential_id(id))),
        ),
        (
            "origins",
            Canonical::set([Canonical::text("https://wallet.example")]),
        ),
        ("public_key", Canonical::text(public)),
        ("rp_id", Canonical::text("wallet.example")),
    ]);
    Canonical::map([("fido2", fields)])
}

/// A subject of an issuer.
pub(super) fn subject(rng: &mut Seeded) -> Canonical {
    Canonical::map([
        ("issuer", Canonical::text(rng.pick(&ISSUERS))),
        ("subject", Canonical::text(rng.pick(&SUBJECTS))),
    ])
}

/// The hash with this number.
pub(super) fn digest(index: u64) -> Hash {
    Hash([index as u8 + 1; 32])
}

/// One of so many measurements of trust domains.
pub(super) fn wide(rng: &mut Seeded, many: u64) -> Canonical {
    Canonical::text(text::hex(&[rng.below(many) as u8 + 1; 48]))
}

/// One of the first `count` hashes.
pub(super) fn hash(rng: &mut Seeded, count: u64) -> Canonical {
    Canonical::text(digest(rng.below(count)))
}

/// A set of texts.
pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Canonical {
    Canonical::set(texts.into_iter().map(Canonical::text))
}

/// What stands where nothing is given.
pub(super) fn none() -> Canonical {
    Canonical::text("none")
}
