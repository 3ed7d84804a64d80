//! All versions of a manifest: each signed by the quorum of the one before, the first by the
//! anchor's.

use crate::fields::{Fields, count};
use crate::{Anchor, FormatError, GovernanceError, GovernanceSignature, MOST_SIGNATURES, Manifest};
use vault_encoding::{Canonical, Limits};

/// Versions in one file.
pub const MOST_VERSIONS: usize = 1024;

const LIMITS: Limits = Limits {
    bytes: 32 << 20,
    depth: 8,
    nodes: 1 << 20,
};

/// A manifest and what was signed under it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedManifest {
    /// The version.
    pub manifest: Manifest,
    /// In any order, 1 to 16.
    pub signatures: Vec<GovernanceSignature>,
}

/// The file `manifest.json`: all versions from the first, none of it believed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestChain {
    versions: Vec<SignedManifest>,
}

impl ManifestChain {
    const FORMAT: &str = "enclave-vaults/manifest-chain/v1";

    /// A chain of one version.
    pub fn first(signed: SignedManifest) -> Self {
        Self {
            versions: vec![signed],
        }
    }

    /// Appends a version; whether it follows is for [`verify_chain`] to say.
    pub fn push(&mut self, signed: SignedManifest) {
        self.versions.push(signed);
    }

    /// In order of the file.
    pub fn versions(&self) -> &[SignedManifest] {
        &self.versions
    }

    /// Reads the file: the canonical text, with or without one line feed at its end.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let value = Canonical::from_bytes(text, LIMITS)?;
        let mut fields = Fields::of(&value, "manifest chain")?;
        fields.format(Self::FORMAT)?;
        let versions = fields.list("versions")?;
        fields.end()?;
        count("versions", versions.len(), MOST_VERSIONS)?;
        let versions = versions
            .iter()
            .map(SignedManifest::from_canonical)
            .collect::<Result<_, _>>()?;
        Ok(Self { versions })
    }

    /// The file: the canonical text and a line feed.
    pub fn to_json(&self) -> String {
        let versions = self.versions.iter().map(SignedManifest::to_canonical);
        let value = Canonical::map([
            ("format", Canonical::text(Self::FORMAT)),
            ("versions", Canonical::list(versions)),
        ]);
        let mut text = String::from_utf8_lossy(&value.to_bytes()).into_owned();
        text.push('\n');
        text
    }
}

impl SignedManifest {
    fn to_canonical(&self) -> Canonical {
        let signatures = self
            .signatures
            .iter()
            .map(GovernanceSignature::to_canonical);
        Canonical::map([
            ("manifest", self.manifest.to_canonical()),
            ("signatures", Canonical::list(signatures)),
        ])
    }

    fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut fields = Fields::of(value, "version")?;
        let manifest = Manifest::from_canonical(fields.take("manifest")?)?;
        let signatures = fields.list("signatures")?;
        count("signatures", signatures.len(), MOST_SIGNATURES)?;
        let signatures = signatures
            .iter()
            .map(GovernanceSignature::from_canonical)
            .collect::<Result<_, _>>()?;
        fields.end()?;
        Ok(Self {
            manifest,
            signatures,
        })
    }
}

/// The newest version, if every one of them follows: versions count from 1 without a gap, all are
/// of the anchor's constellation, and each is signed by the quorum of the one before, the first by
/// the anchor's. That a chain is not an old one is for the caller to say, who remembers the
/// highest version seen.
pub fn verify_chain(chain: &ManifestChain, anchor: &Anchor) -> Result<Manifest, GovernanceError> {
    let mut quorum = &anchor.governance;
    let mut newest = None;
    for (expected, signed) in (1u64..).zip(&chain.versions) {
        let SignedManifest {
            manifest,
            signatures,
        } = signed;
        if manifest.constellation() != anchor.constellation {
            return Err(GovernanceError::WrongConstellation {
                expected: anchor.constellation,
                found: manifest.constellation(),
            });
        }
        let found = manifest.version();
        if found != expected {
            return Err(GovernanceError::WrongVersion { expected, found });
        }
        quorum.verify(&manifest.message(), signatures)?;
        quorum = manifest.governance();
        newest = Some(manifest);
    }
    let found = chain.versions.len();
    newest
        .cloned()
        .ok_or(GovernanceError::Format(FormatError::Count {
            what: "versions",
            found,
            most: MOST_VERSIONS,
        }))
}
