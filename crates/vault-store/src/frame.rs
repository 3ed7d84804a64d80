//! The bytes of a segment file: a header block, then frames, each in blocks of its own.
//!
//! ```text
//! header, padded with zeros to one block       frame, padded with zeros to whole blocks
//! offset length                                offset length
//!      0      8  "EVSEGMT" and the version, 1       0      4  "EVF" and the version, 1
//!      8      4  index of the segment               4      4  length of the group
//!     12      4  block                              8      8  sequence
//!     16      8  sequence of its first group       16     16  SHA-256 of bytes 0..16 and the group,
//!     24      8  length of the file                           first half
//!     32     32  SHA-256 of bytes 0..32            32         the group
//! ```
//! Numbers are big-endian. The checksums tell what a crash left behind from what was written; they
//! protect against nobody who can write, which is what the seal inside is for.

use crate::crypto::sha256;
use crate::fields::Fields;
use crate::storage::StorageError;

const SEGMENT_MAGIC: [u8; 7] = *b"EVSEGMT";
const FRAME_MAGIC: [u8; 4] = *b"EVF\x01";
const VERSION: u8 = 1;
/// Length of a frame's header.
pub(crate) const HEADER: usize = 32;
/// Smallest block, which holds a segment header.
pub(crate) const MIN_BLOCK: u32 = 64;
const MAX_BLOCK: u32 = 1 << 20;

/// What a segment's header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SegmentHeader {
    pub(crate) index: u32,
    pub(crate) block: u32,
    pub(crate) first: u64,
    pub(crate) size: u64,
}

impl SegmentHeader {
    /// The header block.
    pub(crate) fn to_block(self) -> Vec<u8> {
        let Self {
            index,
            block,
            first,
            size,
        } = self;
        let mut bytes = [
            &SEGMENT_MAGIC[..],
            &[VERSION],
            &index.to_be_bytes(),
            &block.to_be_bytes(),
            &first.to_be_bytes(),
            &size.to_be_bytes(),
        ]
        .concat();
        bytes.extend_from_slice(&sha256(&[&bytes]));
        bytes.resize(block as usize, 0);
        bytes
    }

    /// `Ok(None)` if this is no undamaged header; an error if it is one of a later format.
    pub(crate) fn parse(file: &[u8], segment: u32) -> Result<Option<Self>, StorageError> {
        let Some((signed, rest)) = file.split_at_checked(32) else {
            return Ok(None);
        };
        if !rest.starts_with(&sha256(&[signed])) {
            return Ok(None);
        }
        let mut fields = Fields(signed);
        match (fields.array(), fields.array()) {
            (Some(SEGMENT_MAGIC), Some([VERSION])) => {}
            (Some(SEGMENT_MAGIC), Some([version])) => {
                return Err(StorageError::UnknownFormat { segment, version });
            }
            _ => return Ok(None),
        }
        let header = (|| {
            Some(Self {
                index: fields.u32()?,
                block: fields.u32()?,
                first: fields.u64()?,
                size: fields.u64()?,
            })
        })();
        Ok(header.filter(|header| header.index == segment && header.block_is_clean(file)))
    }

    fn block_is_clean(&self, file: &[u8]) -> bool {
        is_block(self.block)
            && file
                .get(64..self.block as usize)
                .is_some_and(|padding| padding.iter().all(|&byte| byte == 0))
    }
}

/// Whether frames can be aligned to this.
pub(crate) fn is_block(block: u32) -> bool {
    block.is_power_of_two() && (MIN_BLOCK..=MAX_BLOCK).contains(&block)
}

/// `bytes` rounded up to whole blocks.
pub(crate) fn aligned(bytes: u64, block: u32) -> u64 {
    bytes.next_multiple_of(u64::from(block))
}

/// Bytes that a group of this length takes.
pub(crate) fn extent(length: u64, block: u32) -> u64 {
    aligned(length + HEADER as u64, block)
}

/// The frame of a group, padded.
pub(crate) fn encode(sequence: u64, group: &[u8], block: u32) -> Result<Vec<u8>, StorageError> {
    let length = u32::try_from(group.len()).map_err(|_| StorageError::TooLarge)?;
    if length > i32::MAX as u32 {
        return Err(StorageError::TooLarge);
    }
    let extent = extent(u64::from(length), block);
    let extent = usize::try_from(extent).map_err(|_| StorageError::TooLarge)?;
    let mut frame = Vec::with_capacity(extent);
    frame.extend_from_slice(&FRAME_MAGIC);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&sequence.to_be_bytes());
    let checksum = checksum(&frame, group);
    frame.extend_from_slice(&checksum);
    frame.extend_from_slice(group);
    frame.resize(extent, 0);
    Ok(frame)
}

