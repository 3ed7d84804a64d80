//! `constellation new-id` and `constellation keygen`, and the keys that sign.

use crate::context::usage;
use crate::files;
use crate::output::{Human, Output};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use vault_client::{Error, ErrorCode, Result};
use vault_governance::{ConstellationId, SigningKey};
use zeroize::Zeroizing;

pub(crate) fn new_id() -> Result<Output> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| no_randomness())?;
    let id = ConstellationId::from_random(bytes).to_string();
    Ok(Output::new(json!({ "id": id }), Human::Text(id)))
}

pub(crate) fn keygen(out: &Path) -> Result<Output> {
    let mut seed = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(seed.as_mut()).map_err(|_| no_randomness())?;
    let key = SigningKey::from_seed(seed).ok_or_else(no_randomness)?;
    write_new(out, key.to_pem().as_bytes(), 0o600)
        .map_err(|error| files::inaccessible(out, &error))?;
    let public = key.public().to_string();
    let human = Human::Fields(vec![
        ("public key", public.clone()),
        ("private key", out.display().to_string()),
    ]);
    let json = json!({ "public_key": public, "file": out });
    Ok(Output::new(json, human))
}

/// A file that was not there before.
pub(super) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The private keys in these files, each once.
pub(super) fn signing_keys(paths: &[PathBuf]) -> Result<Vec<SigningKey>> {
    let mut keys: Vec<SigningKey> = Vec::new();
    for path in paths {
        let bytes = Zeroizing::new(files::read(path)?);
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let key = SigningKey::from_pem(text)
            .map_err(|error| usage(format_args!("{}: {error}", path.display())))?;
        if keys.iter().any(|known| known.public() == key.public()) {
            return Err(usage(format_args!(
                "{}: the same key again",
                path.display()
            )));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn no_randomness() -> Error {
    Error::new(ErrorCode::Internal).detail("no randomness")
}
