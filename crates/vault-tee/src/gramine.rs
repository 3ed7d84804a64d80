//! The sealing key that the Gramine library OS hands out as a file.

use crate::error::SealError;
use aws_lc_rs::hkdf;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The key bound to MRENCLAVE; there is one bound to MRSIGNER beside it, which is never read.
const KEY: &str = "keys/_sgx_mrenclave";
const INFO: &[u8] = b"enclave-vaults/gramine-seal/v1";

/// Gramine's `/dev/attestation`, or a folder that stands for it.
///
/// Gramine asks the CPU for the key without SVNs: it is one of the microcode that runs now. A microcode update,
/// another build or another machine gives another key, and what was sealed under this one does not open again.
#[derive(Clone, Debug)]
pub struct GramineKeys {
    directory: PathBuf,
}

impl Default for GramineKeys {
    fn default() -> Self {
        Self::new("/dev/attestation")
    }
}

impl GramineKeys {
    /// Reads below this folder.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// 32 bytes by HKDF-SHA256 from the file's 16. Refuses a file of another length, and zeros, which a loader
    /// without SGX may leave there.
    pub fn seal_root(&self) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let key = read(&self.directory.join(KEY)).ok_or(SealError::Unavailable)?;
        if key.iter().all(|byte| *byte == 0) {
            return Err(SealError::Unavailable);
        }
        expand(&key, INFO)
    }
}

/// 32 bytes for one purpose from a CPU's 16.
pub fn expand(key: &[u8; 16], info: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let mut out = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(key)
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut()))
        .map_err(|_| SealError::Unavailable)?;
    Ok(out)
}

fn read(path: &Path) -> Option<Zeroizing<[u8; 16]>> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut key = Zeroizing::new([0; 16]);
    file.read_exact(key.as_mut()).ok()?;
    // The length that a file of a device says means nothing: it ends here.
    let ended = matches!(file.read(&mut [0]), Ok(0));
    ended.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(name: &str, bytes: &[u8]) -> (tempfile::TempDir, GramineKeys) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("keys")).unwrap();
        std::fs::write(directory.path().join("keys").join(name), bytes).unwrap();
        let keys = GramineKeys::new(directory.path());
        (directory, keys)
    }

    #[test]
    fn one_key_file_gives_one_root_and_another_gives_another() {
        let (_one, one) = keys("_sgx_mrenclave", &[7; 16]);
        let (_same, same) = keys("_sgx_mrenclave", &[7; 16]);
        let (_other, other) = keys("_sgx_mrenclave", &[8; 16]);
        let root = one.seal_root().unwrap();
        assert_eq!(*root, *same.seal_root().unwrap());
        assert_ne!(*root, *other.seal_root().unwrap());
        assert_ne!(root[..16], [7; 16]);
        // HKDF-SHA256 with an empty salt, computed by another implementation.
        let text: String = root.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, KNOWN);
    }

    /// `HKDF(SHA-256, key = 07 × 16, salt = empty, info = INFO)` by Python's `hmac`.
    const KNOWN: &str = "39bad79e8b84915291bb55052dd0c9838a9508c6ff00a3e1ef32e7489085d247";

    #[test]
    fn the_signers_key_is_no_substitute_and_neither_are_other_lengths_or_zeros() {
        for (name, bytes) in [
            ("_sgx_mrsigner", &[7; 16][..]),
            ("_sgx_mrenclave", &[7; 15]),
            ("_sgx_mrenclave", &[7; 17]),
            ("_sgx_mrenclave", &[]),
            ("_sgx_mrenclave", &[0; 16]),
        ] {
            let (_kept, keys) = keys(name, bytes);
            assert_eq!(keys.seal_root(), Err(SealError::Unavailable), "{name}");
        }
    }
}
