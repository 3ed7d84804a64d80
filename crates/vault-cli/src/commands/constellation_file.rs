//! The manifest file, read and written.

use super::constellation_manifest::refused;
use crate::files;
use crate::temporary::Temporary;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use vault_client::Result;
use vault_governance::ManifestChain;

pub(super) fn read(path: &Path) -> Result<ManifestChain> {
    ManifestChain::parse(&files::read(path)?)
        .map_err(|error| refused(format_args!("{}: {error}", path.display())))
}

/// A manifest that is about to be signed: its place is known to be writable, and nothing is there
/// before it is published.
pub(super) struct Draft {
    file: Temporary,
    path: PathBuf,
    replaces: bool,
}

impl Draft {
    /// Where there is no file yet.
    pub(super) fn new(path: &Path) -> Result<Self> {
        if path.symlink_metadata().is_ok() {
            let exists = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(files::inaccessible(path, &exists));
        }
        Self::at(path, false)
    }

    /// In the place of what may be there.
    pub(super) fn over(path: &Path) -> Result<Self> {
        Self::at(path, true)
    }

    fn at(path: &Path, replaces: bool) -> Result<Self> {
        let file = Temporary::new_in(files::parent(path));
        Ok(Self {
            file: file.map_err(|error| files::inaccessible(path, &error))?,
            path: path.to_owned(),
            replaces,
        })
    }

    /// The whole file at once, or nothing.
    pub(super) fn publish(self, chain: &ManifestChain) -> Result<()> {
        let path = self.path.clone();
        self.written(chain)
            .map_err(|error| files::inaccessible(&path, &error))
    }

    fn written(mut self, chain: &ManifestChain) -> io::Result<()> {
        self.file.write_all(chain.to_json().as_bytes())?;
        let mode = PermissionsExt::from_mode(0o644);
        self.file.as_file().set_permissions(mode)?;
        self.file.as_file().sync_all()?;
        match self.replaces {
            true => self.file.put(&self.path),
            false => self.file.put_anew(&self.path),
        }
    }
}
