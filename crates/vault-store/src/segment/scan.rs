//! Finds the groups of all segments: what was read is looked through while the next one is read.

use super::{Location, Segment, segment_name};
use crate::beside::Beside;
use crate::files::{Files, read_all};
use crate::frame::{self, Found, SegmentHeader};
use crate::storage::{Operation, StorageError};
use std::collections::VecDeque;
use std::io;
use std::thread;

/// One segment that was looked through.
pub(super) struct Scanned {
    index: u32,
    file: Vec<u8>,
    /// `None` of one that was not finished, which has no groups.
    header: Option<SegmentHeader>,
    found: Vec<Found>,
}

impl Scanned {
    fn of(index: u32, file: Vec<u8>) -> Result<Self, StorageError> {
        // What is not there is no room, whatever the header says.
        let header = SegmentHeader::parse(&file, index)?.map(|header| SegmentHeader {
            size: header.size.min(file.len() as u64),
            ..header
        });
        let damaged = StorageError::DamagedSegment { segment: index };
        let found = match &header {
            Some(header) => frame::scan(&file, header.block).map_err(|_| damaged)?,
            None if frame::is_without_frames(&file) => Vec::new(),
            None => return Err(damaged),
        };
        Ok(Self {
            index,
            file,
            header,
            found,
        })
    }
}

type Looked = Result<Scanned, StorageError>;

/// Hands on every segment, in order, up to the first one that is damaged or cannot be read.
pub(super) fn all(
    files: &mut dyn Files,
    indices: &[u32],
    each: &mut dyn FnMut(Scanned) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (mut begun, mut failed) = (VecDeque::new(), Ok(()));
        for &index in indices {
            if begun.len() >= threads {
                end(&mut begun, each)?;
            }
            match read_all(files, &segment_name(index)) {
                Ok(file) => {
                    let look = Beside::begin(scope, file.len(), move || Scanned::of(index, file));
                    begun.push_back(look);
                }
                Err(error) => {
                    failed = Err(error);
                    break;
                }
            }
        }
        while !begun.is_empty() {
            end(&mut begun, each)?;
        }
        failed
    })
}

/// The oldest one.
fn end(
    begun: &mut VecDeque<Beside<'_, Looked>>,
    each: &mut dyn FnMut(Scanned) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let Some(oldest) = begun.pop_front() else {
        return Ok(());
    };
    let kind = io::ErrorKind::Other;
    let operation = Operation::Read;
    let looked = oldest.end();
    each(looked.unwrap_or(Err(StorageError::Io { operation, kind }))?)
}

/// What the segments hold together.
#[derive(Default)]
pub(super) struct Read {
    /// By the lowest segment, if it has a header.
    pub(super) first: u64,
    is_lowest_read: bool,
    pub(super) groups: Vec<Location>,
    pub(super) current: Option<Segment>,
    pub(super) unsettled: Option<Vec<u8>>,
    /// A segment without header and groups: legal if no group lies behind it.
    unfinished: Option<u32>,
}

impl Read {
    pub(super) fn take(&mut self, scanned: Scanned) -> Result<(), StorageError> {
        let Scanned {
            index,
            file,
            header,
            found,
        } = scanned;
        let is_lowest = !std::mem::replace(&mut self.is_lowest_read, true);
        let Some(header) = header else {
            self.unfinished = self.unfinished.or(Some(index));
            return Ok(());
        };
        if is_lowest {
            self.first = header.first;
        }
        let end = found
            .last()
            .map_or(u64::from(header.block), |last| last.end(header.block));
        if let (false, Some(segment)) = (found.is_empty(), self.unfinished) {
            return Err(StorageError::DamagedSegment { segment });
        }
        if !found.is_empty() || self.current.is_none() {
            let dirty_end = frame::dirty_end(&file, end);
            self.current = Some(Segment {
                header,
                end,
                dirty_end,
            });
            self.unsettled = Some(file);
        }
        let located = found.into_iter().map(|found| Location {
            segment: index,
            found,
        });
        self.groups.extend(located);
        Ok(())
    }
}
