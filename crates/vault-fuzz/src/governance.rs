//! Manifest chains and reconfigurations. What parses has one spelling, nothing unsigned is
//! believed, and one changed byte of a signed chain changes nothing or refuses it.

use std::sync::LazyLock;
use vault_encoding::Hash;
use vault_governance::{
    Anchor, ConstellationId, Expected, Manifest, ManifestChain, Member, Quorum, Reconfiguration,
    SignedManifest, SigningKey, verify_chain,
};
use vault_policy::{Measurement, PlatformId, VaultId};

static SIGNED: LazyLock<(Anchor, Manifest, Vec<u8>)> = LazyLock::new(|| {
    let key = SigningKey::from_seed([7; 32].into()).expect("a seed");
    let governance = Quorum::new(vec![key.public()], 1).expect("one key");
    let member = Member {
        vault_id: VaultId(Hash([1; 32])),
        platform_id: PlatformId(Hash([2; 32])),
        measurement: Measurement(Hash([3; 32])),
        trust_root: Hash([4; 32]),
        operator: "operator".into(),
    };
    let constellation = ConstellationId(Hash([5; 32]));
    let manifest = Manifest::new(constellation, 1, vec![member], governance).expect("a manifest");
    let signatures = vec![key.sign_manifest(&manifest)];
    let chain = ManifestChain::first(SignedManifest {
        manifest: manifest.clone(),
        signatures,
    });
    (
        Anchor::of(&manifest),
        manifest,
        chain.to_json().into_bytes(),
    )
});

/// One input.
pub fn run(data: &[u8]) {
    let (anchor, manifest, file) = &*SIGNED;
    if let Ok(chain) = ManifestChain::parse(data) {
        let text = data.strip_suffix(b"\n").unwrap_or(data);
        assert_eq!(chain.to_json().trim_end_matches('\n').as_bytes(), text);
        if let Ok(believed) = verify_chain(&chain, anchor) {
            assert_eq!(&believed, manifest, "nobody signed this");
        }
    }
    if let Ok(statement) = Reconfiguration::parse(data) {
        assert_eq!(statement.canonical_bytes(), data);
        let expected = Expected {
            vault_id: statement.vault_id,
            constellation: statement.constellation,
            trust_root: statement.old_trust_root,
            governance: &anchor.governance,
        };
        assert!(statement.verify(&expected, &[]).is_err());
    }
    if let [at, low, change, ..] = data
        && *change != 0
    {
        let mut file = file.clone();
        let at = usize::from(u16::from_le_bytes([*at, *low])) % file.len();
        file[at] ^= change;
        if let Ok(chain) = ManifestChain::parse(&file)
            && let Ok(believed) = verify_chain(&chain, anchor)
        {
            assert_eq!(&believed, manifest);
        }
    }
}
