//! A disk in memory that loses, tears and refuses, from a seed.

use crate::files::Files;
use std::io;
use std::sync::{Arc, Mutex};

/// What a disk does wrong, besides what a crash does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// Syncs say yes and do nothing.
    pub ignore_sync: bool,
    /// Syncing names says yes and does nothing, as under a library OS.
    pub ignore_sync_names: bool,
    /// The n-th sync from now (1 is the next one) fails with EIO; what was written may or may not be durable.
    pub fail_sync: Option<u64>,
    /// The n-th write from now fails with EIO, half done.
    pub fail_write: Option<u64>,
    /// Bytes that all files together may take; beyond it writes fail with ENOSPC.
    pub capacity: Option<u64>,
}

/// One simulated disk; clones are handles to the same disk. Use `SegmentFiles::open(disk.clone(), …)`.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk {
    #[allow(dead_code)]
    state: Arc<Mutex<()>>,
}

impl SimulatedDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets the faults from now on; counters begin anew.
    pub fn set_faults(&self, _faults: Faults) {
        unimplemented!()
    }
    /// Power fails. Every handle of this disk fails from now on; the returned disk holds what
    /// survived: everything synced, and of the rest what `seed` says (nothing, all, some sectors,
    /// torn sectors). The faults are gone.
    pub fn crash(&self, _seed: u64) -> SimulatedDisk {
        unimplemented!()
    }
    /// A copy of the disk as a reader sees it now: what a host can keep and put back later.
    pub fn copy(&self) -> SimulatedDisk {
        unimplemented!()
    }
    /// The bytes of one file.
    pub fn contents(&self, _name: &str) -> Option<Vec<u8>> {
        unimplemented!()
    }
    /// Replaces the bytes of one file, durably: what a hostile host does.
    pub fn overwrite(&self, _name: &str, _bytes: &[u8]) {
        unimplemented!()
    }
    /// Removes one file, durably.
    pub fn remove(&self, _name: &str) {
        unimplemented!()
    }
    /// Number of syncs so far.
    pub fn syncs(&self) -> u64 {
        unimplemented!()
    }
}

impl Files for SimulatedDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        unimplemented!()
    }
    fn size(&mut self, _name: &str) -> io::Result<Option<u64>> {
        unimplemented!()
    }
    fn read_at(&mut self, _name: &str, _offset: u64, _buffer: &mut [u8]) -> io::Result<()> {
        unimplemented!()
    }
    fn create(&mut self, _name: &str) -> io::Result<()> {
        unimplemented!()
    }
    fn write_at(&mut self, _name: &str, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        unimplemented!()
    }
    fn sync(&mut self, _name: &str) -> io::Result<()> {
        unimplemented!()
    }
    fn rename(&mut self, _from: &str, _to: &str) -> io::Result<()> {
        unimplemented!()
    }
    fn sync_names(&mut self) -> io::Result<()> {
        unimplemented!()
    }
}
