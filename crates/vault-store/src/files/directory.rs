//! A real directory.

use super::claim::Claim;
use super::{Files, ShutOut};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files of one directory that stay open, beside the claim: far more than are in use at once, far fewer than a log has.
const MOST_OPEN: usize = 15;

/// A real directory. Files stay open until fifteen others were used, those written to the longest. A sync of a file
/// that lost its name since it was opened fails. When the claim is another process's, that one goes on from here: nothing
/// written by this one will be read again, its syncs fail, and it changes no name.
#[derive(Debug)]
pub struct DirFiles {
    path: PathBuf,
    /// The one used last is the last.
    open: Vec<(String, Handle)>,
    /// That of every handle beside this one as well; `None` of a directory that was only read, or is none of a log.
    claim: Arc<Mutex<Option<Claim>>>,
    /// Counts writes.
    writes: u64,
}

#[derive(Debug)]
pub(super) struct Handle {
    pub(super) file: File,
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

    /// A file of a name that nothing has.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        Self::new(options.open(path)?)
    }

    pub(super) fn has_a_name(&self) -> io::Result<bool> {
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
            claim: Arc::default(),
            writes: 0,
        })
    }

    /// Another handle of the same directory, without open files. Whoever shuts one of them out shuts out both.
    pub fn beside(&self) -> Self {
        Self {
            path: self.path.clone(),
            open: Vec::new(),
            claim: Arc::clone(&self.claim),
            writes: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Claim>> {
        self.claim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before everything that changes a name, and behind every sync.
    fn check_ours(&self) -> io::Result<()> {
        match self
            .lock()
            .as_ref()
            .map_or(Ok(true), |claim| claim.holds(&self.path))?
        {
            true => Ok(()),
            false => Err(io::Error::other(ShutOut)),
        }
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
        self.check_ours()?;
        self.close(name);
        self.remove_name(name)?;
        self.create_new(name)
    }

    fn create_new(&mut self, name: &str) -> io::Result<()> {
        self.check_ours()?;
        let made = Handle::make(&self.path.join(name))?;
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
        self.check_ours()?;
        match has_a_name {
            true => Ok(()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.check_ours()?;
        self.close(from);
        self.close(to);
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.check_ours()?;
        self.close(name);
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn shut_out(&mut self) -> io::Result<()> {
        let claim = Claim::after_all_others(&self.path)?;
        *self.lock() = Some(claim);
        Ok(())
    }

    fn claim(&mut self) -> io::Result<()> {
        self.lock().get_or_insert_default().make(&self.path)
    }

    fn is_ours(&mut self) -> io::Result<bool> {
        match self.check_ours() {
            Err(error) if ShutOut::is(&error) => Ok(false),
            checked => checked.map(|()| true),
        }
    }
}
