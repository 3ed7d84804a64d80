//! Simulated measurements.

use crate::error::SimError;
use sha2::{Digest, Sha256};
use std::path::Path;

/// A measurement that depends on a name only, so that a rebuild still opens its store.
pub fn measurement_named(name: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update("tee-sim/measurement/v1\0");
    digest.update(name);
    digest.finalize().into()
}

/// SHA-256 of a file, such as the running binary.
pub fn measurement_of_file(path: &Path) -> Result<[u8; 32], SimError> {
    let mut digest = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut digest)?;
    Ok(digest.finalize().into())
}
