//! The directory of `dev`.

use super::failed;
use crate::files;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use vault_client::{Error, ErrorCode, Result};

/// Who may ask the development issuer for tokens, and with which roles.
pub(crate) const CLIENTS: [(&str, &[&str]); 6] = [
    ("owner", &["vault:owner"]),
    ("other-owner", &["vault:owner"]),
    ("auditor", &["vault:auditor"]),
    ("manager", &["vault:manager"]),
    ("manager-2", &["vault:manager"]),
    ("stranger", &[]),
];

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    /// Makes what is missing. The path becomes absolute: what is written here is read elsewhere.
    pub(crate) fn prepare(dir: &Path) -> Result<Self> {
        make_dir(dir)?;
        let layout = Self::existing(dir)?;
        for sub in ["secrets", "logs", "state"] {
            make_dir(&layout.dir.join(sub))?;
        }
        for (client, _) in CLIENTS {
            layout.make_secret(client)?;
        }
        Ok(layout)
    }

    /// A directory that was prepared before.
    pub(crate) fn existing(dir: &Path) -> Result<Self> {
        let dir = dir
            .canonicalize()
            .map_err(|error| files::inaccessible(dir, &error))?;
        Ok(Self { dir })
    }

    /// One `dev` at a time; the lock ends with the process.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.dir.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| files::inaccessible(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::new(ErrorCode::AlreadyExists)
                .detail(format_args!(
                    "{} is in use by another dev",
                    self.dir.display()
                ))
                .next(format!("evault dev status --dir {}", self.dir.display()))),
            Err(TryLockError::Error(error)) => Err(files::inaccessible(&path, &error)),
        }
    }

    fn make_secret(&self, client: &str) -> Result<()> {
        let path = self.secret(client);
        if path.exists() {
            return Ok(());
        }
        let mut bytes = [0u8; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| failed("no randomness"))?;
        files::write(&path, vault_encoding::text::base64url(&bytes).as_bytes())
    }

    /// `client_secret` of a client.
    pub(crate) fn secret(&self, client: &str) -> PathBuf {
        self.dir.join("secrets").join(client)
    }

    /// What a child says.
    pub(crate) fn log(&self, child: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{child}.log"))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The folder of vault `number`, counted from 1: its configuration and its disk.
    pub(crate) fn vault(&self, number: u8) -> PathBuf {
        self.dir.join("vaults").join(number.to_string())
    }

    /// Makes the folder of a vault.
    pub(crate) fn make_vault(&self, number: u8) -> Result<()> {
        make_dir(&self.vault(number))
    }

    pub(crate) fn plan(&self) -> PathBuf {
        self.dir.join("dev.json")
    }

    pub(crate) fn governance_key(&self) -> PathBuf {
        self.dir.join("governance.key.pem")
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.dir.join("manifest.json")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("config.toml")
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

fn make_dir(dir: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| files::inaccessible(dir, &error))
}

/// A file of text that only its owner may read.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    let next = path.with_extension("next");
    files::write(&next, text.as_bytes())?;
    fs::rename(&next, path).map_err(|error| files::inaccessible(path, &error))
}
