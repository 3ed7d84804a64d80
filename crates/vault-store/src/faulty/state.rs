//! What the simulated disk holds, and what of it is durable.

use super::Faults;
use std::collections::BTreeMap;
use std::io;

/// Names of files by number; a number is never used again.
pub(super) type Names = BTreeMap<String, usize>;

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) files: Vec<Content>,
    pub(super) names: Names,
    pub(super) durable_names: Names,
    pub(super) name_changes: Vec<NameChange>,
    pub(super) faults: Faults,
    pub(super) dead: bool,
    pub(super) syncs: u64,
    changes_since: u64,
    writes_since: u64,
    syncs_since: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) visible: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<Write>,
}

#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) offset: usize,
    pub(super) bytes: Vec<u8>,
    /// A sync of it failed: no later one will make it durable.
    pub(super) forsaken: bool,
}

/// `to`, if there is one, names this file from then on; `from` names nothing.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    pub(super) file: usize,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut Names) {
        if let Some(from) = &self.from {
            names.remove(from);
        }
        if let Some(to) = &self.to {
            names.insert(to.clone(), self.file);
        }
    }
}

/// Writes into a file that grows as needed.
pub(super) fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(target) = content.get_mut(offset..end) {
        target.copy_from_slice(bytes);
    }
}

fn power_failure() -> io::Error {
    io::Error::other("power failure")
}

fn input_output_error() -> io::Error {
    io::Error::other("input/output error")
}

impl State {
    /// A disk on which all of this is durable.
    pub(super) fn durable(files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut state = Self::default();
        for (name, bytes) in files {
            state.durable_names.insert(name, state.files.len());
            state.files.push(Content {
                visible: bytes.clone(),
                durable: bytes,
                pending: Vec::new(),
            });
        }
        state.names = state.durable_names.clone();
        state
    }

    /// Other files, all durable; faults and counters go on.
    pub(super) fn replace(&mut self, files: BTreeMap<String, Vec<u8>>) {
        let Self {
            files,
            names,
            durable_names,
            ..
        } = Self::durable(files);
        (self.files, self.names, self.durable_names) = (files, names, durable_names);
        self.name_changes.clear();
    }

    pub(super) fn visible(&self) -> BTreeMap<String, Vec<u8>> {
        let content = |name: &String| self.content(name).unwrap_or_default().to_vec();
        self.names
            .keys()
            .map(|name| (name.clone(), content(name)))
            .collect()
    }

    pub(super) fn content(&self, name: &str) -> Option<&[u8]> {
        self.files
            .get(*self.names.get(name)?)
            .map(|file| file.visible.as_slice())
    }

    pub(super) fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
        (self.changes_since, self.writes_since, self.syncs_since) = (0, 0, 0);
    }

    pub(super) fn alive(&self) -> io::Result<()> {
        if self.dead {
            Err(power_failure())
        } else {
            Ok(())
        }
    }

    /// Before every call that changes something.
    pub(super) fn change(&mut self) -> io::Result<()> {
        self.alive()?;
        self.changes_since += 1;
        self.dead = self.faults.cut_power == Some(self.changes_since);
        self.alive()
    }

    pub(super) fn create(&mut self, name: &str) {
        let file = self.files.len();
        self.files.push(Content::default());
        self.rename_file(NameChange {
            file,
            from: None,
            to: Some(name.to_owned()),
        });
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = *self.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        self.rename_file(NameChange {
            file,
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
        });
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        let file = *self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        self.rename_file(NameChange {
            file,
            from: Some(name.to_owned()),
            to: None,
        });
        Ok(())
    }

    fn rename_file(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    pub(super) fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.alive()?;
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.check_capacity(name, offset + bytes.len())?;
        self.writes_since += 1;
        let failure = match self.change() {
            Err(error) => Some(error),
            Ok(()) if self.faults.fail_write == Some(self.writes_since) => {
                Some(input_output_error())
            }
            Ok(()) => None,
        };
        let done = if failure.is_some() {
            bytes.len() / 2
        } else {
            bytes.len()
        };
        let bytes = bytes.get(..done).unwrap_or(bytes).to_vec();
        if self.faults.sync_before_write && failure.is_none() {
            self.make_durable(name)?;
        }
        let file = self.file(name)?;
        put(&mut file.visible, offset, &bytes);
        file.pending.push(Write {
            offset,
            bytes,
            forsaken: false,
        });
        failure.map_or(Ok(()), Err)
    }

    fn check_capacity(&self, name: &str, end: usize) -> io::Result<()> {
        let Some(capacity) = self.faults.capacity else {
            return Ok(());
        };
        let own = self.content(name).map_or(0, <[u8]>::len);
        let all: usize = self
            .names
            .keys()
            .filter_map(|name| self.content(name))
            .map(<[u8]>::len)
            .sum();
        let needed = all - own + own.max(end);
        if needed as u64 > capacity {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn file(&mut self, name: &str) -> io::Result<&mut Content> {
        let number = *self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        self.files
            .get_mut(number)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn sync(&mut self, name: &str) -> io::Result<()> {
        let fails = self.count_sync()?;
        let ignored = self.faults.ignore_sync || self.faults.sync_before_write;
        let file = self.file(name)?;
        if fails {
            file.pending
                .iter_mut()
                .for_each(|write| write.forsaken = true);
            return Err(input_output_error());
        }
        if ignored {
            return Ok(());
        }
        self.make_durable(name)
    }

    fn make_durable(&mut self, name: &str) -> io::Result<()> {
        let number = *self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        let file = self.file(name)?;
        let (forsaken, written) = std::mem::take(&mut file.pending)
            .into_iter()
            .partition(|write| write.forsaken);
        file.pending = forsaken;
        let written: Vec<Write> = written;
        written
            .iter()
            .for_each(|write| put(&mut file.durable, write.offset, &write.bytes));
        let last = self
            .name_changes
            .iter()
            .rposition(|change| change.file == number);
        self.keep_names(last.map_or(0, |last| last + 1));
        Ok(())
    }

    pub(super) fn sync_names(&mut self) -> io::Result<()> {
        if self.count_sync()? {
            return Err(input_output_error());
        }
        if !self.faults.ignore_sync && !self.faults.ignore_sync_names {
            self.keep_names(self.name_changes.len());
        }
        Ok(())
    }

    /// Whether this sync is the one that fails.
    fn count_sync(&mut self) -> io::Result<bool> {
        self.change()?;
        self.syncs += 1;
        self.syncs_since += 1;
        Ok(self.faults.fail_sync == Some(self.syncs_since))
    }

    fn keep_names(&mut self, count: usize) {
        for change in self.name_changes.drain(..count) {
            change.apply(&mut self.durable_names);
        }
    }
}
