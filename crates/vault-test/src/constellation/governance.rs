//! One governance key, and what it signs.

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand;
use vault_governance::{
    Anchor, ConstellationId, Manifest, ManifestChain, Member, Quorum, SignedManifest, SigningKey,
};
use vault_server::Fingerprint;
use zeroize::Zeroizing;

/// Who runs the vaults, as the manifest says.
const OPERATOR: &str = "test";

/// A constellation's id and its only governance key.
pub struct TestGovernance {
    key: SigningKey,
    anchor: Anchor,
}

impl TestGovernance {
    /// New ones.
    pub fn generate() -> Result<Self> {
        let (mut id, mut seed) = ([0; 32], Zeroizing::new([0; 32]));
        rand::fill(&mut id).map_err(|_| anyhow!("no randomness"))?;
        rand::fill(seed.as_mut()).map_err(|_| anyhow!("no randomness"))?;
        let key = SigningKey::from_seed(seed).context("no key")?;
        let anchor = Anchor {
            constellation: ConstellationId::from_random(id),
            governance: Quorum::new(vec![key.public()], 1)?,
        };
        Ok(Self { key, anchor })
    }

    /// Where clients and vaults start from.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The key itself.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// `[constellation]` of a vault's configuration.
    pub fn section(&self) -> String {
        format!(
            "\n[constellation]\nid = \"{}\"\ngovernance = [\"{}\"]\nthreshold = 1\n",
            self.anchor.constellation,
            self.key.public()
        )
    }

    /// A member with this fingerprint.
    pub fn member(fingerprint: &Fingerprint) -> Member {
        Member {
            vault_id: fingerprint.vault_id,
            platform_id: fingerprint.platform_id,
            measurement: fingerprint.measurement,
            trust_root: fingerprint.trust_root,
            operator: OPERATOR.to_owned(),
        }
    }

    /// A manifest of these members, signed.
    pub fn sign(&self, version: u64, members: Vec<Member>) -> Result<SignedManifest> {
        let governance = self.anchor.governance.clone();
        let manifest = Manifest::new(self.anchor.constellation, version, members, governance)?;
        let signatures = vec![self.key.sign_manifest(&manifest)];
        Ok(SignedManifest {
            manifest,
            signatures,
        })
    }

    /// Version 1, of vaults with these fingerprints.
    pub fn first(&self, fingerprints: &[Fingerprint]) -> Result<ManifestChain> {
        let members = fingerprints.iter().map(Self::member).collect();
        Ok(ManifestChain::first(self.sign(1, members)?))
    }
}
