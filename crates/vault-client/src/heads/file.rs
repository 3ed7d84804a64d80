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
        let path = dir.join("lock");
        let mut options = OpenOptions::new();
        options.truncate(false).write(true).mode(0o600);
        let lock = match options.open(&path) {
            // The lock is made last: where it is, its directory is durable.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_dir(dir).map_err(|error| inaccessible(dir, &error))?;
                options.create(true).open(&path)
            }
            other => other,
        };
        let lock = lock.map_err(|error| inaccessible(&path, &error))?;
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
    create_by(path, bytes, |next, path| fs::hard_link(next, path))
}

/// As [`create`]. Where there are no links, the file is written in its place: whoever reads it
/// meanwhile finds it damaged.
fn create_by(
    path: &Path,
    bytes: &[u8],
    link: impl Fn(&Path, &Path) -> std::io::Result<()>,
) -> Result<bool> {
    let mut next = path.as_os_str().to_owned();
    let own = vault_encoding::text::hex(&crate::client::random::<8>()?);
    next.push(format!(".{own}.next"));
    let next = PathBuf::from(next);
    let linked = write_new(&next, bytes).and_then(|()| match link(&next, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => write_once(path, bytes),
        other => other,
    });
    let _ = fs::remove_file(&next);
    match linked.and_then(|()| sync_dir(path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(inaccessible(path, &error)),
    }
}

/// Writes the file where there is none. One that cannot be written wholly is removed again.
fn write_once(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// Makes the directory and those above it, for their user only; durable when it returns.
fn make_dir(dir: &Path) -> std::io::Result<()> {
    let named = dir.ancestors().filter(|dir| !dir.as_os_str().is_empty());
    let missing: Vec<_> = named.take_while(|dir| !dir.exists()).collect();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    for made in missing.iter().rev() {
        sync_dir(made)?;
    }
    match missing.is_empty() {
        // Whoever made it may have been stopped before its name was durable.
        true => sync_dir(dir).or_else(|error| match error.kind() {
            ErrorKind::PermissionDenied => Ok(()),
            _ => Err(error),
        }),
        false => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(_: &Path, _: &Path) -> std::io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn where_links_are_not_supported_a_file_is_made_once_and_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert!(create_by(&path, b"first", refused).unwrap());
        assert!(!create_by(&path, b"second", refused).unwrap());
        assert!(!create(&path, b"third").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(names(dir.path()), ["key"]);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error_and_not_one_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none").join("key");
        assert!(create_by(&path, b"bytes", refused).is_err());
        assert!(create(&path, b"bytes").is_err());
    }

    #[test]
    fn directories_are_made_with_those_above_them_and_may_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a").join("b");
        for _ in 0..2 {
            make_dir(&deep).unwrap();
            let locked = Locked::acquire(&deep).unwrap();
            locked.write("file", b"bytes").unwrap();
        }
        assert_eq!(names(&deep), ["file", "lock"]);
        fs::remove_file(deep.join("lock")).unwrap();
        assert!(Locked::try_acquire(&deep).unwrap().is_some());
    }
}
