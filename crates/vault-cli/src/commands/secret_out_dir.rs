//! Where `secret recover` writes what it finds.

use super::constellation_keys::write_new;
use crate::files;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use vault_client::secret::RecoveredSet;
use vault_client::{Error, ErrorCode, Result};

/// A directory in which files can be made, and where there was none.
pub(super) struct OutDir(PathBuf);

impl OutDir {
    /// Made for its user only, if there is none.
    pub(super) fn open(dir: PathBuf) -> Result<Self> {
        match usable(&dir) {
            Ok(true) => Ok(Self(dir)),
            Ok(false) => Err(Error::new(ErrorCode::FileInaccessible).detail(format_args!(
                "{} is not empty: name a new directory, or an empty one",
                dir.display()
            ))),
            Err(error) => Err(files::inaccessible(&dir, &error)),
        }
    }

    /// The secret's own file, by the id of its set, or by its number where that is not known.
    pub(super) fn write(&self, at: usize, set: &RecoveredSet) -> Result<PathBuf> {
        let name = match set.set_id {
            Some(id) => id.to_string(),
            None => format!("secret-{}", at + 1),
        };
        let path = self.0.join(name);
        write_new(&path, &set.secret, 0o600).map_err(|error| {
            // What was there before is not this command's to remove.
            if error.kind() != io::ErrorKind::AlreadyExists {
                let _ = std::fs::remove_file(&path);
            }
            files::inaccessible(&path, &error)
        })?;
        Ok(path)
    }
}

/// Whether it is empty; an error if no file can be made in it.
fn usable(dir: &PathBuf) -> io::Result<bool> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    if std::fs::read_dir(dir)?.next().is_some() {
        return Ok(false);
    }
    tempfile::tempfile_in(dir).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_new_or_empty() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("a").join("b");
        for _ in 0..2 {
            OutDir::open(dir.clone()).map(drop).unwrap();
        }
        std::fs::write(dir.join("secret-1"), "old").unwrap();
        let refused = |dir: PathBuf| match OutDir::open(dir) {
            Ok(_) => panic!("taken"),
            Err(error) => error,
        };
        assert!(refused(dir.clone()).message().contains("not empty"));
        let file = refused(dir.join("secret-1"));
        assert_eq!(file.code, ErrorCode::FileInaccessible);
        assert_eq!(std::fs::read(dir.join("secret-1")).unwrap(), b"old");
    }
}
