//! Folders that come into being whole, with files that only their owner reads.

use crate::error::SimError;
use std::fs;
use std::io::Write;
use std::path::Path;
use zeroize::Zeroizing;

/// Name and content of the files of a folder.
pub(crate) type Files<'a> = [(&'a str, &'a [u8])];

/// Makes `dir` with these files, unless it is there already: also when two processes do so at the
/// same time, one of them wins and the folder is whole.
pub(crate) fn create(dir: &Path, files: &Files<'_>) -> Result<(), SimError> {
    let parent = dir.parent().ok_or(SimError::Name)?;
    create_private_dir(parent)?;
    let mut unique = [0; 8];
    aws_lc_rs::rand::fill(&mut unique)?;
    let staging = dir.with_extension(format!("new-{:016x}", u64::from_be_bytes(unique)));
    create_private_dir(&staging)?;
    for (name, content) in files {
        write_private(&staging.join(name), content)?;
    }
    match fs::rename(&staging, dir) {
        Ok(()) => Ok(()),
        Err(_) if dir.is_dir() => Ok(fs::remove_dir_all(&staging)?),
        Err(error) => Err(error.into()),
    }
}

/// Reads a file of a folder.
pub(crate) fn read(dir: &Path, name: &str) -> Result<Zeroizing<Vec<u8>>, SimError> {
    Ok(Zeroizing::new(fs::read(dir.join(name))?))
}

fn create_private_dir(dir: &Path) -> Result<(), SimError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(dir)?)
}

fn write_private(path: &Path, content: &[u8]) -> Result<(), SimError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    Ok(file.sync_all()?)
}
