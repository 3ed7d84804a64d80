//! A disk in memory that loses, tears and refuses, from a seed; for simulations and tests.
//!
//! What is written is seen at once, and is durable after a sync of the file. A crash keeps what was
//! synced; of what was not, each 512-byte sector is kept, lost, torn or garbled on its own, whole
//! sectors at a time, so writes are reordered as well. Names are durable after `sync_names`, or after a
//! sync of the file that they name; a crash keeps a prefix of the changes to them.
//!
//! Use segments of a few KiB over it, in blocks of at least 512 bytes: a garbled sector takes its neighbours
//! with it.

mod crash;
mod every;
mod state;

pub use every::Tearing;

use crate::files::Files;
use state::State;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a write that is torn keeps or loses as a whole, but for what tears within.
const SECTOR: usize = 512;

/// What a disk does wrong, besides what a crash does. Counters count from 1, the next call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// Syncs say yes and do nothing.
    pub ignore_sync: bool,
    /// Syncing names says yes and does nothing, as under a library OS.
    pub ignore_sync_names: bool,
    /// A file is synced before each write to it instead of after: a bug of a program, for the tests
    /// that must find it.
    pub sync_before_write: bool,
    /// This sync fails with EIO; what it should have made durable is so only by chance, and no later
    /// sync of the same file makes up for it.
    pub fail_sync: Option<u64>,
    /// This write fails with EIO, half done.
    pub fail_write: Option<u64>,
    /// Power fails in this call, of those that change something: a write is half done.
    pub cut_power: Option<u64>,
    /// Bytes that all files together may take; beyond it writes fail with ENOSPC.
    pub capacity: Option<u64>,
}

/// One simulated disk; clones are handles to the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

impl SimulatedDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the faults from now on; counters begin anew.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().set_faults(faults);
    }

    /// Power fails. Every handle of this disk fails from now on; the disk that is returned has no
    /// faults and holds what survived, decided by `seed`.
    pub fn crash(&self, seed: u64) -> SimulatedDisk {
        let mut state = self.lock();
        state.dead = true;
        Self::of(crash::survivor(&state, seed))
    }

    /// A copy of what a reader sees now: what a host can keep and put back later.
    pub fn copy(&self) -> SimulatedDisk {
        Self::of(State::durable(self.lock().visible()))
    }

    /// Names of all files, sorted.
    pub fn names(&self) -> Vec<String> {
        self.lock().visible().into_keys().collect()
    }

    /// The bytes of one file, as a reader sees them.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.lock().visible().remove(name)
    }

    /// Replaces or makes one file, durably, and makes everything else durable: what a hostile host does.
    pub fn overwrite(&self, name: &str, bytes: &[u8]) {
        let mut state = self.lock();
        let mut files = state.visible();
        files.insert(name.to_owned(), bytes.to_vec());
        state.replace(files);
    }

    /// Removes one file, and makes everything else durable.
    pub fn remove(&self, name: &str) {
        let mut state = self.lock();
        let mut files = state.visible();
        files.remove(name);
        state.replace(files);
    }

    /// Number of syncs so far, of files and of names.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    fn of(state: State) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for SimulatedDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        self.lock().alive()?;
        Ok(self.names())
    }

    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        let state = self.lock();
        state.alive()?;
        Ok(state.content(name).map(|bytes| bytes.len() as u64))
    }

    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.lock();
        state.alive()?;
        let content = state.content(name).ok_or(io::ErrorKind::NotFound)?;
        let begin = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        let end = begin
            .checked_add(buffer.len())
            .ok_or(io::ErrorKind::InvalidInput)?;
        buffer.copy_from_slice(
            content
                .get(begin..end)
                .ok_or(io::ErrorKind::UnexpectedEof)?,
        );
        Ok(())
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.change()?;
        state.create(name);
        Ok(())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.lock().write(name, offset, bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.lock().sync(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.change()?;
        state.rename(from, to)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.change()?;
        state.remove(name)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.lock().sync_names()
    }
}
