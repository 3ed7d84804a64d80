//! One directory of files, as far as the store needs one.

mod claim;
mod directory;

pub use directory::DirFiles;

use crate::segment::or_no_space;
use crate::storage::{Operation, StorageError};
use std::io;

/// The file-system calls that the store makes. No locks, no shared memory, no file times.
///
/// Where several processes can have one directory open, `shut_out` and `claim` tell them apart: whoever was shut out
/// has no more sync that succeeds, and makes, renames and removes nothing.
pub trait Files: Send {
    /// Names of all files.
    fn list(&mut self) -> io::Result<Vec<String>>;
    /// Length of a file; `None` if there is none of this name.
    fn size(&mut self, name: &str) -> io::Result<Option<u64>>;
    /// Fills `buffer` from `offset`; a shorter file is `UnexpectedEof`.
    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Makes an empty file; another one of this name is no longer of this name.
    fn create(&mut self, name: &str) -> io::Result<()>;
    /// Makes an empty file of a name that nothing has, or else `AlreadyExists`.
    fn create_new(&mut self, name: &str) -> io::Result<()> {
        match self.size(name)? {
            None => self.create(name),
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }
    /// Writes all bytes at `offset`, extending the file where needed.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written to the file durable. After an error nothing is known about it.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Gives `from` the name `to`, replacing the file of that name.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes the file of this name.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes names durable, where the system can do that at all.
    fn sync_names(&mut self) -> io::Result<()>;
    /// From now on whoever had claimed the directory fails to sync: before anything of it is read.
    fn shut_out(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Claims the directory, before anything in it is written. `AlreadyExists` if somebody did since `shut_out`.
    /// Without space for all of it the next call goes on.
    fn claim(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Whether nobody was let in since `shut_out`.
    fn is_ours(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}

/// Replaces a whole file: afterwards, and after a crash, it is the old one or the new one. Without
/// space it is the old one, and what the attempt took is given back.
///
/// The file is synced once more under its new name, because a file system that ignores
/// `sync_names` commits the rename with it.
pub(crate) fn replace(files: &mut dyn Files, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
    let temporary = format!("{name}.new");
    files
        .create(&temporary)
        .map_err(or_no_space(Operation::Create))?;
    let placed = write_whole(files, &temporary, bytes).and_then(|()| {
        let renamed = files.rename(&temporary, name);
        renamed.map_err(or_no_space(Operation::Rename))
    });
    if placed == Err(StorageError::NoSpace) {
        files
            .create(&temporary)
            .map_err(or_no_space(Operation::Create))?;
    }
    placed?;
    files
        .sync(name)
        .map_err(StorageError::io(Operation::Sync))?;
    files
        .sync_names()
        .map_err(StorageError::io(Operation::Sync))
}

/// Fills a new file and syncs it. Some disks find out with the sync that they are full; nobody relies on this file
/// yet, and another attempt takes another one.
pub(crate) fn write_whole(
    files: &mut dyn Files,
    name: &str,
    bytes: &[u8],
) -> Result<(), StorageError> {
    files
        .write_at(name, 0, bytes)
        .map_err(or_no_space(Operation::Write))?;
    files.sync(name).map_err(or_no_space(Operation::Sync))
}

/// Claims the directory for this process, which shut all others out. Whoever came in between has it.
pub(crate) fn claim(files: &mut dyn Files) -> Result<(), StorageError> {
    files.claim().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => StorageError::ShutOut,
        _ => or_no_space(Operation::Create)(error),
    })
}

/// A whole file, which is there and whose length anybody may have chosen.
pub(crate) fn read_all(files: &mut dyn Files, name: &str) -> Result<Vec<u8>, StorageError> {
    let size = files
        .size(name)
        .map_err(StorageError::io(Operation::Read))?
        .unwrap_or(0);
    let size = usize::try_from(size).map_err(|_| StorageError::TooLarge)?;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(size)
        .map_err(|_| StorageError::TooLarge)?;
    bytes.resize(size, 0);
    files
        .read_at(name, 0, &mut bytes)
        .map_err(StorageError::io(Operation::Read))?;
    Ok(bytes)
}

/// What a call fails with that would change something for a process that was shut out.
#[derive(Debug, thiserror::Error)]
#[error("another process opened this folder, or its log.open was removed")]
pub(crate) struct ShutOut;

impl ShutOut {
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}
