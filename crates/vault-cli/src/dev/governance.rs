//! The governance of a development constellation: one key, in a file, and manifest 1.

use super::failed;
use super::layout::{Layout, write_text};
use super::plan::Plan;
use crate::files;
use serde_json::Value;
use vault_client::Result;
use vault_encoding::Hash;
use vault_governance::{
    Anchor, Manifest, ManifestChain, Member, Quorum, SignedManifest, SigningKey,
};
use zeroize::Zeroizing;

/// Who runs every vault of it.
const OPERATOR: &str = "evault dev";

/// Whoever holds the file of the key governs the constellation.
pub(super) struct Governance {
    key: SigningKey,
    pub(super) anchor: Anchor,
}

impl Governance {
    /// The key of the directory, made at first use.
    pub(super) fn prepare(layout: &Layout, plan: &Plan) -> Result<Self> {
        let path = layout.governance_key();
        if !path.exists() {
            let mut seed = Zeroizing::new([0; 32]);
            aws_lc_rs::rand::fill(seed.as_mut()).map_err(|_| failed("no randomness"))?;
            let key = SigningKey::from_seed(seed).ok_or_else(|| failed("no governance key"))?;
            write_text(&path, &key.to_pem())?;
        }
        let pem = Zeroizing::new(files::read(&path)?);
        let pem = std::str::from_utf8(&pem).map_err(failed)?;
        let key = SigningKey::from_pem(pem)
            .map_err(|error| failed(format_args!("{}: {error}", path.display())))?;
        let anchor = Anchor {
            constellation: plan.constellation()?,
            governance: Quorum::new(vec![key.public()], 1).map_err(failed)?,
        };
        Ok(Self { key, anchor })
    }

    /// Signs the first manifest over these fingerprints.
    pub(super) fn sign_first(&self, layout: &Layout, fingerprints: &[Value]) -> Result<()> {
        let members = fingerprints.iter().map(member).collect::<Result<_>>()?;
        let Anchor {
            constellation,
            governance,
        } = &self.anchor;
        let manifest =
            Manifest::new(*constellation, 1, members, governance.clone()).map_err(failed)?;
        let signatures = vec![self.key.sign_manifest(&manifest)];
        let chain = ManifestChain::first(SignedManifest {
            manifest,
            signatures,
        });
        write_text(&layout.manifest(), &chain.to_json())
    }
}

/// What `__vault --identity` printed.
fn member(said: &Value) -> Result<Member> {
    let text = |name: &str| {
        let value = said.get(name).and_then(Value::as_str);
        value.ok_or_else(|| failed(format_args!("no {name} in the fingerprint")))
    };
    Ok(Member {
        vault_id: text("vault_id")?.parse().map_err(failed)?,
        platform_id: text("platform_id")?.parse().map_err(failed)?,
        measurement: text("measurement")?.parse().map_err(failed)?,
        trust_root: Hash::from_hex(text("trust_root")?).ok_or_else(|| failed("trust_root"))?,
        operator: OPERATOR.to_owned(),
    })
}
