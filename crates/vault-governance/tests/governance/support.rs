//! Keys, members and quorums of tests.

use vault_encoding::{Hash, Json, Limits};
use vault_governance::{
    Anchor, ConstellationId, GovernanceKey, Manifest, Member, Quorum, SignedManifest, SigningKey,
};
use vault_policy::{Measurement, PlatformId, VaultId};

pub(crate) const CONSTELLATION: ConstellationId = ConstellationId(Hash([0x11; 32]));

pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32].into()).unwrap()
}

pub(crate) fn public(numbers: &[u8]) -> Vec<GovernanceKey> {
    numbers.iter().map(|&number| key(number).public()).collect()
}

pub(crate) fn quorum(numbers: &[u8], threshold: u8) -> Quorum {
    Quorum::new(public(numbers), threshold).unwrap()
}

pub(crate) fn anchor(numbers: &[u8], threshold: u8) -> Anchor {
    Anchor {
        constellation: CONSTELLATION,
        governance: quorum(numbers, threshold),
    }
}

pub(crate) fn member(number: u8) -> Member {
    Member {
        vault_id: VaultId(Hash([number; 32])),
        platform_id: PlatformId(Hash([0x60; 32])),
        measurement: Measurement(Hash([0x50; 32])),
        trust_root: Hash([0x70; 32]),
        operator: "operator".into(),
    }
}

pub(crate) fn manifest(version: u64, governance: Quorum) -> Manifest {
    Manifest::new(CONSTELLATION, version, vec![member(1)], governance).unwrap()
}

pub(crate) fn signed(manifest: Manifest, by: &[u8]) -> SignedManifest {
    let signatures = by
        .iter()
        .map(|&number| key(number).sign_manifest(&manifest))
        .collect();
    SignedManifest {
        manifest,
        signatures,
    }
}

pub(crate) fn parse(text: &str) -> Json {
    let limits = Limits {
        bytes: 1 << 20,
        depth: 8,
        nodes: 1 << 16,
    };
    Json::parse(text.as_bytes(), limits).unwrap()
}

pub(crate) fn items(json: &Json) -> &[Json] {
    match json {
        Json::List(items) => items,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).unwrap().as_text().unwrap()
}
