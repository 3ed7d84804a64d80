//! Atomic, durable files of one vault's directory, one writer at a time.

use crate::error::{Error, ErrorCode, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What is locked until this is dropped. The lock is the kernel's: it ends with its process.
pub(crate) struct Locked {
    dir: PathBuf,
    _lock: File,
}

impl Locked {
    /// Waits for its turn.
    pub(crate) fn acquire(dir: &Path) -> Result<Self> {
        let (path, lock) = Self::open(dir)?;
        lock.lock().map_err(|error| inaccessible(&path, &error))?;
        Ok(Self::held(dir, lock))
    }

    /// `None` if it is another one's turn.
    pub(crate) fn try_acquire(dir: &Path) -> Result<Option<Self>> {
        let (path, lock) = Self::open(dir)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self::held(dir, lock))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(inaccessible(&path, &error)),
        }
    }

    fn held(dir: &Path, lock: File) -> Self {
        Self {
            dir: dir.to_owned(),
            _lock: lock,
        }
    }

    fn open(dir: &Path) -> Result<(PathBuf, File)> {
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
        Ok((path, lock))
    }

    /// Replaces the file in one step; durable when it returns.
    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<PathBuf> {
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
        self.write(name, &bytes)
    }

    /// Replaces the file in one step; durable when it returns.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.dir.join(name);
        let next = self.dir.join(format!("{name}.next"));
        write_new(&next, bytes)
            .and_then(|()| fs::rename(&next, &path))
            .and_then(|()| sync_dir(&path))
            .map_err(|error| inaccessible(&path, &error))?;
        Ok(path)
    }

    /// Durable when it returns. That there is no such file is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.dir.join(name);
        match fs::remove_file(&path).and_then(|()| sync_dir(&path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(inaccessible(&path, &error)),
            _ => Ok(()),
        }
    }
}

/// Makes the file in one step, for its user only; durable when it returns. `false`, and nothing
/// is changed, if there is one already.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<bool> {
    let mut next = path.as_os_str().to_owned();
    let own = vault_encoding::text::hex(&crate::client::random::<8>()?);
    next.push(format!(".{own}.next"));
    let next = PathBuf::from(next);
    let linked = write_new(&next, bytes).and_then(|()| fs::hard_link(&next, path));
    let _ = fs::remove_file(&next);
    match linked.and_then(|()| sync_dir(path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(inaccessible(path, &error)),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_dir(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The file's contents; `None` if there is no such file. What does not parse is an error: an
/// empty memory would forget what was seen.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| super::damaged(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(inaccessible(path, &error)),
    }
}

pub(crate) fn inaccessible(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::FileInaccessible).detail(format_args!("{}: {error}", path.display()))
}
