//! Files that take their place in one step. What is on its way goes also where nobody is left to drop
//! it: its owner is held up, and left behind.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

/// Names of those that have no place yet. Where it is none, nothing more sets out.
static ON_THE_WAY: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(Some(BTreeSet::new()));

/// A file for its user only, which is removed unless it is put somewhere.
pub(crate) struct Temporary {
    file: NamedTempFile,
    name: Known,
}

impl Temporary {
    /// In the folder where it is to have its place.
    pub(crate) fn new_in(dir: &Path) -> io::Result<Self> {
        let mut all = on_the_way();
        let ends = || io::Error::from(io::ErrorKind::Interrupted);
        let all = all.as_mut().ok_or_else(ends)?;
        let file = NamedTempFile::new_in(dir)?;
        let name = Known(file.path().to_owned());
        all.insert(name.0.clone());
        Ok(Self { file, name })
    }

    pub(crate) fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives it its place, and removes what was there.
    pub(crate) fn put(self, path: &Path) -> io::Result<()> {
        let put = self.file.persist(path).map(drop);
        drop(self.name);
        put.map_err(|error| error.error)
    }

    /// Gives it a place where nothing is.
    pub(crate) fn put_anew(self, path: &Path) -> io::Result<()> {
        let put = self.file.persist_noclobber(path).map(drop);
        drop(self.name);
        put.map_err(|error| error.error)
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A name that is known as long as this is kept.
struct Known(PathBuf);

impl Drop for Known {
    fn drop(&mut self) {
        if let Some(all) = on_the_way().as_mut() {
            all.remove(&self.0);
        }
    }
}

/// Removes what is on its way, and lets nothing more set out. For the end of the process.
pub(crate) fn remove_all() {
    let all = on_the_way().take();
    for name in all.into_iter().flatten() {
        let _ = std::fs::remove_file(name);
    }
}

fn on_the_way() -> MutexGuard<'static, Option<BTreeSet<PathBuf>>> {
    ON_THE_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}
