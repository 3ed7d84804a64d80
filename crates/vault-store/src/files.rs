//! One directory of files, as far as the store needs one.

use crate::segment::or_no_space;
use crate::storage::{Operation, StorageError};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

/// The file-system calls that the store makes. No locks, no shared memory, no file times.
///
/// Where several processes can have one directory open, `shut_out` and `claim` tell them apart: whoever was shut out
/// has no more sync that succeeds.
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
    fn claim(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Whether nobody was let in since `claim`.
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

/// Files of one directory that stay open, beside the claim: far more than are in use at once, far fewer than a log has.
const MOST_OPEN: usize = 15;

/// An empty file whose name goes with each process that opens the directory.
const CLAIM: &str = "log.open";

/// A real directory. Files stay open until fifteen others were used, those written to the longest. A sync of a file
/// that lost its name since it was opened fails, and so does every sync when the claim lost its name: another process
/// goes on from here, and nothing written by this one will be read again.
#[derive(Debug)]
pub struct DirFiles {
    path: PathBuf,
    /// The one used last is the last.
    open: Vec<(String, Handle)>,
    claim: Option<Handle>,
    /// Counts writes.
    writes: u64,
}

#[derive(Debug)]
struct Handle {
    file: File,
    /// The file system counts names, which some do not.
    counts_names: bool,
    /// When it was last written to; 0 of one that was not.
    written: u64,
}

impl Handle {
    fn new(file: File) -> io::Result<Self> {
        let counts_names = file.metadata()?.nlink() > 0;
        Ok(Self {
            file,
            counts_names,
            written: 0,
        })
    }

    fn has_a_name(&self) -> io::Result<bool> {
        Ok(!self.counts_names || self.file.metadata()?.nlink() > 0)
    }
}

impl DirFiles {
    /// The directory at `path`, which is made (for the owner alone) if it is absent.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = path.into();
        let absent: Vec<_> = path.ancestors().take_while(|path| !path.exists()).collect();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        // What is in a new folder lasts as long as the folder's own name.
        for made in absent {
            match made.parent().filter(|above| !above.as_os_str().is_empty()) {
                Some(above) => File::open(above)?.sync_all()?,
                None => File::open(".")?.sync_all()?,
            }
        }
        Ok(Self {
            path,
            open: Vec::new(),
            claim: None,
            writes: 0,
        })
    }

    fn handle(&mut self, name: &str) -> io::Result<&mut Handle> {
        let handle = match self.close(name) {
            Some(handle) => handle,
            None => {
                let mut options = OpenOptions::new();
                let file = options.read(true).write(true);
                Handle::new(file.open(self.path.join(name))?)?
            }
        };
        self.keep(name, handle);
        let last = self.open.last_mut().map(|(_, handle)| handle);
        last.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// What is being written to stays open: opened again by its name it could be another process's.
    fn keep(&mut self, name: &str, handle: Handle) {
        if self.open.len() >= MOST_OPEN {
            let files = self.open.iter().enumerate();
            let goes = files.min_by_key(|(_, (_, handle))| handle.written);
            if let Some(at) = goes.map(|(at, _)| at) {
                self.open.remove(at);
            }
        }
        self.open.push((name.to_owned(), handle));
    }

    fn remove_name(&self, name: &str) -> io::Result<()> {
        match std::fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn make(&self, name: &str) -> io::Result<Handle> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        Handle::new(options.open(self.path.join(name))?)
    }

    fn close(&mut self, name: &str) -> Option<Handle> {
        let at = self.open.iter().position(|(open, _)| open == name)?;
        Some(self.open.remove(at).1)
    }

    fn file(&mut self, name: &str) -> io::Result<&File> {
        self.handle(name).map(|handle| &handle.file)
    }
}

impl Files for DirFiles {
    fn list(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        match self.file(name) {
            Ok(file) => Ok(Some(file.metadata()?.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file(name)?.read_exact_at(buffer, offset)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.close(name);
        self.remove_name(name)?;
        self.create_new(name)
    }

    fn create_new(&mut self, name: &str) -> io::Result<()> {
        let made = self.make(name)?;
        self.keep(name, made);
        Ok(())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.writes += 1;
        let written = self.writes;
        let handle = self.handle(name)?;
        handle.written = written;
        handle.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let handle = self.handle(name)?;
        handle.file.sync_data()?;
        let has_a_name = handle.has_a_name()?;
        match has_a_name && self.is_ours()? {
            true => Ok(()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.close(from);
        self.close(to);
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.close(name);
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn shut_out(&mut self) -> io::Result<()> {
        self.claim = None;
        self.remove_name(CLAIM)
    }

    fn claim(&mut self) -> io::Result<()> {
        self.claim = Some(self.make(CLAIM)?);
        Ok(())
    }

    fn is_ours(&mut self) -> io::Result<bool> {
        self.claim.as_ref().map_or(Ok(true), Handle::has_a_name)
    }
}
