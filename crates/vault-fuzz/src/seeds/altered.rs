//! Changes of a key that is there, as `docs/store.md` has them, without the lineage.

use super::of;
use crate::request;
use vault_encoding::{Json, Limits};
use vault_policy::{AttestationProfile, KeyType};

const PROFILE: &[u8] =
    br#"{"name":"next","mrenclave":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#;

fn bytes(field: impl AsRef<[u8]>) -> Vec<u8> {
    let field = field.as_ref();
    [&(field.len() as u32).to_be_bytes(), field].concat()
}

fn profile() -> AttestationProfile {
    let limits = Limits {
        bytes: 1 << 10,
        depth: 8,
        nodes: 64,
    };
    let json = Json::parse(PROFILE, limits).expect("a document");
    AttestationProfile::from_json(&json).expect("a profile")
}

/// Behind the lineage stands what changes, and then what is remembered: nothing.
fn change(kind: u8, how: &[&[u8]]) -> Vec<u8> {
    let change = [&[kind][..], &how.concat(), &[0]].concat();
    [&(change.len() as u16).to_be_bytes()[..], &change].concat()
}

/// One of each, in an order in which each can follow the ones before it.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let policy = |version: u64| {
        [
            &version.to_be_bytes()[..],
            &bytes(request::policy(KeyType::P256Signing)),
        ]
        .concat()
    };
    let (digest, profile) = (profile().digest(), profile().canonical_bytes());
    let at = [&[1][..], &1_800_000_000_u64.to_be_bytes()].concat();
    let person = [&[1][..], &bytes("https://issuer.test"), &bytes("alice")].concat();
    let machine = [&[2][..], &[3; 32], &[4; 32]].concat();
    let staged = change(7, &[&bytes(&profile), &at, &person]);
    let by_machine = change(7, &[&bytes(&profile), &[0], &machine]);
    let updated = change(6, &[&policy(2)]);
    let promoted = change(8, &[&digest.0, &policy(2)]);
    let revoked = change(9, &[&digest.0]);
    let scheduled = change(10, &[&1_900_000_000_u64.to_be_bytes()]);
    let kept = change(11, &[]);
    let mode = 12;
    [
        vec![updated],
        vec![staged.clone(), promoted],
        vec![by_machine, revoked],
        vec![scheduled.clone(), kept],
        vec![staged, scheduled],
    ]
    .map(|changes| of(mode, changes.concat()))
    .into()
}
