//! The manifest file: read, held to the anchor, and to what was seen before.

use crate::error::{Error, ErrorCode, Result};
use crate::heads::{HeadStore, RememberedManifest, SeenManifest};
use std::path::Path;
use vault_encoding::Hash;
use vault_governance::{Anchor, GovernanceError, Manifest, ManifestChain, verify_chain};

/// A larger file is no manifest.
const LARGEST: u64 = 32 << 20;

/// The newest version in the file, if every version follows from the anchor and none that this
/// client has seen is missing. The version is remembered in `heads`, durably, before it is used.
pub fn load_manifest(path: &Path, anchor: &Anchor, heads: &HeadStore) -> Result<Manifest> {
    let chain = read(path)?;
    let manifest = verify_chain(&chain, anchor).map_err(|error| refused(path, &error))?;
    match heads.remember_manifest(&anchor.constellation.0, &hashes(&chain))? {
        RememberedManifest::Newest => Ok(manifest),
        other => Err(refusal(path, heads, anchor, manifest.version(), other)),
    }
}

impl HeadStore {
    /// Whether the newest version of a chain, read from `path`, may be signed here: every version
    /// before it is believed, none that this client has seen is missing, and no other manifest of
    /// its version was signed here. Its signatures are not looked at. That it is signed is
    /// remembered, durably, when this returns; no signature may leave before.
    pub fn sign_manifest(&self, path: &Path, anchor: &Anchor, chain: &ManifestChain) -> Result<()> {
        if let Some(before) = all_but_newest(chain) {
            verify_chain(&before, anchor).map_err(|error| refused(path, &error))?;
        }
        let version = chain.versions().len() as u64;
        match self.remember_signed(&anchor.constellation.0, &hashes(chain))? {
            RememberedManifest::Newest => Ok(()),
            other => Err(refusal(path, self, anchor, version, other)),
        }
    }
}

fn hashes(chain: &ManifestChain) -> Vec<Hash> {
    let versions = chain.versions().iter();
    versions.map(|signed| signed.manifest.hash()).collect()
}

fn all_but_newest(chain: &ManifestChain) -> Option<ManifestChain> {
    let (_, before) = chain.versions().split_last()?;
    let (first, others) = before.split_first()?;
    let mut chain = ManifestChain::first(first.clone());
    others.iter().for_each(|signed| chain.push(signed.clone()));
    Some(chain)
}

fn read(path: &Path) -> Result<ManifestChain> {
    let inaccessible = |error: std::io::Error| {
        Error::new(ErrorCode::FileInaccessible).detail(format_args!("{}: {error}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(inaccessible)?.len();
    if size > LARGEST {
        return Err(refused(path, &"longer than 32 MiB"));
    }
    let bytes = std::fs::read(path).map_err(inaccessible)?;
    ManifestChain::parse(&bytes)
        .map_err(GovernanceError::from)
        .map_err(|error| refused(path, &error))
}

fn refused(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::ManifestRefused).detail(format_args!("{}: {why}", path.display()))
}

/// Why a chain that ends with `version` is refused for what is remembered.
fn refusal(
    path: &Path,
    heads: &HeadStore,
    anchor: &Anchor,
    version: u64,
    remembered: RememberedManifest,
) -> Error {
    let why = match remembered {
        RememberedManifest::Newest => format!("version {version} is refused"),
        RememberedManifest::Older(SeenManifest { version: seen, .. }) => {
            format!("it ends with version {version}, and version {seen} was seen before")
        }
        RememberedManifest::Contradicts(SeenManifest { version, hash }) => format!(
            "its version {version} is not the one that was seen before, {hash}: the governance \
             keys have signed two"
        ),
        RememberedManifest::SignedOther(SeenManifest { version, hash }) => format!(
            "another version {version}, {hash}, was signed here before, and a second one would \
             split the clients. What was signed is in {}",
            heads.signed_path(&anchor.constellation.0).display()
        ),
    };
    refused(path, &why)
}

#[cfg(test)]
mod tests;
