//! The manifest file: read, held to the anchor, and to what was seen before.

use crate::error::{Error, ErrorCode, Result};
use crate::heads::{HeadStore, RememberedManifest, SeenManifest};
use std::path::Path;
use vault_governance::{Anchor, GovernanceError, Manifest, ManifestChain, verify_chain};

/// A larger file is no manifest.
const LARGEST: u64 = 32 << 20;

/// The newest version in the file, if every version follows from the anchor and none that this
/// client has seen is missing. The version is remembered in `heads`, durably, before it is used.
pub fn load_manifest(path: &Path, anchor: &Anchor, heads: &HeadStore) -> Result<Manifest> {
    let chain = read(path)?;
    let manifest = verify_chain(&chain, anchor).map_err(|error| refused(path, &error))?;
    let hashes: Vec<_> = chain
        .versions()
        .iter()
        .map(|signed| signed.manifest.hash())
        .collect();
    match heads.remember_manifest(&anchor.constellation.0, &hashes)? {
        RememberedManifest::Newest => Ok(manifest),
        RememberedManifest::Older(seen) => Err(older(path, &manifest, &seen)),
        RememberedManifest::Contradicts(seen) => Err(contradicts(path, &seen)),
    }
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

fn older(path: &Path, manifest: &Manifest, seen: &SeenManifest) -> Error {
    let why = format!(
        "it ends with version {}, and version {} was seen before",
        manifest.version(),
        seen.version
    );
    refused(path, &why)
}

fn contradicts(path: &Path, seen: &SeenManifest) -> Error {
    let why = format!(
        "its version {} is not the one that was seen before, {}: the governance keys have signed \
         two",
        seen.version, seen.hash
    );
    refused(path, &why)
}

#[cfg(test)]
mod tests;
