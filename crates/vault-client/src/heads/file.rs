//! Atomic, durable files of one vault's directory, one writer at a time.

use crate::error::{Error, ErrorCode, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What is locked until this is dropped. The lock is the kernel's: it ends with its process.
pub(super) struct Locked {
    dir: PathBuf,
    _lock: File,
}

impl Locked {
    pub(super) fn acquire(dir: &Path) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| inaccessible(dir, &error))?;
        let path = dir.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| inaccessible(&path, &error))?;
        lock.lock().map_err(|error| inaccessible(&path, &error))?;
        Ok(Self {
            dir: dir.to_owned(),
            _lock: lock,
        })
    }

    /// Replaces the file in one step; durable when it returns.
    pub(super) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<PathBuf> {
        let path = self.dir.join(name);
        let next = self.dir.join(format!("{name}.next"));
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
        self.replace(&path, &next, &bytes)
            .map_err(|error| inaccessible(&path, &error))?;
        Ok(path)
    }

    fn replace(&self, path: &Path, next: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(next, path)?;
        File::open(&self.dir)?.sync_all()
    }
}

/// The file's contents; `None` if there is no such file. What does not parse is an error: an
/// empty memory would forget what was seen.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| super::damaged(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(inaccessible(path, &error)),
    }
}

pub(super) fn inaccessible(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::FileInaccessible).detail(format_args!("{}: {error}", path.display()))
}
