//! The owner key's file.

use super::owner::OwnerKey;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::file;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use vault_encoding::text;
use zeroize::{Zeroize, Zeroizing};

const FORMAT: &str = "enclave-vaults/owner-key/v1";
/// More than any such file has.
const MAX_BYTES: usize = 1024;

/// Where an owner key is kept: a file for its user only (0600).
#[derive(Clone, Debug)]
pub struct OwnerKeyFile {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    id: String,
    key: String,
    exported: bool,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl OwnerKeyFile {
    /// The file at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key; `None` if there is no such file.
    pub fn load(&self) -> Result<Option<OwnerKey>> {
        Ok(self.read()?.map(|(key, _)| key))
    }

    /// The key, which is made if there is no file.
    pub fn load_or_create(&self) -> Result<OwnerKey> {
        if let Some(key) = self.load()? {
            return Ok(key);
        }
        let key = OwnerKey::generate()?;
        if file::create(&self.path, &encode(&key, false)?)? {
            return Ok(key);
        }
        // Another process was faster.
        self.require()
    }

    /// Whether a copy was made; `None` if there is no key.
    pub fn exported(&self) -> Result<Option<bool>> {
        Ok(self.read()?.map(|(_, exported)| exported))
    }

    /// Writes a copy of the key to `to`, which must not exist, and remembers that.
    pub fn export(&self, to: &Path) -> Result<()> {
        let key = self.require()?;
        if !file::create(to, &encode(&key, true)?)? {
            return Err(Self::new(to).refused("exists already"));
        }
        self.remember_export(&key)
    }

    /// Takes over the key in `from`. Refused if there is another one here already.
    pub fn import(&self, from: &Path) -> Result<OwnerKey> {
        let key = Self::new(from).require()?;
        if file::create(&self.path, &encode(&key, true)?)? {
            return Ok(key);
        }
        match self.require()?.id() == key.id() {
            true => self.remember_export(&key).map(|()| key),
            false => Err(self.refused("holds another owner key already")),
        }
    }

    fn remember_export(&self, key: &OwnerKey) -> Result<()> {
        let (Some(dir), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Err(self.refused("is not the path of a file"));
        };
        let dir = if dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            dir
        };
        let locked = file::Locked::acquire(dir)?;
        locked.write(&name.to_string_lossy(), &encode(key, true)?)?;
        Ok(())
    }

    fn require(&self) -> Result<OwnerKey> {
        self.load()?.ok_or_else(|| self.refused("does not exist"))
    }

    fn read(&self) -> Result<Option<(OwnerKey, bool)>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file::inaccessible(&self.path, &error)),
        };
        let meta = fs::metadata(&self.path).map_err(|e| file::inaccessible(&self.path, &e))?;
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(self.refused("is open to other users: chmod 600"));
        }
        let decoded = decode(&bytes).ok_or_else(|| self.refused("is damaged"))?;
        Ok(Some(decoded))
    }

    fn refused(&self, why: &str) -> Error {
        let path = self.path.display();
        Error::new(ErrorCode::FileInaccessible).detail(format_args!("owner key: {path} {why}"))
    }
}

/// The key in these bytes and whether a copy of it was made, if they are such a file.
fn decode(bytes: &[u8]) -> Option<(OwnerKey, bool)> {
    let stored: Stored = serde_json::from_slice(bytes).ok()?;
    let key = Zeroizing::new(text::unhex(&stored.key)?);
    let key = OwnerKey::from_bytes(key);
    let same = stored.format == FORMAT && stored.id == text::hex(&key.id());
    same.then_some((key, stored.exported))
}

fn encode(key: &OwnerKey, exported: bool) -> Result<Zeroizing<Vec<u8>>> {
    let stored = Stored {
        format: FORMAT.to_owned(),
        id: text::hex(&key.id()),
        key: text::hex(key.as_bytes()),
        exported,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    serde_json::to_writer_pretty(&mut *bytes, &stored)
        .map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
    bytes.push(b'\n');
    Ok(bytes)
}
