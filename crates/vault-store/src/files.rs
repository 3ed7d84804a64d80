//! One directory of files, as far as the store needs one.

use crate::segment::or_no_space;
use crate::storage::{Operation, StorageError};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

/// The file-system calls that the store makes. No locks, no shared memory, no file times.
pub trait Files: Send {
    /// Names of all files.
    fn list(&mut self) -> io::Result<Vec<String>>;
    /// Length of a file; `None` if there is none of this name.
    fn size(&mut self, name: &str) -> io::Result<Option<u64>>;
    /// Fills `buffer` from `offset`; a shorter file is `UnexpectedEof`.
    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Makes an empty file; one of this name is emptied.
    fn create(&mut self, name: &str) -> io::Result<()>;
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
    if let Err(error) = files.write_at(&temporary, 0, bytes) {
        let error = or_no_space(Operation::Write)(error);
        if error == StorageError::NoSpace {
            files
                .create(&temporary)
                .map_err(or_no_space(Operation::Create))?;
        }
        return Err(error);
    }
    files
        .sync(&temporary)
        .map_err(StorageError::io(Operation::Sync))?;
    files
        .rename(&temporary, name)
        .map_err(StorageError::io(Operation::Rename))?;
    files
        .sync(name)
        .map_err(StorageError::io(Operation::Sync))?;
    files
        .sync_names()
        .map_err(StorageError::io(Operation::Sync))
}

/// A whole file, which is there.
pub(crate) fn read_all(files: &mut dyn Files, name: &str) -> Result<Vec<u8>, StorageError> {
    let size = files
        .size(name)
        .map_err(StorageError::io(Operation::Read))?
        .unwrap_or(0);
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| StorageError::TooLarge)?];
    files
        .read_at(name, 0, &mut bytes)
        .map_err(StorageError::io(Operation::Read))?;
    Ok(bytes)
}

/// Files of one directory that stay open: far more than are in use at once, far fewer than a log has.
const MOST_OPEN: usize = 16;

/// A real directory. Files stay open until sixteen others were used. A sync of a file that lost its name
/// since it was opened fails: another process has put its own in its place, and nothing written to this one will be
/// read again.
#[derive(Debug)]
pub struct DirFiles {
    path: PathBuf,
    /// The one used last is the last.
    open: Vec<(String, Handle)>,
}

#[derive(Debug)]
struct Handle {
    file: File,
    /// The file system counts names, which some do not.
    counts_names: bool,
}

impl Handle {
    fn new(file: File) -> io::Result<Self> {
        let counts_names = file.metadata()?.nlink() > 0;
        Ok(Self { file, counts_names })
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
        })
    }

    fn handle(&mut self, name: &str) -> io::Result<&Handle> {
        let handle = match self.close(name) {
            Some(handle) => handle,
            None => {
                let mut options = OpenOptions::new();
                let file = options.read(true).write(true);
                Handle::new(file.open(self.path.join(name))?)?
            }
        };
        self.keep(name, handle);
        let last = self.open.last().map(|(_, handle)| handle);
        last.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn keep(&mut self, name: &str, handle: Handle) {
        if self.open.len() >= MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push((name.to_owned(), handle));
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
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600);
        let file = options.open(self.path.join(name))?;
        self.close(name);
        self.keep(name, Handle::new(file)?);
        Ok(())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all_at(bytes, offset)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let handle = self.handle(name)?;
        handle.file.sync_data()?;
        match handle.has_a_name()? {
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
}