/// A frame that was found undamaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) sequence: u64,
    /// Offset of the group in the file.
    pub(crate) offset: u64,
    /// Length of the group.
    pub(crate) length: u32,
}

impl Found {
    /// Offset of the frame.
    pub(crate) fn begin(&self) -> u64 {
        self.offset - HEADER as u64
    }

    /// Offset behind the frame's last block.
    pub(crate) fn end(&self, block: u32) -> u64 {
        self.begin() + extent(u64::from(self.length), block)
    }
}

/// How often the length of a file is hashed in search of frames, at most.
///
/// Frames of a segment do not overlap, so those that are undamaged are hashed once over the length at most. Of one that
/// was torn the header is hashed with all that it claims, in vain; the blocks behind are looked at again, but what is
/// sealed begins like a frame once in 2^32 blocks. So a crash makes it twice. Only where headers are made for it, each
/// claiming what the others do, it is more: every block of 64 bytes of 16 MiB, and terabytes are hashed.
const MOST_HASHED: u64 = 4;

/// Headers claim more than frames that do not overlap can.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Overclaimed;

/// Every undamaged frame of a file, also behind damage.
pub(crate) fn scan(file: &[u8], block: u32) -> Result<Vec<Found>, Overclaimed> {
    Scan::new(file, block).collect()
}

/// Whether nothing in a file whose block is not known is, or may be, an undamaged frame.
pub(crate) fn is_without_frames(file: &[u8]) -> bool {
    Scan::new(file, MIN_BLOCK).next().is_none()
}

/// Looks for frames from block to block.
struct Scan<'a> {
    file: &'a [u8],
    block: u32,
    at: u64,
    /// Bytes that may still be hashed.
    left: u64,
}

impl<'a> Scan<'a> {
    fn new(file: &'a [u8], block: u32) -> Self {
        Self {
            file,
            block,
            at: u64::from(block),
            left: (file.len() as u64).saturating_mul(MOST_HASHED),
        }
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Found, Overclaimed>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.file.len() as u64 {
            let at = self.at;
            self.at += u64::from(self.block);
            let Some(claim) = Claim::read(self.file, at, self.block) else {
                continue;
            };
            let Some(left) = self.left.checked_sub(u64::from(claim.found.length)) else {
                self.at = u64::MAX;
                return Some(Err(Overclaimed));
            };
            self.left = left;
            if claim.is_intact() {
                self.at = claim.found.end(self.block);
                return Some(Ok(claim.found));
            }
        }
        None
    }
}

/// What looks like a frame, until its checksum says so.
struct Claim<'a> {
    found: Found,
    stored: [u8; 16],
    signed: &'a [u8],
    group: &'a [u8],
}

impl<'a> Claim<'a> {
    fn read(file: &'a [u8], at: u64, block: u32) -> Option<Self> {
        let frame = file.get(usize::try_from(at).ok()?..)?;
        let mut fields = Fields(frame);
        if fields.array()? != FRAME_MAGIC {
            return None;
        }
        let length = fields.u32()?;
        let sequence = fields.u64()?;
        let stored = fields.array()?;
        let end = usize::try_from(extent(u64::from(length), block)).ok()?;
        let (group, padding) = frame
            .get(HEADER..end)?
            .split_at_checked(usize::try_from(length).ok()?)?;
        let found = Found {
            sequence,
            offset: at + HEADER as u64,
            length,
        };
        padding.iter().all(|&byte| byte == 0).then_some(Self {
            found,
            stored,
            signed: frame.get(..16)?,
            group,
        })
    }

    fn is_intact(&self) -> bool {
        self.stored == checksum(self.signed, self.group)
    }
}

/// Offset behind the last byte at or behind `from` that is not zero; `from` if there is none.
pub(crate) fn dirty_end(file: &[u8], from: u64) -> u64 {
    let tail = usize::try_from(from)
        .ok()
        .and_then(|from| file.get(from..))
        .unwrap_or(&[]);
    let length = tail
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    from + length as u64
}

fn checksum(header: &[u8], group: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(
        sha256(&[header, group])
            .first_chunk::<16>()
            .unwrap_or(&[0; 16]),
    );
    half
}
