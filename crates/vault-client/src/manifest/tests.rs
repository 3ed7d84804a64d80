use super::*;
use vault_encoding::Hash;
use vault_governance::{ConstellationId, Member, Quorum, SignedManifest, SigningKey};
use vault_policy::{Measurement, PlatformId, VaultId};
use zeroize::Zeroizing;

fn key() -> SigningKey {
    SigningKey::from_seed(Zeroizing::new([7; 32])).unwrap()
}

fn version(version: u64, operator: &str) -> Manifest {
    let member = Member {
        vault_id: VaultId(Hash([1; 32])),
        platform_id: PlatformId(Hash([2; 32])),
        measurement: Measurement(Hash([3; 32])),
        trust_root: Hash([4; 32]),
        operator: operator.to_owned(),
    };
    let quorum = Quorum::new(vec![key().public()], 1).unwrap();
    Manifest::new(
        ConstellationId(Hash([5; 32])),
        version,
        vec![member],
        quorum,
    )
    .unwrap()
}

fn signed(manifest: Manifest) -> SignedManifest {
    let signatures = vec![key().sign_manifest(&manifest)];
    SignedManifest {
        manifest,
        signatures,
    }
}

struct Fixture {
    dir: tempfile::TempDir,
    anchor: Anchor,
}

impl Fixture {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            anchor: Anchor::of(&version(1, "ann")),
        }
    }

    /// Writes a history of one version an operator, and loads it in a new store.
    fn load(&self, operators: &[&str]) -> Result<Manifest> {
        let path = self.dir.path().join("manifest.json");
        std::fs::write(&path, chain(operators).to_json()).unwrap();
        self.load_file()
    }

    fn load_file(&self) -> Result<Manifest> {
        let heads = HeadStore::new(self.dir.path().join("state"));
        load_manifest(&self.dir.path().join("manifest.json"), &self.anchor, &heads)
    }
}

fn refusal(result: Result<Manifest>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code, ErrorCode::ManifestRefused);
    error.message()
}

#[test]
fn versions_only_go_up_also_in_another_process() {
    let fixture = Fixture::new();
    assert_eq!(fixture.load(&["ann", "bob"]).unwrap().version(), 2);
    assert_eq!(fixture.load(&["ann", "bob"]).unwrap().version(), 2);
    let older = refusal(fixture.load(&["ann"]));
    assert!(
        older.contains("version 1") && older.contains("version 2"),
        "{older}"
    );
    assert_eq!(fixture.load(&["ann", "bob", "cyn"]).unwrap().version(), 3);
}

#[test]
fn two_manifests_of_one_version_are_refused_although_both_are_signed() {
    let fixture = Fixture::new();
    fixture.load(&["ann", "bob"]).unwrap();
    for history in [&["ann", "eve"][..], &["ann", "eve", "bob"]] {
        let two = refusal(fixture.load(history));
        assert!(two.contains("signed two"), "{two}");
    }
    assert_eq!(fixture.load(&["ann", "bob"]).unwrap().version(), 2);
}

#[test]
fn what_the_anchor_did_not_sign_is_refused_and_not_remembered() {
    let mut fixture = Fixture::new();
    fixture.load(&["ann"]).unwrap();
    let stranger = SigningKey::from_seed(Zeroizing::new([8; 32])).unwrap();
    fixture.anchor.governance = Quorum::new(vec![stranger.public()], 1).unwrap();
    refusal(fixture.load(&["ann", "bob"]));
    fixture.anchor = Anchor::of(&version(1, "ann"));
    assert_eq!(fixture.load(&["ann"]).unwrap().version(), 1);
}

#[test]
fn a_file_that_is_missing_is_told_from_one_that_is_refused() {
    let fixture = Fixture::new();
    let missing = fixture.load_file().unwrap_err();
    assert_eq!(missing.code, ErrorCode::FileInaccessible);
    std::fs::write(fixture.dir.path().join("manifest.json"), "{}").unwrap();
    refusal(fixture.load_file());
}

/// A history of one version an operator.
fn chain(operators: &[&str]) -> ManifestChain {
    let mut versions = (1u64..)
        .zip(operators)
        .map(|(at, operator)| signed(version(at, operator)));
    let mut chain = ManifestChain::first(versions.next().unwrap());
    versions.for_each(|signed| chain.push(signed));
    chain
}

#[test]
fn what_was_signed_here_is_signed_again_and_nothing_else_of_its_version() {
    let fixture = Fixture::new();
    let heads = HeadStore::new(fixture.dir.path().join("state"));
    let path = fixture.dir.path().join("manifest.json");
    let sign = |operators: &[&str]| heads.sign_manifest(&path, &fixture.anchor, &chain(operators));
    let refused = |operators: &[&str]| {
        let error = sign(operators).unwrap_err();
        assert_eq!(error.code, ErrorCode::ManifestRefused);
        error.message()
    };
    sign(&["ann", "bob"]).unwrap();
    sign(&["ann", "bob"]).unwrap();
    let two = refused(&["ann", "eve"]);
    assert!(
        two.contains("version 2") && two.contains("signed here before"),
        "{two}"
    );
    assert!(two.contains("signed.json"), "{two}");
    sign(&["ann", "bob", "cyn"]).unwrap();
    let older = refused(&["ann"]);
    assert!(older.contains("version 2 was seen"), "{older}");
    let other = refused(&["ann", "eve", "dan"]);
    assert!(other.contains("signed two"), "{other}");
}

#[test]
fn nothing_is_signed_on_top_of_a_version_that_is_not_believed() {
    let fixture = Fixture::new();
    let heads = HeadStore::new(fixture.dir.path().join("state"));
    let path = fixture.dir.path().join("manifest.json");
    let mut unsigned = ManifestChain::first(signed(version(1, "ann")));
    unsigned.push(SignedManifest {
        manifest: version(2, "eve"),
        signatures: Vec::new(),
    });
    unsigned.push(signed(version(3, "bob")));
    let error = heads.sign_manifest(&path, &fixture.anchor, &unsigned);
    assert_eq!(error.unwrap_err().code, ErrorCode::ManifestRefused);
    // And nothing of it is remembered.
    heads
        .sign_manifest(&path, &fixture.anchor, &chain(&["ann", "bob"]))
        .unwrap();
}
