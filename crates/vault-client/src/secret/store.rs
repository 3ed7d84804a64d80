//! The directory of an owner's records: `NAME/record.json` each, replaced in one step, changed
//! by one process at a time.

use super::owner::OwnerKey;
use super::record::SetRecord;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::file::{Locked, inaccessible};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const FILE: &str = "record.json";

/// Where the record of `name` is.
fn dir_of(dir: &Path, name: &str) -> Result<PathBuf> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = (1..=64).contains(&name.len()) && !name.starts_with('.');
    match fits && name.bytes().all(plain) {
        true => Ok(dir.join(name)),
        false => Err(Error::new(ErrorCode::InvalidArgument).detail(
            "the name of a secret has 1 to 64 letters, digits, '.', '_' or '-', no '.' first",
        )),
    }
}

/// The names that have a record, sorted.
pub(super) fn names(dir: &Path) -> Result<Vec<String>> {
    let failed = |error| inaccessible(dir, &error);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.path().join(FILE).is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The record; `None` if there is none. What does not authenticate is an error.
pub(super) fn load(dir: &Path, owner: &OwnerKey, name: &str) -> Result<Option<SetRecord>> {
    let path = dir_of(dir, name)?.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(inaccessible(&path, &error)),
    };
    let record = SetRecord::from_bytes(&bytes, owner).filter(|record| record.name == name);
    record.map(Some).ok_or_else(|| {
        Error::new(ErrorCode::VerificationFailed).detail(format_args!(
            "{} is damaged, or of another owner key",
            path.display()
        ))
    })
}

/// The right to change one record, until this is dropped.
pub(super) struct LockedSet<'a> {
    dir: &'a Path,
    owner: &'a OwnerKey,
    name: &'a str,
    locked: Locked,
}

impl<'a> LockedSet<'a> {
    /// Refused at once while another process, or another task of this one, changes the set.
    pub(super) fn acquire(dir: &'a Path, owner: &'a OwnerKey, name: &'a str) -> Result<Self> {
        let locked = Locked::try_acquire(&dir_of(dir, name)?)?.ok_or_else(|| {
            Error::new(ErrorCode::AlreadyExists)
                .detail(format_args!("another process is changing {name}"))
        })?;
        Ok(Self {
            dir,
            owner,
            name,
            locked,
        })
    }

    pub(super) fn owner(&self) -> &OwnerKey {
        self.owner
    }

    pub(super) fn load(&self) -> Result<Option<SetRecord>> {
        load(self.dir, self.owner, self.name)
    }

    /// Durable when it returns.
    pub(super) fn save(&self, record: &SetRecord) -> Result<()> {
        self.locked.write(FILE, &record.to_bytes(self.owner))?;
        Ok(())
    }

    pub(super) fn remove(&self) -> Result<()> {
        self.locked.remove(FILE)
    }
}
